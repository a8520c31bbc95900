//! How much waits in the queues, over all tenants: for the platform's operators and their dashboards.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::queue::Queue;
use crate::{
    ctx::{App, Ctx},
    error::Result,
    permission::Permission,
};

/// One queue as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    pub queue: Queue,
    /// Due, and not begun.
    pub waiting: i64,
    /// For a later time.
    pub scheduled: i64,
    pub running: i64,
    /// Failed, and to be tried again.
    pub retrying: i64,
    /// Given up, and nobody has looked after them yet.
    pub dead: i64,
    /// When the oldest of those that wait was due.
    pub oldest: Option<DateTime<Utc>>,
}

/// For administrators of the platform: a tenant's share of a queue is not known without reading all of it.
pub async fn queues(ctx: &Ctx) -> Result<Vec<Waiting>> {
    ctx.require(Permission::ViewQueues)?;
    now(&ctx.app).await
}

/// In the order of the queues.
pub async fn now(app: &App) -> Result<Vec<Waiting>> {
    let mut queues = Queue::ALL.map(Waiting::nothing).to_vec();
    for row in rows(app, &in_store(app.db.backend()), [app.now().timestamp().into()]).await? {
        let name: String = row.try_get("", "job_type")?;
        let Some(queue) = queues.iter_mut().find(|one| one.queue.stored().contains(&&*name)) else {
            continue;
        };
        let number = |column| row.try_get::<i64>("", column);
        queue.waiting += number("waiting")?;
        queue.scheduled += number("scheduled")?;
        queue.running += number("running")?;
        queue.retrying += number("retrying")?;
        let oldest: Option<i64> = row.try_get("", "oldest")?;
        let oldest = oldest.and_then(|second| DateTime::from_timestamp(second, 0));
        queue.oldest = [queue.oldest, oldest].into_iter().flatten().min();
    }
    for row in rows(app, DEAD, []).await? {
        let name: String = row.try_get("", "queue")?;
        if let Some(queue) = queues.iter_mut().find(|one| one.queue.as_str() == name) {
            queue.dead = row.try_get("", "dead")?;
        }
    }
    Ok(queues)
}

const DEAD: &str = "SELECT queue, count(*) AS dead FROM dead_job WHERE retried_at IS NULL AND discarded_at IS NULL GROUP BY queue";

/// In two halves, each with indexes of its own: what has ended is most of the table.
fn in_store(backend: DbBackend) -> String {
    let (table, now, second) = match backend {
        DbBackend::Postgres => {
            ("apalis.jobs", "to_timestamp($1::bigint)", "extract(epoch FROM min(run_at) FILTER")
        }
        _ => ("Jobs", "$1", "(min(run_at) FILTER"),
    };
    let cast = if backend == DbBackend::Postgres { "::bigint" } else { "" };
    format!(
        "SELECT job_type, count(*) FILTER (WHERE status = 'Pending' AND run_at <= {now}) AS waiting,
             count(*) FILTER (WHERE status = 'Pending' AND run_at > {now}) AS scheduled,
             count(*) FILTER (WHERE status = 'Failed') AS retrying, 0 AS running,
             {second} (WHERE run_at <= {now})){cast} AS oldest
         FROM {table} WHERE status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts) GROUP BY job_type
         UNION ALL
         SELECT job_type, 0, 0, 0, count(*), NULL FROM {table}
         WHERE lock_by IS NOT NULL AND status IN ('Running', 'Queued') GROUP BY job_type"
    )
}

async fn rows<const N: usize>(
    app: &App,
    sql: &str,
    values: [Value; N],
) -> Result<Vec<sea_orm::QueryResult>> {
    let statement = Statement::from_sql_and_values(app.db.backend(), sql, values);
    Ok(app.db.survey().query_all_raw(statement).await?)
}

impl Waiting {
    fn nothing(queue: Queue) -> Self {
        Self { queue, waiting: 0, scheduled: 0, running: 0, retrying: 0, dead: 0, oldest: None }
    }
}
