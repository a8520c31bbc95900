//! Runs the jobs: any number of workers share them, and each job runs in one place at a time.

use std::{convert::Infallible, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use super::{
    Job, SCHEDULE, attempt, consumer,
    count::Outcome,
    queue::{Queue, Queues},
    store::{self, Claimed},
};
use crate::{ctx::App, error::Result};

const POLL: Duration = Duration::from_millis(500);
/// A worker that misses two of its heartbeats is dead, and others take its jobs.
const HEARTBEAT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(20);
/// How long to wait for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Until told to stop; what is under way is finished first. Events are read and schedules kept whatever the queues: they are
/// safe to be so many times.
///
/// All is one task but for the jobs: a panic ends it, and whoever started it hears of it.
pub async fn run(app: App, queues: Queues, mut stop: watch::Receiver<bool>) -> Result<()> {
    let id = uuid::Builder::from_random_bytes(crate::keys::random()?).into_uuid();
    let worker = format!("bikelease-{id}");
    tracing::info!(%queues, worker, "working");
    // Who is not known can take nothing.
    while let Err(error) = beat(&app, &worker).await {
        tracing::warn!(?error, "the queue of jobs cannot be reached");
        if stopped_within(&mut stop, PATIENCE).await {
            return Ok(());
        }
    }
    let work = queues.iter().map(|queue| work(&app, &worker, queue, stop.clone()));
    let work = async {
        futures_util::future::join_all(work).await;
    };
    tokio::select! {
        // Its jobs are others' when this ends, so it goes on until the last has ended.
        never = live(&app, &worker) => match never {},
        _ = async { tokio::join!(consume(&app, stop.clone()), schedule(&app, stop.clone()), work) } => {}
    }
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
    let now = app.now();
    let key = format!("{}:{}", job.name(), now.timestamp() / every_seconds);
    store::add(app.db.worker(), app, job, &key, now).await
}

/// Says that this process lives, and takes over from those that do not.
async fn live(app: &App, worker: &str) -> Infallible {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        if let Err(error) = beat(app, worker).await {
            tracing::warn!(?error, "a heartbeat was missed");
        }
    }
}

async fn beat(app: &App, worker: &str) -> Result<()> {
    let db = app.db.worker();
    store::beat(db, worker).await?;
    match store::take_over(db, SILENCE).await? {
        0 => {}
        jobs => tracing::warn!(jobs, "taken over from a worker that is gone"),
    }
    Ok(())
}

/// Runs a queue's jobs, so many at once.
async fn work(app: &App, worker: &str, queue: Queue, mut stop: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    loop {
        let stopping = *stop.borrow();
        let free = if stopping { 0 } else { queue.at_once() - running.len() };
        let begun = begin(app, worker, queue, free, &mut running).await;
        if stopping && running.is_empty() {
            return;
        }
        // With as many as there was room for, there may be more as soon as one has ended.
        let pause = if begun.is_ok() { POLL } else { PATIENCE };
        tokio::select! {
            Some(ended) = running.join_next() => if let Err(error) = ended {
                tracing::error!(%error, %queue, "what runs a job broke");
            },
            _ = stopped_within(&mut stop, pause), if !stopping => {}
        }
    }
}

async fn begin(
    app: &App,
    worker: &str,
    queue: Queue,
    free: usize,
    running: &mut JoinSet<()>,
) -> Result<()> {
    if free == 0 {
        return Ok(());
    }
    let claimed = claim(app, worker, queue, free).await.inspect_err(|error| {
        tracing::warn!(?error, %queue, "a queue cannot be read");
    })?;
    for job in claimed {
        let (app, worker) = (app.clone(), worker.to_owned());
        running.spawn(async move {
            let (_, failure) = attempt::make(&app, &job).await;
            // A job that is not written down as ended would stay this process's for as long as it lives.
            while let Err(error) = attempt::record(&app, &worker, &job, failure.as_ref()).await {
                tracing::warn!(?error, id = job.id, "how a job ended is not written down yet");
                tokio::time::sleep(PATIENCE).await;
            }
        });
    }
    Ok(())
}

/// Looks first where that disturbs nobody.
async fn claim(app: &App, worker: &str, queue: Queue, most: usize) -> Result<Vec<Claimed>> {
    if !store::any_due(app.db.survey(), queue, app.now()).await? {
        return Ok(Vec::new());
    }
    store::claim(app.db.worker(), worker, queue, app.now(), most).await
}

async fn stopped_within(stop: &mut watch::Receiver<bool>, time: Duration) -> bool {
    // A sender that is gone says the same.
    tokio::time::timeout(time, stop.wait_for(|stop| *stop)).await.is_ok()
}

/// How many attempts ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub done: usize,
    pub failed: usize,
    pub dead: usize,
}

/// Makes and runs everything that is due by the app's clock, in this process and to the end.
///
/// For tests, whose clock is not the system's.
pub async fn run_due(app: &App) -> Result<Tally> {
    const WORKER: &str = "bikelease-test";
    let mut tally = Tally::default();
    store::beat(app.db.worker(), WORKER).await?;
    loop {
        consumer::drain(app).await?;
        let mut idle = true;
        for queue in Queue::ALL {
            for job in claim(app, WORKER, queue, queue.at_once()).await? {
                idle = false;
                let (outcome, failure) = attempt::make(app, &job).await;
                attempt::record(app, WORKER, &job, failure.as_ref()).await?;
                match outcome {
                    Outcome::Done => tally.done += 1,
                    Outcome::Failed => tally.failed += 1,
                    Outcome::Dead => tally.dead += 1,
                }
            }
        }
        if idle {
            return Ok(tally);
        }
    }
}
