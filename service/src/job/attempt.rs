//! One attempt of a job: it runs, and how that went is written down.

use std::{panic::AssertUnwindSafe, time::Instant};

use futures_util::FutureExt;

use super::{
    Job,
    count::Outcome,
    dead,
    failure::Failure,
    retry::Retry,
    store::{self, Claimed, End},
};
use crate::{ctx::App, error::Result, keys};

/// Runs it and says how it went, and what is left to write down about that.
pub(super) async fn make(app: &App, claimed: &Claimed) -> (Outcome, Option<Failure>) {
    let began = Instant::now();
    let failure = try_once(app, claimed).await.err();
    let outcome = match &failure {
        None => Outcome::Done,
        Some(failure) if failure.is_last(claimed) => Outcome::Dead,
        Some(_) => Outcome::Failed,
    };
    app.jobs.add(claimed.queue, outcome, began.elapsed());
    (outcome, failure)
}

async fn try_once(app: &App, claimed: &Claimed) -> Result<(), Failure> {
    if claimed.attempt > claimed.most_attempts {
        return Err(Failure::worker_died());
    }
    let job = read(claimed)?;
    // One job's defect must not take the worker with it.
    let ran = AssertUnwindSafe(job.run(app)).catch_unwind().await;
    let failure = match ran {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(
                ?error,
                job = job.name(),
                id = claimed.id,
                claimed.attempt,
                "a job failed"
            );
            Failure::of(&error)
        }
        Err(_) => {
            tracing::error!(job = job.name(), id = claimed.id, claimed.attempt, "a job panicked");
            Failure::panicked()
        }
    };
    Err(failure)
}

fn read(claimed: &Claimed) -> Result<Job, Failure> {
    serde_json::from_slice(&claimed.payload).map_err(|error| {
        tracing::error!(%error, queue = %claimed.queue, id = claimed.id, "a job cannot be read");
        Failure::unreadable()
    })
}

/// Writes down how the attempt went; the letter first, so that no job is dead without one.
pub(super) async fn record(
    app: &App,
    worker: &str,
    claimed: &Claimed,
    failure: Option<&Failure>,
) -> Result<()> {
    let db = app.db.worker();
    let Some(failure) = failure else {
        store::end(db, worker, claimed, End::Done).await?;
        return Ok(());
    };
    let now = app.now();
    let first_failed_at = claimed.first_failed_at.unwrap_or(now);
    let error = failure.text.as_str();
    let end = if failure.is_last(claimed) {
        dead::bury(app, claimed, error, first_failed_at).await?;
        End::Dead { error, first_failed_at }
    } else {
        let [chance] = keys::random().unwrap_or_default();
        let next = now + retry(claimed).pause(claimed.attempt, chance);
        End::Failed { error, first_failed_at, next }
    };
    if !store::end(db, worker, claimed, end).await? {
        tracing::warn!(id = claimed.id, claimed.attempt, "a job was taken over meanwhile");
    }
    Ok(())
}

fn retry(claimed: &Claimed) -> Retry {
    read(claimed).map_or_else(|_| claimed.queue.retry(), |job| job.retry())
}
