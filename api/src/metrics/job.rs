//! What waits in the queues of jobs, and what became of those that this process ran.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use service::{
    ctx::App,
    job::{
        count::Outcome,
        queue::Queue,
        waiting::{self, Waiting},
    },
};
use tokio::time::timeout;

/// Whoever asks more often gets what the last one got.
const BELIEVED: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);

/// One number of a queue.
type Level = fn(&Waiting) -> i64;

/// Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    app: App,
    looked: tokio::sync::Mutex<Option<Instant>>,
    seen: Mutex<Vec<Waiting>>,
}

impl Jobs {
    pub fn new(app: App) -> Self {
        Self(Arc::new(Inner { app, looked: tokio::sync::Mutex::default(), seen: Mutex::default() }))
    }

    /// Looks at the queues, for what is told next; with nothing to tell when the database does not answer.
    pub async fn look(&self) {
        let mut looked = self.0.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < BELIEVED) {
            return;
        }
        let now = timeout(PATIENCE, waiting::now(&self.0.app)).await;
        let now = now.ok().and_then(Result::ok).unwrap_or_default();
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        *looked = Some(Instant::now());
    }

    fn age(&self, of: &Waiting) -> i64 {
        let since = of.oldest.map_or(0, |oldest| (self.0.app.now() - oldest).num_seconds());
        since.max(0)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jobs")
    }
}

impl Collector for Jobs {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let levels: [(&str, &str, Level); 5] = [
            ("jobs_waiting", "Jobs that are due and not begun", |queue| queue.waiting),
            ("jobs_scheduled", "Jobs for a later time", |queue| queue.scheduled),
            ("jobs_running", "Jobs that are being run", |queue| queue.running),
            ("jobs_retrying", "Failed jobs that are to be tried again", |queue| queue.retrying),
            ("jobs_dead", "Given up, and nobody has looked after them yet", |queue| queue.dead),
        ];
        for (name, help, level) in levels {
            levels_of(&mut encoder, name, help, &seen, level)?;
        }
        let help = "For how long the oldest of those that are due has been due, in seconds";
        levels_of(&mut encoder, "jobs_oldest_waiting_seconds", help, &seen, |of| self.age(of))?;
        self.runs(&mut encoder)?;
        self.times(&mut encoder)
    }
}

impl Jobs {
    fn runs(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Attempts of jobs that this process made, by how they ended";
        let mut metric = encoder.encode_descriptor("job_runs", help, None, MetricType::Counter)?;
        for queue in Queue::ALL {
            for outcome in Outcome::ALL {
                let labels = [("queue", queue.as_str()), ("outcome", outcome.as_str())];
                let runs = self.0.app.jobs.runs(queue, outcome);
                ConstCounter::new(runs).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn times(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "How long attempts of jobs took that this process made";
        let kind = MetricType::Histogram;
        let mut metric = encoder.encode_descriptor("job_run", help, Some(&Unit::Seconds), kind)?;
        for queue in Queue::ALL {
            let times = self.0.app.jobs.times(queue);
            let labels = [("queue", queue.as_str())];
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                times.seconds,
                times.count,
                &times.classes,
                None,
            )?;
        }
        Ok(())
    }
}

fn levels_of(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    seen: &[Waiting],
    level: impl Fn(&Waiting) -> i64,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for queue in seen {
        let labels = [("queue", queue.queue.as_str())];
        ConstGauge::new(level(queue)).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
