//! The queue of jobs: apalis, on the same database as everything else.

use apalis_postgres::PostgresStorage;
use apalis_sqlite::{SqlitePool, SqliteStorage};
use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DbBackend, Statement,
    sqlx::{self, PgPool},
};

use super::Job;
use crate::{
    ctx::App,
    db::Db,
    error::{Error, Result},
};

/// All jobs share one queue; what a job is stands in its payload.
pub(crate) const NAME: &str = "bikelease";
const ATTEMPTS: i32 = 5;

/// Cheap to clone.
#[derive(Clone)]
pub enum Queue {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Queue {
    /// Opens the queue and brings its tables up to date.
    pub async fn set_up(app: &App, url: &str) -> Result<Self> {
        let queue = Self::open(&app.db, url).await?;
        queue.migrate().await?;
        Ok(queue)
    }

    pub async fn open(db: &Db, url: &str) -> Result<Self> {
        Ok(match db.backend() {
            DbBackend::Postgres => {
                Self::Postgres(db.worker().get_postgres_connection_pool().clone())
            }
            _ => Self::Sqlite(db.queue_pool(url).await?),
        })
    }

    /// Its tables are apalis' own. Its `setup` is not called, because on SQLite that turns off `synchronous`.
    pub async fn migrate(&self) -> Result<()> {
        let done = match self {
            Self::Sqlite(pool) => {
                SqliteStorage::migrations().set_ignore_missing(true).run(pool).await
            }
            Self::Postgres(pool) => {
                PostgresStorage::migrations().set_ignore_missing(true).run(pool).await
            }
        };
        done.map_err(|error: sqlx::migrate::MigrateError| Error::internal(error))
    }

    /// Takes back what `migrate` did, and every job with it. The extensions that PostgreSQL got for it (hstore, pgcrypto)
    /// stay: others may use them.
    pub async fn tear_down(db: &Db) -> Result<()> {
        let statements = match db.backend() {
            DbBackend::Postgres => "DROP SCHEMA IF EXISTS apalis CASCADE",
            _ => {
                "DROP TABLE IF EXISTS Jobs; DROP TABLE IF EXISTS Workers; DROP TABLE IF EXISTS _sqlx_migrations"
            }
        };
        db.writer().execute_unprepared(statements).await?;
        Ok(())
    }
}

/// What adds a job that runs at a time, unless one with this key was ever added. In a transaction it comes with that.
pub(crate) fn addition(
    backend: DbBackend,
    job: &Job,
    key: String,
    run_at: DateTime<Utc>,
) -> Result<Statement> {
    let sql = match backend {
        DbBackend::Postgres => {
            "INSERT INTO apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata, idempotency_key)
             VALUES ($1, $2, $3, 'Pending', 0, $4, to_timestamp($5::bigint), 0, ''::hstore, $6) ON CONFLICT DO NOTHING"
        }
        _ => {
            "INSERT INTO Jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata, idempotency_key)
             VALUES ($1, $2, $3, 'Pending', 0, $4, $5, 0, '{}', $6) ON CONFLICT DO NOTHING"
        }
    };
    let id = ulid::Ulid::from_bytes(crate::keys::random::<16>()?).to_string();
    let payload = serde_json::to_vec(job).map_err(Error::internal)?;
    // A second later rather than a fraction too early.
    let second = run_at.timestamp() + i64::from(run_at.timestamp_subsec_nanos() > 0);
    let values =
        [id.into(), NAME.into(), payload.into(), ATTEMPTS.into(), second.into(), key.into()];
    Ok(Statement::from_sql_and_values(backend, sql, values))
}

/// Jobs that are due and not done, with their ids; for running them without a worker.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<Vec<(String, Job)>> {
    let (table, at) = match db.get_database_backend() {
        DbBackend::Postgres => ("apalis.jobs", "extract(epoch FROM run_at)"),
        _ => ("Jobs", "run_at"),
    };
    let sql = format!(
        "SELECT id, job FROM {table} WHERE job_type = $1 AND status = 'Pending' AND {at} <= $2 ORDER BY run_at, id LIMIT 100"
    );
    let values = [NAME.into(), now.timestamp().into()];
    let rows = db
        .query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values))
        .await?;
    let read = |row: &sea_orm::QueryResult| {
        let payload: Vec<u8> = row.try_get("", "job")?;
        Ok((row.try_get("", "id")?, serde_json::from_slice(&payload).map_err(Error::internal)?))
    };
    rows.iter().map(read).collect()
}

pub(crate) async fn done(db: &impl ConnectionTrait, id: &str) -> Result<()> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "UPDATE apalis.jobs SET status = 'Done', done_at = now() WHERE id = $1"
        }
        _ => "UPDATE Jobs SET status = 'Done', done_at = strftime('%s', 'now') WHERE id = $1",
    };
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()]))
        .await?;
    Ok(())
}

/// Puts off the next try of a job that is about to fail.
pub(crate) async fn postpone(
    db: &impl ConnectionTrait,
    id: &str,
    until: DateTime<Utc>,
) -> Result<()> {
    let backend = db.get_database_backend();
    let (sql, at): (_, sea_orm::Value) = match backend {
        DbBackend::Postgres => ("UPDATE apalis.jobs SET run_at = $1 WHERE id = $2", until.into()),
        _ => ("UPDATE Jobs SET run_at = $1 WHERE id = $2", until.timestamp().into()),
    };
    db.execute_raw(Statement::from_sql_and_values(backend, sql, [at, id.into()])).await?;
    Ok(())
}

/// Jobs that have ended, well or not, are kept for a day, so that nothing late is taken for new; so are workers.
pub(crate) async fn forget_ended(db: &impl ConnectionTrait) -> Result<()> {
    let (jobs, workers, a_day_ago) = match db.get_database_backend() {
        DbBackend::Postgres => ("apalis.jobs", "apalis.workers", "now() - interval '1 day'"),
        _ => ("Jobs", "Workers", "strftime('%s', 'now') - 86400"),
    };
    let ended = format!(
        "DELETE FROM {jobs} WHERE done_at < {a_day_ago}
         AND (status IN ('Done', 'Killed') OR (status = 'Failed' AND attempts >= max_attempts))"
    );
    let gone = format!(
        "DELETE FROM {workers} WHERE last_seen < {a_day_ago}
         AND NOT EXISTS (SELECT 1 FROM {jobs} j WHERE j.lock_by = {workers}.id)"
    );
    for sql in [ended, gone] {
        db.execute_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    }
    Ok(())
}
