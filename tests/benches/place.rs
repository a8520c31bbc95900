//! A migrated database of a case's own, with the product on it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use migration::MigratorTrait;
use sea_orm::{ConnectionTrait, Database};
use service::{
    clock::SystemClock,
    ctx::App,
    db::Db,
    event::{feed::Feed, memory::Memory},
    keys::Keys,
};

/// Tells the places of one run apart.
static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Place {
    pub app: App,
    pub url: String,
    /// Of the SQLite file.
    folder: Option<Folder>,
}

/// Goes with whoever has it, also after a failure.
struct Folder(PathBuf);

impl Place {
    pub async fn sqlite(pool: u32) -> Result<Self> {
        let folder = Folder(std::env::temp_dir().join(name()));
        std::fs::create_dir_all(&folder.0)?;
        let url = format!("sqlite://{}?mode=rwc", folder.0.join("bikelease.db").display());
        Ok(Self { app: open(&url, pool).await?, url, folder: Some(folder) })
    }

    pub async fn postgres(pool: u32) -> Result<Self> {
        let server = std::env::var("BIKELEASE_TEST_POSTGRES_URL")
            .context("no PostgreSQL server: run this by `make bench`")?;
        let name = name();
        let connection = Database::connect(&server).await?;
        connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        connection.close().await?;
        let (host, _) = server.rsplit_once('/').context("a URL without a database")?;
        let url = format!("{host}/{name}");
        Ok(Self { app: open(&url, pool).await?, url, folder: None })
    }

    pub fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// The product once more on the same database, with a pool of its own.
    pub async fn again(&self, pool: u32) -> Result<App> {
        product_at(&self.url, pool).await
    }

    /// No round pays for the rows that the one before left behind.
    pub async fn tidy(&self) -> Result<()> {
        let sql =
            if self.is_sqlite() { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "VACUUM (ANALYZE)" };
        self.app.db.writer().execute_unprepared(sql).await?;
        Ok(())
    }

    /// Every invariant holds, also for what the limits wrote.
    pub async fn check(&self) -> Result<()> {
        for finding in service::invariant::check(&self.app).await? {
            ensure!(finding.count == 0, "{} is broken: {}", finding.name, finding.what);
        }
        Ok(())
    }

    /// The server throws its databases away itself.
    pub async fn remove(self) -> Result<()> {
        Ok(self.app.db.close().await?)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

fn name() -> String {
    format!("bikelease_bench_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

async fn open(url: &str, pool: u32) -> Result<App> {
    let db = Db::connect(url, pool).await?;
    migration::Migrator::up(db.writer(), None).await?;
    migration::isolation::secure(db.writer()).await?;
    product_on(db)
}

/// The product on a database that another process may have made.
pub async fn product_at(url: &str, pool: u32) -> Result<App> {
    product_on(Db::connect(url, pool).await?)
}

pub fn product_on(db: Db) -> Result<App> {
    let keys = Arc::new(Keys::derive(b"a secret that protects nothing here", &[])?);
    let feed = Feed::new(db.clone());
    Ok(App::new(db, Arc::new(SystemClock), keys, Arc::new(Memory), feed))
}
