//! Where jobs wait: apalis' tables, in the same database as everything else.
//!
//! An attempt is counted when it begins, and its number is the token of its end: who was thought dead and comes back late
//! finds that its job has another attempt, and changes nothing.

use std::time::Duration;

use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use chrono::{DateTime, Utc};
use entity::Id;
use sea_orm::{
    ConnectionTrait, DbBackend, QueryResult, Statement, Value, sqlx::migrate::MigrateError,
};
use serde_json::json;

use super::{Job, queue::Queue};
use crate::{
    ctx::App,
    db::Db,
    error::{Error, Result},
};

/// What this version's processes are called among apalis' workers.
const WORKER: &str = "bikelease-worker";

/// Brings its tables up to date. Their `setup` is not called, because on SQLite that turns off `synchronous`.
pub async fn migrate(db: &Db) -> Result<()> {
    let done = match db.backend() {
        DbBackend::Postgres => {
            let pool = db.worker().get_postgres_connection_pool();
            PostgresStorage::migrations().set_ignore_missing(true).run(pool).await
        }
        _ => {
            let pool = db.worker().get_sqlite_connection_pool();
            SqliteStorage::migrations().set_ignore_missing(true).run(pool).await
        }
    };
    done.map_err(|error: MigrateError| Error::internal(error))
}

/// Takes back what `migrate` did, and every job with it. The extensions that PostgreSQL got for it (hstore, pgcrypto) stay:
/// others may use them.
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

/// A job that is about to wait.
pub(crate) struct Addition<'a> {
    pub queue: Queue,
    pub payload: Vec<u8>,
    pub attempts: i32,
    /// Nothing is added when something with this key was ever added to the queue.
    pub key: &'a str,
    pub at: DateTime<Utc>,
}

/// Adds a job that runs at a time, unless one with this key was ever added. In a transaction it comes with that.
pub(crate) async fn add(
    db: &impl ConnectionTrait,
    app: &App,
    job: &Job,
    key: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    let payload = serde_json::to_vec(job).map_err(Error::internal)?;
    let attempts = job.retry().attempts;
    add_raw(db, app, Addition { queue: job.queue(), payload, attempts, key, at }).await
}

pub(crate) async fn add_raw(db: &impl ConnectionTrait, app: &App, job: Addition<'_>) -> Result<()> {
    let (table, at, metadata) = match db.get_database_backend() {
        DbBackend::Postgres => ("apalis.jobs", "to_timestamp($5::bigint)", "''::hstore"),
        _ => ("Jobs", "$5", "'{}'"),
    };
    let sql = format!(
        "INSERT INTO {table} (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata, idempotency_key)
         VALUES ($1, $2, $3, 'Pending', 0, $4, {at}, 0, {metadata}, $6) ON CONFLICT DO NOTHING"
    );
    // Sorts by when it was made, as jobs of one time are taken.
    let id = ulid::Ulid::from_bytes(*app.new_id::<NewId>().uuid().as_bytes()).to_string();
    let values: [Value; 6] = [
        id.into(),
        job.queue.as_str().into(),
        job.payload.into(),
        job.attempts.into(),
        second(job.at).into(),
        job.key.into(),
    ];
    run(db, &sql, values).await?;
    Ok(())
}

/// apalis has ULIDs, which are made as our ids are.
type NewId = entity::dead_job::DeadJobId;

/// One attempt of a job, which nobody else may make meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub id: String,
    pub queue: Queue,
    pub payload: Vec<u8>,
    /// 1 for the first.
    pub attempt: i32,
    pub most_attempts: i32,
    /// None: no attempt has failed so far.
    pub first_failed_at: Option<DateTime<Utc>>,
}

/// Whether a queue has a job that is due.
pub(super) async fn any_due(
    db: &impl ConnectionTrait,
    queue: Queue,
    now: DateTime<Utc>,
) -> Result<bool> {
    let (table, at) = match db.get_database_backend() {
        DbBackend::Postgres => ("apalis.jobs", "to_timestamp($2::bigint)"),
        _ => ("Jobs", "$2"),
    };
    let sql = format!(
        "SELECT 1 AS one FROM {table} WHERE job_type = $1 AND run_at <= {at}
         AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts)) LIMIT 1"
    );
    for name in queue.stored() {
        let values: [Value; 2] = [(*name).into(), now.timestamp().into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), &sql, values);
        if db.query_one_raw(statement).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes jobs of a queue that are due, oldest first.
