//! What came of a replay: how often and how fast each use case answered, and what was refused.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;

use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UseCase {
    StartRental,
    EndRental,
    MoveVehicles,
}

impl UseCase {
    pub fn name(self) -> &'static str {
        match self {
            Self::StartRental => "startRental",
            Self::EndRental => "endRental",
            Self::MoveVehicles => "moveVehicles",
        }
    }
}

/// Safe to read while it grows.
#[derive(Default)]
pub struct Tally {
    cases: Mutex<BTreeMap<UseCase, Case>>,
    /// Trips that did not take place, because their start was refused.
    pub skipped: AtomicU64,
    /// Bikes brought to where a trip begins, because they were elsewhere.
    pub brought: AtomicU64,
    /// Bikes taken away from full stations.
    pub cleared: AtomicU64,
    /// Rides that ended beside their station, because it was full all the same.
    pub parked_beside: AtomicU64,
    /// Rides of an earlier replay, or those under way at the end, that were ended.
    pub settled: AtomicU64,
}

struct Case {
    /// Microseconds of those that succeeded.
    times: Histogram<u64>,
    refused: BTreeMap<&'static str, u64>,
}

/// One use case, so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSummary {
    pub case: UseCase,
    pub done: u64,
    pub p50: Duration,
    pub p99: Duration,
    pub refused: BTreeMap<&'static str, u64>,
}

impl Case {
    fn new() -> Option<Self> {
        // Up to a minute, to three digits.
        let times = Histogram::new_with_bounds(1, 60_000_000, 3).ok()?;
        Some(Self { times, refused: BTreeMap::new() })
    }
}

impl Tally {
    pub(super) fn done(&self, case: UseCase, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.with(case, |entry| entry.times.saturating_record(micros.max(1)));
    }

    pub(super) fn refused(&self, case: UseCase, error: &Error) {
        self.with(case, |entry| *entry.refused.entry(code(error)).or_default() += 1);
    }

    pub fn cases(&self) -> Vec<CaseSummary> {
        let cases = self.lock();
        let at =
            |case: &Case, quantile| Duration::from_micros(case.times.value_at_quantile(quantile));
        let summary = |(case, entry): (&UseCase, &Case)| CaseSummary {
            case: *case,
            done: entry.times.len(),
            p50: at(entry, 0.5),
            p99: at(entry, 0.99),
            refused: entry.refused.clone(),
        };
        cases.iter().map(summary).collect()
    }

    /// How many times this succeeded.
    pub fn count(&self, case: UseCase) -> u64 {
        self.lock().get(&case).map_or(0, |entry| entry.times.len())
    }

    fn with(&self, case: UseCase, note: impl FnOnce(&mut Case)) {
        let mut cases = self.lock();
        if !cases.contains_key(&case)
            && let Some(new) = Case::new()
        {
            cases.insert(case, new);
        }
        if let Some(entry) = cases.get_mut(&case) {
            note(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<UseCase, Case>> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// As the API names it.
fn code(error: &Error) -> &'static str {
    match error {
        Error::Refused(refusal) => refusal.code().as_str(),
        Error::NotFound(_) => "NOT_FOUND",
        Error::Invalid(_) => "INVALID_INPUT",
        Error::Unauthenticated => "UNAUTHENTICATED",
        Error::Forbidden => "FORBIDDEN",
        Error::ResyncRequired => "RESYNC_REQUIRED",
        Error::RateLimited { .. } => "RATELIMITED",
        Error::Unavailable(_) => "SERVICE_UNAVAILABLE",
        Error::Internal(_) => "INTERNAL_SERVER_ERROR",
    }
}
