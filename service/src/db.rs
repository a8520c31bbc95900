//! The database: one writer and many readers on SQLite, one pool on PostgreSQL.

mod group;
mod reader;
pub mod roles;
mod scoped;
mod transaction;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use entity::tenant::TenantId;
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, TransactionOptions, TransactionTrait,
    sqlx::{
        Connection,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use group::Turns;
pub use reader::Reader;
use scoped::Scopes;
pub use transaction::Transaction;

/// Where the database is. On PostgreSQL, each kind of work may have a role of its own; what has none goes by the first.
#[derive(Clone, Debug, Default)]
pub struct Urls {
    /// Writes, each of one tenant.
    pub application: String,
    /// Reads of the application.
    pub reader: Option<String>,
    /// Reads of every tenant's events, and of sessions that ended.
    pub feed: Option<String>,
    /// The queue of jobs, and what there is to be done.
    pub worker: Option<String>,
    /// Whether the application's reads name their tenant as its writes do.
    pub scoped_reads: bool,
}

/// It reads little, and a few tenants at a time.
const FEED: u32 = 4;

/// Cheap to clone.
#[derive(Clone)]
pub struct Db {
    writer: DatabaseConnection,
    begin: Begin,
    reader: DatabaseConnection,
    feed: DatabaseConnection,
    worker: DatabaseConnection,
    scoped_reads: bool,
    statements: Arc<AtomicU64>,
}

/// How a write begins.
#[derive(Clone)]
enum Begin {
    /// On SQLite, they share the one connection.
    Turns(Turns),
    Scopes(Scopes),
}

impl Db {
    /// Connects, and creates the SQLite file (not its folder) when there is none.
    pub async fn connect(url: &str, pool: u32) -> Result<Self, DbErr> {
        Self::connect_as(&Urls { application: url.to_owned(), ..Urls::default() }, pool).await
    }

    pub async fn connect_as(urls: &Urls, pool: u32) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        let url = &urls.application;
        if !url.starts_with("sqlite:") {
            return Self::roles(urls, pool, statements).await;
        }
        let writer = counted(Database::connect(sqlite(url, 1)).await?, &statements);
        let reader = counted(Database::connect(sqlite(url, pool)).await?, &statements);
        let begin = Begin::Turns(Turns::start(writer.clone()));
        let (feed, worker) = (reader.clone(), writer.clone());
        Ok(Self { writer, begin, reader, feed, worker, scoped_reads: false, statements })
    }

    async fn roles(urls: &Urls, pool: u32, statements: Arc<AtomicU64>) -> Result<Self, DbErr> {
        let writer =
            counted(Database::connect(postgres(&urls.application, pool)).await?, &statements);
        let of = async |url: &Option<String>, most: u32| match url {
            Some(url) => Ok(counted(Database::connect(postgres(url, most)).await?, &statements)),
            None => Ok::<_, DbErr>(writer.clone()),
        };
        let reader = of(&urls.reader, pool).await?;
        let feed = of(&urls.feed, pool.min(FEED)).await?;
        let worker = of(&urls.worker, pool).await?;
        let pool = writer.get_postgres_connection_pool().clone();
        let begin = Begin::Scopes(Scopes { pool, statements: Arc::clone(&statements) });
        let scoped_reads = urls.scoped_reads;
        Ok(Self { writer, begin, reader, feed, worker, scoped_reads, statements })
    }

    /// For reads of one tenant outside a write.
    pub fn reader_of(&self, tenant: TenantId) -> Reader {
        let scopes = match &self.begin {
            Begin::Scopes(scopes) if self.scoped_reads => Some((scopes.clone(), tenant)),
            _ => None,
        };
        Reader::new(self.reader.clone(), scopes)
    }

    /// For reads of what belongs to no tenant; of tenants' rows only where reads are not scoped.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For reads of every tenant's events.
    pub fn feed(&self) -> &DatabaseConnection {
        &self.feed
    }

    /// For the queue of jobs.
    pub fn worker(&self) -> &DatabaseConnection {
        &self.worker
    }

    /// For finding out which tenants have something to do.
    pub fn survey(&self) -> &DatabaseConnection {
        match self.begin {
            // Not on the one connection that writes.
            Begin::Turns(_) => &self.reader,
            Begin::Scopes(_) => &self.worker,
        }
    }

    /// For migrations and maintenance; use cases go through `Ctx::write`.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// How many statements have been sent; tests count them.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(crate) async fn begin(&self, tenant: TenantId) -> Result<Transaction, DbErr> {
        Ok(match &self.begin {
            Begin::Turns(turns) => turns.take().await?.into(),
            Begin::Scopes(scopes) => scopes.write(tenant).await?.into(),
        })
    }

    /// For reads that have to fit together: none sees what is committed meanwhile.
    #[expect(clippy::disallowed_methods, reason = "one of the places that begin a transaction")]
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let isolation_level = match self.backend() {
            DbBackend::Postgres => Some(IsolationLevel::RepeatableRead),
            // Every transaction on SQLite is one.
            _ => None,
        };
        let options = TransactionOptions { isolation_level, ..TransactionOptions::default() };
        self.reader.begin_with_options(options).await
    }

    pub async fn close(self) -> Result<(), DbErr> {
        if let Begin::Turns(turns) = self.begin {
            turns.end();
        }
        self.feed.close().await?;
        self.worker.close().await?;
        self.reader.close().await?;
        self.writer.close().await
    }
}

fn counted(mut connection: DatabaseConnection, statements: &Arc<AtomicU64>) -> DatabaseConnection {
    let statements = Arc::clone(statements);
    connection.set_metric_callback(move |_| {
        statements.fetch_add(1, Ordering::Relaxed);
    });
    connection
}

fn sqlite(url: &str, pool: u32) -> ConnectOptions {
    let url = if url.contains('?') { url.to_owned() } else { format!("{url}?mode=rwc") };
    let mut options = common(url, pool);
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .journal_mode(SqliteJournalMode::Wal)
            // An answer means that the write is on the disk.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true)
    });
    // SQLite may roll back by itself, and the pool does not hear of it: such a connection would not begin again as it should.
    options.map_sqlx_sqlite_before_acquire(|connection, _| {
        Box::pin(async move { Ok(!connection.is_in_transaction()) })
    });
    options
}

fn postgres(url: &str, pool: u32) -> ConnectOptions {
    let mut options = common(url.to_owned(), pool);
    options.map_sqlx_postgres_opts(|postgres| {
        postgres.application_name("bikelease").options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            // A node that froze within a write must not keep its locks for as long as TCP believes in it.
            ("idle_in_transaction_session_timeout", "15s"),
            // Where the tables' owner serves: what a write takes off before it begins; see `migration::isolation`.
            ("app.scope", "platform"),
        ])
    });
    options
}

fn common(url: String, pool: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(pool)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(8))
        // One in use has just worked; a server that restarts is away for longer.
        .test_before_acquire_if_idle_for(Duration::from_secs(1))
        .sqlx_logging(false);
    options
}