pub(super) async fn claim(
    db: &impl ConnectionTrait,
    worker: &str,
    queue: Queue,
    now: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Claimed>> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => CLAIM_ON_POSTGRES,
        _ => CLAIM_ON_SQLITE,
    };
    let mut claimed = Vec::new();
    for name in queue.stored() {
        let left = i64::try_from(most - claimed.len()).map_err(Error::internal)?;
        let values: [Value; 4] =
            [worker.into(), (*name).into(), now.timestamp().into(), left.into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let mut rows: Vec<(i64, Claimed)> = db
            .query_all_raw(statement)
            .await?
            .iter()
            .map(|row| read(row, queue))
            .collect::<Result<_>>()?;
        rows.sort_by(|(a, first), (b, second)| (a, &first.id).cmp(&(b, &second.id)));
        claimed.extend(rows.into_iter().map(|(_, job)| job));
        if claimed.len() >= most {
            break;
        }
    }
    Ok(claimed)
}

const CLAIM_ON_POSTGRES: &str = "
UPDATE apalis.jobs SET status = 'Running', attempts = attempts + 1, lock_by = $1, lock_at = now()
WHERE id IN (
    SELECT id FROM apalis.jobs
    WHERE (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))
        AND job_type = $2 AND run_at <= to_timestamp($3::bigint)
    ORDER BY priority DESC, run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED
)
RETURNING id, job, attempts, max_attempts, last_result::text AS last_result, extract(epoch FROM run_at)::bigint AS at";

/// In two halves, each with an index of its own.
const CLAIM_ON_SQLITE: &str = "
UPDATE Jobs SET status = 'Running', attempts = attempts + 1, lock_by = $1, lock_at = strftime('%s', 'now')
WHERE id IN (
    SELECT id FROM (
        SELECT * FROM (SELECT id, priority, run_at FROM Jobs WHERE job_type = $2 AND status = 'Pending' AND lock_by IS NULL
            AND run_at <= $3 ORDER BY priority DESC, run_at, id LIMIT $4)
        UNION ALL
        SELECT * FROM (SELECT id, priority, run_at FROM Jobs WHERE job_type = $2 AND status = 'Failed' AND attempts < max_attempts
            AND run_at <= $3 ORDER BY priority DESC, run_at, id LIMIT $4)
    )
    ORDER BY priority DESC, run_at, id LIMIT $4
)
RETURNING id, job, attempts, max_attempts, last_result, run_at AS at";

fn read(row: &QueryResult, queue: Queue) -> Result<(i64, Claimed)> {
    let last: Option<String> = row.try_get("", "last_result")?;
    let last: Option<serde_json::Value> = last.and_then(|text| serde_json::from_str(&text).ok());
    let first = last.as_ref().and_then(|last| last.get("first_failed_at")?.as_str()?.parse().ok());
    let claimed = Claimed {
        id: row.try_get("", "id")?,
        queue,
        payload: row.try_get("", "job")?,
        attempt: row.try_get("", "attempts")?,
        most_attempts: row.try_get("", "max_attempts")?,
        first_failed_at: first,
    };
    Ok((row.try_get("", "at")?, claimed))
}

/// How an attempt ended.
pub(super) enum End<'a> {
    Done,
    /// It is tried again.
    Failed {
        error: &'a str,
        first_failed_at: DateTime<Utc>,
        next: DateTime<Utc>,
    },
    /// It was the last.
    Dead {
        error: &'a str,
        first_failed_at: DateTime<Utc>,
    },
}

