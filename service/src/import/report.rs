//! What an import could not take, line by line, and what it noticed.

use std::{collections::BTreeMap, fmt};

use super::csv::shown;

/// Why a line was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("longer than 64 KiB")]
    TooLong,
    #[error("not UTF-8")]
    NotUtf8,
    #[error("the file breaks off here: {0}")]
    CutShort(String),
    #[error("{found} fields instead of {expected}")]
    Fields { expected: usize, found: usize },
    #[error("{column}: `{}` is not a {wanted}", shown(.value))]
    Unreadable { column: &'static str, wanted: &'static str, value: String },
    #[error("{column}: {problem}")]
    OutOfRange { column: &'static str, problem: String },
    #[error("{column}: no station {id} in the stations file")]
    UnknownStation { column: &'static str, id: u32 },
    #[error("duration: {seconds} seconds, but end_date is {apart} seconds after start_date")]
    Duration { seconds: i64, apart: i64 },
    #[error("trip_id: {0} was on an earlier line")]
    Repeated(u64),
}

impl Flaw {
    /// What flaws are counted by.
    fn kind(&self) -> &'static str {
        match self {
            Self::TooLong => "lines longer than 64 KiB",
            Self::NotUtf8 => "lines that are not UTF-8",
            Self::CutShort(_) => "files that break off",
            Self::Fields { .. } => "lines with too many or too few fields",
            Self::Unreadable { .. } => "fields that cannot be read",
            Self::OutOfRange { .. } => "values out of range",
            Self::UnknownStation { .. } => "trips from or to unknown stations",
            Self::Duration { .. } => "durations that contradict their times",
            Self::Repeated(_) => "trips that were there before",
        }
    }
}

/// One line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub file: String,
    pub line: u64,
    pub flaw: Flaw,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.flaw)
    }
}

/// All lines that were not taken: each is counted, and the first of them are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejects {
    pub first: Vec<Rejected>,
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Whether a file broke off, so that there is more of it elsewhere.
    pub cut_short: bool,
}

impl Rejects {
    const KEPT: usize = 1_000;

    pub fn count(&self) -> u64 {
        self.by_kind.values().sum()
    }

    pub(crate) fn add(&mut self, file: &str, line: u64, flaw: Flaw) {
        *self.by_kind.entry(flaw.kind()).or_default() += 1;
        self.cut_short |= matches!(flaw, Flaw::CutShort(_));
        if self.first.len() < Self::KEPT {
            self.first.push(Rejected { file: file.to_owned(), line, flaw });
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for (kind, count) in other.by_kind {
            *self.by_kind.entry(kind).or_default() += count;
        }
        self.cut_short |= other.cut_short;
        let room = Self::KEPT.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
    }
}

/// What was taken all the same, and how it was understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Stations with several rows, taken as they were last.
    pub stations_moved: u64,
    /// Trips that name a station otherwise than the stations file: the id counts.
    pub names_differ: u64,
    /// ZIP codes that are none: the rider has none then.
    pub zips_malformed: u64,
    /// Times an hour off at a change of the clocks: the duration counts.
    pub clock_changes: u64,
    /// Rides that ended when their bike's next one began, because the records have them overlap.
    pub overlaps: u64,
    /// Rides of more than a day.
    pub longer_than_a_day: u64,
    /// Times that a bike's next ride began elsewhere.
    pub rebalanced: u64,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub tenant: String,
    pub lines: u64,
    pub rejects: Rejects,
    pub notes: Notes,
    pub rides: u64,
    /// Of which this many were there already.
    pub known: u64,
    pub added: Added,
    /// Bikes for which their last station had no dock, and bikes that have been rented since.
    pub in_warehouse: u64,
    pub left_alone: u64,
}

/// New rows by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    pub stations: u64,
    pub vehicles: u64,
    pub moved: u64,
    pub customers: u64,
    pub rentals: u64,
    pub price_lines: u64,
    pub history: u64,
}

impl Added {
    /// What the rides came to, which is what the rate is about.
    pub fn rows(&self) -> u64 {
        self.rentals + self.price_lines + self.history
    }
}
