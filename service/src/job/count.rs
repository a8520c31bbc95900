//! How often this process ran jobs, how that went, and how long it took.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::queue::Queue;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// It is tried again.
    Failed,
    Dead,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Dead];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

/// Upper ends of the classes of run times, in seconds.
pub const RUN_TIMES: [f64; 7] = [0.01, 0.05, 0.25, 1.0, 5.0, 30.0, f64::INFINITY];

/// Of one queue.
#[derive(Debug, Default)]
struct Runs {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    classes: [AtomicU64; RUN_TIMES.len()],
    micros: AtomicU64,
}

/// Of this process, since it started.
#[derive(Debug, Default)]
pub struct Counts([Runs; Queue::ALL.len()]);

/// What `Counts` says of one queue.
#[derive(Clone, Debug)]
pub struct RunTimes {
    pub seconds: f64,
    pub count: u64,
    /// Each with its upper end, and with how many were no longer than that and longer than the one before.
    pub classes: Vec<(f64, u64)>,
}

impl Counts {
    pub(super) fn add(&self, queue: Queue, outcome: Outcome, time: Duration) {
        let runs = self.of(queue);
        let class = RUN_TIMES.iter().position(|end| time.as_secs_f64() <= *end);
        let outcome = Outcome::ALL.iter().position(|one| *one == outcome);
        let counters = [
            outcome.and_then(|index| runs.outcomes.get(index)),
            class.and_then(|index| runs.classes.get(index)),
        ];
        for counter in counters.into_iter().flatten() {
            counter.fetch_add(1, Relaxed);
        }
        runs.micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    pub fn runs(&self, queue: Queue, outcome: Outcome) -> u64 {
        let all = Outcome::ALL.iter().zip(&self.of(queue).outcomes);
        all.filter(|(one, _)| **one == outcome).map(|(_, count)| count.load(Relaxed)).sum()
    }

    pub fn times(&self, queue: Queue) -> RunTimes {
        let runs = self.of(queue);
        let classes: Vec<_> = RUN_TIMES
            .iter()
            .zip(&runs.classes)
            .map(|(end, count)| (*end, count.load(Relaxed)))
            .collect();
        let seconds = Duration::from_micros(runs.micros.load(Relaxed)).as_secs_f64();
        RunTimes { seconds, count: classes.iter().map(|(_, count)| count).sum(), classes }
    }

    fn of(&self, queue: Queue) -> &Runs {
        let [critical, payments, default, low] = &self.0;
        match queue {
            Queue::Critical => critical,
            Queue::Payments => payments,
            Queue::Default => default,
            Queue::Low => low,
        }
    }
}