/// Writes down how an attempt ended; false when the job has another attempt by now.
pub(super) async fn end(
    db: &impl ConnectionTrait,
    worker: &str,
    job: &Claimed,
    end: End<'_>,
) -> Result<bool> {
    let failure = |error: &str, first: DateTime<Utc>| {
        Some(json!({"Err": error, "first_failed_at": first}).to_string())
    };
    let (status, result, next) = match end {
        End::Done => ("Done", None, None),
        End::Failed { error, first_failed_at, next } => {
            ("Failed", failure(error, first_failed_at), Some(second(next)))
        }
        End::Dead { error, first_failed_at } => ("Killed", failure(error, first_failed_at), None),
    };
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "UPDATE apalis.jobs SET status = $1, last_result = $2::text::jsonb, run_at = coalesce(to_timestamp($3::bigint), run_at),
                 done_at = CASE WHEN $1 <> 'Failed' THEN now() END, lock_by = NULL
             WHERE id = $4 AND lock_by = $5 AND attempts = $6 AND status = 'Running'"
        }
        _ => {
            "UPDATE Jobs SET status = $1, last_result = $2, run_at = coalesce($3, run_at),
                 done_at = CASE WHEN $1 <> 'Failed' THEN strftime('%s', 'now') END, lock_by = NULL
             WHERE id = $4 AND lock_by = $5 AND attempts = $6 AND status = 'Running'"
        }
    };
    let values: [Value; 6] = [
        status.into(),
        result.into(),
        next.into(),
        job.id.as_str().into(),
        worker.into(),
        job.attempt.into(),
    ];
    Ok(run(db, sql, values).await? == 1)
}

/// Says that this process lives. Time is the database's: nodes may disagree about theirs.
pub(super) async fn beat(db: &impl ConnectionTrait, worker: &str) -> Result<()> {
    let (table, now) = match db.get_database_backend() {
        DbBackend::Postgres => ("apalis.workers", "now()"),
        _ => ("Workers", "strftime('%s', 'now')"),
    };
    let sql = format!(
        "INSERT INTO {table} (id, worker_type, storage_name, layers, last_seen) VALUES ($1, $2, $2, '', {now})
         ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen"
    );
    run(db, &sql, [worker.into(), WORKER.into()]).await?;
    Ok(())
}

/// Gives back what processes had begun that have not been heard of for so long; gives how many jobs.
pub(super) async fn take_over(db: &impl ConnectionTrait, silence: Duration) -> Result<u64> {
    let (jobs, workers, then) = match db.get_database_backend() {
        DbBackend::Postgres => {
            ("apalis.jobs", "apalis.workers", "now() - make_interval(secs => $1::bigint)")
        }
        _ => ("Jobs", "Workers", "strftime('%s', 'now') - $1"),
    };
    let sql = format!(
        "UPDATE {jobs} SET status = 'Pending', lock_by = NULL, lock_at = NULL
         WHERE status IN ('Running', 'Queued') AND lock_by IN (SELECT id FROM {workers} WHERE last_seen < {then})"
    );
    let seconds = i64::try_from(silence.as_secs()).map_err(Error::internal)?;
    run(db, &sql, [seconds.into()]).await
}

/// What a process has for so long.
pub(super) async fn begun_by(
    db: &impl ConnectionTrait,
    worker: &str,
    long: Duration,
) -> Result<Vec<String>> {
    let (jobs, then) = match db.get_database_backend() {
        DbBackend::Postgres => ("apalis.jobs", "now() - make_interval(secs => $2::bigint)"),
        _ => ("Jobs", "strftime('%s', 'now') - $2"),
    };
    let sql = format!(
        "SELECT id FROM {jobs} WHERE lock_by = $1 AND status = 'Running' AND lock_at < {then}"
    );
    let seconds = i64::try_from(long.as_secs()).map_err(Error::internal)?;
    let values: [Value; 2] = [worker.into(), seconds.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// Lets others have a job that this process has; false when it has it no more.
pub(super) async fn give_back(db: &impl ConnectionTrait, worker: &str, id: &str) -> Result<bool> {
    let jobs = match db.get_database_backend() {
        DbBackend::Postgres => "apalis.jobs",
        _ => "Jobs",
    };
    let sql = format!(
        "UPDATE {jobs} SET status = 'Pending', lock_by = NULL, lock_at = NULL
         WHERE id = $1 AND lock_by = $2 AND status = 'Running'"
    );
    Ok(run(db, &sql, [id.into(), worker.into()]).await? == 1)
}

/// Jobs that have ended, well or not, are kept for a day, so that nothing late is taken for new; so are workers.
pub(super) async fn forget_ended(db: &impl ConnectionTrait) -> Result<()> {
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
        run(db, &sql, []).await?;
    }
    Ok(())
}

/// A second later rather than a fraction too early.
fn second(at: DateTime<Utc>) -> i64 {
    at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0)
}

async fn run<const N: usize>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Result<u64> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}
