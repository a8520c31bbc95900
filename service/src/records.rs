//! Reading somebody else's records: a table in a file, line by line, with what is wrong said of its line.

mod lines;
mod table;

use std::{collections::BTreeMap, fmt, io};

pub use lines::Source;
pub(crate) use table::{Row, Table};

use table::shown;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error("{file} cannot be read: {source}")]
    Unreadable { file: String, source: io::Error },
    #[error("{file} {problem}")]
    NotATable { file: String, problem: String },
}

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
    #[error("{column}: {problem}")]
    Unknown { column: &'static str, problem: String },
    #[error("{column}: {problem}")]
    Contradiction { column: &'static str, problem: String },
    #[error("{column}: {value} was on an earlier line")]
    Repeated { column: &'static str, value: String },
}

impl Flaw {
    /// What flaws are counted by.
    fn kind(&self) -> &'static str {
        match self {
            Self::TooLong => "longer than 64 KiB",
            Self::NotUtf8 => "not UTF-8",
            Self::CutShort(_) => "broken off",
            Self::Fields { .. } => "with too many or too few fields",
            Self::Unreadable { .. } => "with a field that cannot be read",
            Self::OutOfRange { .. } => "with a value out of range",
            Self::Unknown { .. } => "that name something unknown",
            Self::Contradiction { .. } => "that contradict themselves",
            Self::Repeated { .. } => "that were there before",
        }
    }
}

/// One line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub file: String,
    /// Counted from 1, the header included.
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
