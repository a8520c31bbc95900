//! Runs the jobs: any number of workers share them, and each job runs in one place at a time.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use apalis::prelude::{Attempt, BackendExt, BoxDynError, Data, TaskId, WorkerBuilder};
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use futures_util::FutureExt;
use sea_orm::ConnectionTrait;
use tokio::sync::{Semaphore, watch};

use super::{Job, SCHEDULE, consumer, queue, queue::Queue};
use crate::{
    ctx::App,
    error::{Error, Result},
};

const POLL: Duration = Duration::from_millis(500);
/// A worker that misses two of its heartbeats is dead, and others take its jobs.
const HEARTBEAT: Duration = Duration::from_secs(10);
const MISSED: usize = 2;
/// How long a worker that has lost its database waits before it begins anew.
const PATIENCE: Duration = Duration::from_secs(2);
/// Each job that runs holds a connection, and requests need some too.
const AT_ONCE: usize = 4;

/// Until told to stop; what is under way is finished first.
///
/// The three are one task: a panic in any ends them all, and whoever started them hears of it.
pub async fn run(app: App, queue: Queue, stop: watch::Receiver<bool>) -> Result<()> {
    tokio::join!(
        consume(&app, stop.clone()),
        schedule(&app, stop.clone()),
        keep_working(&app, &queue, stop),
    );
    Ok(())
}

/// Makes jobs out of events as they come.
async fn consume(app: &App, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = consumer::drain(app).await {
            tracing::debug!(?error, "events wait to become jobs");
        }
        if stopped_within(&mut stop, POLL).await {
            return;
        }
    }
}

/// Adds what comes again and again; of many nodes one gets each slot.
async fn schedule(app: &App, mut stop: watch::Receiver<bool>) {
    loop {
        for (job, every) in SCHEDULE {
            if let Err(error) = add(app, &job, every.num_seconds()).await {
                tracing::warn!(?error, job = job.name(), "a scheduled job was not added");
            }
        }
        if stopped_within(&mut stop, Duration::from_secs(5)).await {
            return;
        }
    }
}

async fn add(app: &App, job: &Job, every_seconds: i64) -> Result<()> {
    let (db, now) = (app.db.worker(), app.now());
    let key = format!("{}:{}", job.name(), now.timestamp() / every_seconds);
    db.execute_raw(queue::addition(app.db.backend(), job, key, now)?).await?;
    Ok(())
}

/// One failure to reach the database ends a worker for good: another takes its place, and what it had begun.
async fn keep_working(app: &App, queue: &Queue, mut stop: watch::Receiver<bool>) {
    while let Err(error) = work(app.clone(), queue.clone(), stop.clone()).await {
        tracing::warn!(?error, "a worker ended; another takes its place");
        if stopped_within(&mut stop, PATIENCE).await {
            return;
        }
    }
}

async fn work(app: App, queue: Queue, stop: watch::Receiver<bool>) -> Result<()> {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let name = format!(
        "bikelease-{}",
        uuid::Builder::from_random_bytes(crate::keys::random()?).into_uuid()
    );
    let ended = match queue {
        Queue::Sqlite(pool) => {
            let config = apalis_sqlite::Config::default()
                .queue(queue::NAME)
                .heartbeat_interval(HEARTBEAT)
                .missed_heartbeats(MISSED);
            let backend =
                SqliteStorage::<Job>::new(&pool).with_config(config).poll_with_interval(POLL);
            let worker = WorkerBuilder::new(name.as_str())
                .backend(backend)
                .data(app)
                .data(permits)
                .build(execute);
            worker.run_until(told_to(stop)).await
        }
        Queue::Postgres(pool) => {
            let config = apalis_postgres::Config::default()
                .queue(queue::NAME)
                .heartbeat_interval(HEARTBEAT)
                .missed_heartbeats(MISSED);
            let backend =
                PostgresStorage::<Job>::new(&pool).with_config(config).poll_with_interval(POLL);
            let worker = WorkerBuilder::new(name.as_str())
                .backend(backend)
                .data(app)
                .data(permits)
                .build(execute);
            worker.run_until(told_to(stop)).await
        }
    };
    ended.map_err(|error| Error::Unavailable(error.to_string().into()))
}

async fn execute(
    job: Job,
    id: TaskId,
    attempt: Attempt,
    app: Data<App>,
    permits: Data<Arc<Semaphore>>,
) -> Result<(), BoxDynError> {
    let _permit = permits.acquire().await?;
    // One job's defect must not take the worker with it.
    let ran = AssertUnwindSafe(job.run(&app)).catch_unwind().await;
    let done = ran.unwrap_or_else(|_| Err(Error::internal("the job panicked")));
    if let Err(error) = &done {
        let (job, attempt) = (job.name(), attempt.current());
        tracing::warn!(?error, job, attempt, "a job failed");
        let next = app.now() + pause_after(attempt);
        queue::postpone(app.db.worker(), &id.to_string(), next).await?;
    }
    Ok(done?)
}

/// Twice as long after each try, so that five of them outlast a short trouble: 2, 4, 8 and 16 seconds.
fn pause_after(attempt: usize) -> chrono::Duration {
    chrono::Duration::seconds(1 << attempt.min(10))
}

async fn told_to(mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    // A sender that is gone says the same.
    let _ = stop.wait_for(|stop| *stop).await;
    Ok(())
}

async fn stopped_within(stop: &mut watch::Receiver<bool>, time: Duration) -> bool {
    tokio::time::timeout(time, stop.wait_for(|stop| *stop)).await.is_ok()
}

/// Makes and runs everything that is due by the app's clock, in this process and to the end; gives how many jobs ran.
///
/// For tests, whose clock is not the system's.
pub async fn run_due(app: &App) -> Result<usize> {
    let mut ran = 0;
    loop {
        consumer::drain(app).await?;
        let due = queue::due(app.db.survey(), app.now()).await?;
        if due.is_empty() {
            return Ok(ran);
        }
        for (id, job) in due {
            job.run(app).await?;
            queue::done(app.db.worker(), &id).await?;
            ran += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pause_after;

    #[test]
    fn each_pause_is_twice_the_last_and_none_is_endless() {
        assert_eq!([1, 2, 3, 4].map(|attempt| pause_after(attempt).num_seconds()), [2, 4, 8, 16]);
        assert_eq!(pause_after(usize::MAX).num_seconds(), 1_024);
    }
}
