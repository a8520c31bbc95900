//! The two shapes in which the product runs, and a fresh database in either.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use migration::MigratorTrait;
use sea_orm::{ConnectionTrait, Database};
use service::job::queue::Queue;
use tokio::sync::OnceCell;

/// Every black-box test runs once in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// SQLite and the bus in the process.
    Embedded,
    /// PostgreSQL and Redis.
    Production,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);
static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static ROLES: OnceCell<()> = OnceCell::const_new();
static FILE: OnceCell<PathBuf> = OnceCell::const_new();

/// Who works on PostgreSQL beside the application.
const LOGINS: [(&str, &str); 4] = [
    ("BIKELEASE_DATABASE_READ_URL", "it_reader"),
    ("BIKELEASE_DATABASE_FEED_URL", "it_feed"),
    ("BIKELEASE_DATABASE_WORKER_URL", "it_worker"),
    ("BIKELEASE_DATABASE_MIGRATION_URL", "it_owner"),
];

/// A migrated database of a test's own.
pub struct Place {
    /// On PostgreSQL, that of the application's role, which row-level security holds.
    pub database_url: String,
    /// Addresses of the other roles, by their `BIKELEASE_…` names.
    pub roles: Vec<(&'static str, String)>,
    /// On PostgreSQL, that of a superuser, whom nothing holds.
    pub admin_url: Option<String>,
    pub redis_url: Option<String>,
    pub folder: PathBuf,
}

impl Place {
    /// The address of whoever may do anything.
    pub fn admin_url(&self) -> &str {
        self.admin_url.as_ref().unwrap_or(&self.database_url)
    }

    /// For a process on this database, by their `BIKELEASE_…` names.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("BIKELEASE_DATABASE_URL", self.database_url.clone()),
            ("BIKELEASE_DATA_DIR", self.folder.display().to_string()),
        ];
        settings.extend(self.roles.iter().cloned());
        settings.extend(self.redis_url.iter().map(|url| ("BIKELEASE_REDIS_URL", url.clone())));
        settings
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shape {
    pub async fn place(self) -> Place {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("bikelease-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        match self {
            Self::Embedded => {
                let file = folder.join("bikelease.db");
                std::fs::copy(FILE.get_or_init(migrated_file).await, &file).unwrap();
                Place {
                    database_url: format!("sqlite://{}?mode=rwc", file.display()),
                    roles: Vec::new(),
                    admin_url: None,
                    redis_url: None,
                    folder,
                }
            }
            Self::Production => {
                let template = TEMPLATE.get_or_init(migrated_template).await;
                let name = format!("it_{}_{number}", std::process::id());
                let create = format!("CREATE DATABASE {name} TEMPLATE {template} OWNER it_owner");
                sql(&postgres(), &create).await;
                Place {
                    database_url: database_as("it_application", &name),
                    roles: LOGINS.map(|(key, login)| (key, database_as(login, &name))).to_vec(),
                    admin_url: Some(database(&name)),
                    redis_url: Some(setting("BIKELEASE_TEST_REDIS_URL")),
                    folder,
                }
            }
        }
    }

    /// An empty database and the address of its owner, for tests of the migrations themselves.
    pub async fn empty(self) -> String {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Embedded => {
                let file = std::env::temp_dir()
                    .join(format!("bikelease-empty-{}-{number}.db", std::process::id()));
                let _ = std::fs::remove_file(&file);
                format!("sqlite://{}?mode=rwc", file.display())
            }
            Self::Production => {
                let name = format!("empty_{}_{number}", std::process::id());
                ROLES.get_or_init(roles).await;
                sql(&postgres(), &format!("CREATE DATABASE {name} OWNER it_owner")).await;
                database_as("it_owner", &name)
            }
        }
    }
}

async fn migrated_file() -> PathBuf {
    let file = std::env::temp_dir().join(format!("bikelease-template-{}.db", std::process::id()));
    let _ = std::fs::remove_file(&file);
    set_up(&format!("sqlite://{}?mode=rwc", file.display())).await;
    file
}

async fn migrated_template() -> String {
    let name = format!("template_{}", std::process::id());
    ROLES.get_or_init(roles).await;
    sql(&postgres(), &format!("CREATE DATABASE {name} OWNER it_owner")).await;
    set_up(&database_as("it_owner", &name)).await;
    name
}

/// Roles belong to the whole server, which other test programs use too.
async fn roles() {
    sql(&postgres(), migration::isolation::ROLES).await;
    for (login, like) in [
        ("it_owner", "CREATEROLE"),
        ("it_application", "IN ROLE bikelease_application"),
        ("it_reader", "IN ROLE bikelease_reader"),
        ("it_feed", "IN ROLE bikelease_feed"),
        ("it_worker", "IN ROLE bikelease_worker"),
    ] {
        let create = format!(
            "DO $$ BEGIN CREATE ROLE {login} LOGIN {like};
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        );
        sql(&postgres(), &create).await;
    }
}

async fn set_up(url: &str) {
    let db = service::db::Db::connect(url, 2).await.unwrap();
    migration::Migrator::up(db.writer(), None).await.unwrap();
    Queue::open(&db, url).await.unwrap().migrate().await.unwrap();
    migration::isolation::secure(db.writer()).await.unwrap();
    if url.starts_with("sqlite:") {
        // Everything into the one file that tests copy.
        db.writer().execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    }
    db.close().await.unwrap();
}

async fn sql(url: &str, statement: &str) {
    let connection = Database::connect(url).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}

fn postgres() -> String {
    setting("BIKELEASE_TEST_POSTGRES_URL")
}

fn database(name: &str) -> String {
    let url = postgres();
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

/// The same server as somebody else, whom it trusts.
fn database_as(login: &str, name: &str) -> String {
    let url = database(name);
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (_, server) = rest.split_once('@').expect("a URL with a user");
    format!("{scheme}://{login}@{server}")
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests by `make test`, which starts the servers")
    })
}
