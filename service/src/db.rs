//! The database: one writer and many readers on SQLite, one pool on PostgreSQL.

mod group;
mod transaction;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, TransactionOptions, TransactionTrait,
    sqlx::{
        Connection, SqlitePool,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use group::Turns;
pub(crate) use transaction::Transaction;

/// Cheap to clone.
#[derive(Clone)]
pub struct Db {
    writer: DatabaseConnection,
    /// How writes share the one connection; only on SQLite.
    turns: Option<Turns>,
    reader: DatabaseConnection,
    statements: Arc<AtomicU64>,
}

impl Db {
    /// Connects, and creates the SQLite file (not its folder) when there is none.
    pub async fn connect(url: &str, pool: u32) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        if !url.starts_with("sqlite:") {
            let pool = counted(Database::connect(postgres(url, pool)).await?, &statements);
            return Ok(Self { writer: pool.clone(), turns: None, reader: pool, statements });
        }
        let writer = counted(Database::connect(sqlite(url, 1)).await?, &statements);
        let reader = counted(Database::connect(sqlite(url, pool)).await?, &statements);
        let turns = Some(Turns::start(writer.clone()));
        Ok(Self { writer, turns, reader, statements })
    }

    /// For reads outside a write.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
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

    #[expect(clippy::disallowed_methods, reason = "one of the places that begin a transaction")]
    pub(crate) async fn begin(&self) -> Result<Transaction, DbErr> {
        Ok(match &self.turns {
            Some(turns) => Transaction::Turn(turns.take().await?),
            None => Transaction::Own(self.writer.begin().await?),
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

    /// A pool of its own for the job queue, beside the one writer of the use cases.
    pub(crate) async fn queue_pool(&self, url: &str) -> Result<SqlitePool, DbErr> {
        let connection = Database::connect(sqlite(url, 2)).await?;
        Ok(connection.get_sqlite_connection_pool().clone())
    }

    pub async fn close(self) -> Result<(), DbErr> {
        if let Some(turns) = self.turns {
            turns.end();
        }
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
