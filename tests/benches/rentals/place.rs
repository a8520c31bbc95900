//! A migrated database of the benchmark's own, with the product on it.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use migration::MigratorTrait;
use sea_orm::{ConnectionTrait, Database, Statement};
use service::{
    clock::SystemClock,
    ctx::App,
    db::Db,
    event::{feed::Feed, memory::Memory},
    keys::Keys,
};

use super::TASKS;

pub struct Place {
    pub app: App,
    pub url: String,
    /// Of the SQLite file.
    folder: Option<PathBuf>,
}

impl Place {
    pub async fn sqlite() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("bikelease-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let url = format!("sqlite://{}?mode=rwc", folder.join("bikelease.db").display());
        Ok(Self { app: open(&url).await?, url, folder: Some(folder) })
    }

    pub async fn postgres() -> Result<Self> {
        let server = std::env::var("BIKELEASE_TEST_POSTGRES_URL")
            .context("no PostgreSQL server: run this by `make bench`")?;
        let name = format!("bench_{}", std::process::id());
        let connection = Database::connect(&server).await?;
        connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        connection.close().await?;
        let (host, _) = server.rsplit_once('/').context("a URL without a database")?;
        let url = format!("{host}/{name}");
        Ok(Self { app: open(&url).await?, url, folder: None })
    }

    /// No round pays for the rows that the one before left behind.
    pub async fn tidy(&self) -> Result<()> {
        self.app.db.writer().execute_unprepared("VACUUM (ANALYZE)").await?;
        Ok(())
    }

    /// The one text that a query gives.
    pub async fn text(&self, sql: &str) -> Result<String> {
        let db = self.app.db.reader();
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await?.context("a row")?;
        Ok(row.try_get_by_index(0)?)
    }

    /// The server throws its databases away itself.
    pub async fn remove(self) -> Result<()> {
        self.app.db.close().await?;
        if let Some(folder) = self.folder {
            std::fs::remove_dir_all(folder)?;
        }
        Ok(())
    }
}

async fn open(url: &str) -> Result<App> {
    let db = Db::connect(url, TASKS).await?;
    migration::Migrator::up(db.writer(), None).await?;
    let keys = Arc::new(Keys::derive(b"a secret that protects nothing here")?);
    let feed = Feed::new(db.clone());
    Ok(App::new(db, Arc::new(SystemClock), keys, Arc::new(Memory), feed))
}
