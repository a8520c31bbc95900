//! Runs the jobs: any number of workers share them, and each job runs in one place at a time.

use std::{
    collections::HashSet,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

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
    let worker = Arc::new(Worker::new(app)?);
    tracing::info!(%queues, worker = worker.id, "working");
    // Who is not known can take nothing.
    while let Err(error) = worker.beat().await {
        tracing::warn!(?error, "the queue of jobs cannot be reached");
        if stopped_within(&mut stop, PATIENCE).await {
            return Ok(());
        }
    }
    let work = async {
        tokio::join!(
            worker.consume(stop.clone()),
            schedule(&worker.app, stop.clone()),
            join_all(queues.iter().map(|queue| work(&worker, queue, stop.clone()))),
        )
    };
    tokio::select! {
        // Its jobs are others' when this ends, so it goes on until the last has ended.
        never = worker.live() => match never {},
        _ = work => Ok(()),
    }
}

/// One process that runs jobs.
struct Worker {
    app: App,
    /// Its name in the store.
    id: String,
    /// The jobs that it knows it has.
    under_way: Mutex<HashSet<String>>,
    /// Rung when there are new jobs.
    news: Notify,
}

impl Worker {
    fn new(app: App) -> Result<Self> {
        let id = uuid::Builder::from_random_bytes(crate::keys::random()?).into_uuid();
        let (under_way, news) = (Mutex::default(), Notify::new());
        Ok(Self { app, id: format!("bikelease-{id}"), under_way, news })
    }

    /// Makes jobs out of events as they come.
    async fn consume(&self, mut stop: watch::Receiver<bool>) {
        loop {
            match consumer::drain(&self.app).await {
                Ok(0) => {}
                Ok(_) => self.news.notify_waiters(),
                Err(error) => tracing::debug!(?error, "events wait to become jobs"),
            }
            if stopped_within(&mut stop, POLL).await {
                return;
            }
        }
    }

    /// Says that this process lives, and gives back what nobody works on.
    async fn live(&self) -> Infallible {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if let Err(error) = self.beat().await {
                tracing::warn!(?error, "a heartbeat was missed");
            }
        }
    }

    async fn beat(&self) -> Result<()> {
        let db = self.app.db.worker();
        store::beat(db, &self.id).await?;
        match store::take_over(db, SILENCE).await? {
            0 => {}
            jobs => tracing::warn!(jobs, "taken over from a worker that is gone"),
        }
        // A connection that broke at the wrong moment leaves jobs that this process never heard it has.
        for id in store::begun_by(db, &self.id, SILENCE).await? {
            if !self.under_way().contains(&id) && store::give_back(db, &self.id, &id).await? {
                tracing::warn!(id, "a job was taken and never begun: given back");
            }
        }
        Ok(())
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<String>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn claim(&self, queue: Queue, most: usize) -> Result<Vec<Claimed>> {
        claim(&self.app, &self.id, queue, most).await.inspect_err(|error| {
            tracing::warn!(?error, %queue, "a queue cannot be read");
        })
    }

    async fn attempt(&self, job: &Claimed) {
        let (_, failure) = attempt::make(&self.app, job).await;
        // A job that is not written down as ended would stay this process's for as long as it lives.
        while let Err(error) = attempt::record(&self.app, &self.id, job, failure.as_ref()).await {
            tracing::warn!(?error, id = job.id, "how a job ended is not written down yet");
            tokio::time::sleep(PATIENCE).await;
        }
    }
}

/// Adds what comes again and again; of many nodes one gets each slot.
async fn schedule(app: &App, mut stop: watch::Receiver<bool>) {
    loop {
        for (job, every) in SCHEDULE {
            if let Err(error) = add(app, job, every.num_seconds()).await {
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

/// Runs a queue's jobs, so many at once.
async fn work(worker: &Arc<Worker>, queue: Queue, mut stop: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    loop {
        let stopping = *stop.borrow();
        if stopping && running.is_empty() {
            return;
        }
        let free = if stopping { 0 } else { queue.at_once() - running.len() };
        let claimed = worker.claim(queue, free).await;
        let pause = if claimed.is_ok() { POLL } else { PATIENCE };
        for job in claimed.unwrap_or_default() {
            running.spawn(UnderWay::new(Arc::clone(worker), job).run());
        }
        // With as many as there was room for, there may be more as soon as one has ended.
        tokio::select! {
            Some(ended) = running.join_next() => if let Err(error) = ended {
                tracing::error!(%error, %queue, "what runs a job broke");
            },
            () = worker.news.notified(), if pause == POLL && !stopping => {}
            _ = stopped_within(&mut stop, pause), if !stopping => {}
        }
    }
}

/// A job that this process knows it has; whatever becomes of it, not for longer than this.
struct UnderWay {
    worker: Arc<Worker>,
    job: Claimed,
}

impl UnderWay {
    fn new(worker: Arc<Worker>, job: Claimed) -> Self {
        worker.under_way().insert(job.id.clone());
        Self { worker, job }
    }

    async fn run(self) {
        self.worker.attempt(&self.job).await;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.worker.under_way().remove(&self.job.id);
    }
}

/// Looks first where that disturbs nobody.
async fn claim(app: &App, worker: &str, queue: Queue, most: usize) -> Result<Vec<Claimed>> {
    if most == 0 || !store::any_due(app.db.survey(), queue, app.now()).await? {
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
