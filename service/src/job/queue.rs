//! The four queues: what waits in one never delays what waits in another.

use std::{fmt, str::FromStr};

use super::retry::Retry;

/// In the order of how much they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    Critical,
    Payments,
    Default,
    Low,
}

impl Queue {
    pub const ALL: [Self; 4] = [Self::Critical, Self::Payments, Self::Default, Self::Low];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Payments => "payments",
            Self::Default => "default",
            Self::Low => "low",
        }
    }

    /// How many of its jobs one process runs at once. Each holds a connection while it writes, and requests need some too.
    pub(crate) fn at_once(self) -> usize {
        match self {
            Self::Critical | Self::Low => 2,
            Self::Payments | Self::Default => 4,
        }
    }

    /// Its names in the store: `default` also has what an older version has put into the one queue that it knew.
    pub(crate) fn stored(self) -> &'static [&'static str] {
        match self {
            Self::Critical => &["critical"],
            Self::Payments => &["payments"],
            Self::Default => &["bikelease", "default"],
            Self::Low => &["low"],
        }
    }

    /// Of a job that this version cannot read.
    pub(crate) fn retry(self) -> Retry {
        match self {
            Self::Payments => Retry::FOR_A_DAY,
            Self::Critical | Self::Default | Self::Low => Retry::FOR_MINUTES,
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Queue {
    type Err = UnknownQueue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|queue| queue.as_str() == text);
        known.ok_or_else(|| UnknownQueue(text.to_owned()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no queue {0:?}: the queues are {names}", names = Queue::ALL.map(Queue::as_str).join(", "))]
pub struct UnknownQueue(String);

/// Those that one process works on; none is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queues(Vec<Queue>);

impl Queues {
    pub fn every() -> Self {
        Self(Queue::ALL.to_vec())
    }

    pub fn none() -> Self {
        Self(Vec::new())
    }

    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Queue> {
        self.0.iter().copied()
    }

    /// Each once, and in the order of how much they matter.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownQueue> {
        let named: Vec<Queue> = names.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self(Queue::ALL.into_iter().filter(|queue| named.contains(queue)).collect()))
    }
}

impl fmt::Display for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Queue::as_str).collect();
        f.write_str(&names.join(","))
    }
}

/// Names with commas between them, at least one.
impl FromStr for Queues {
    type Err = UnknownQueue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of(text.split(',').map(str::trim))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_queues_is_read_in_the_order_of_how_much_they_matter() {
        let queues: Queues = "low, payments,low".parse().unwrap();
        assert_eq!(queues.to_string(), "payments,low");
        assert_eq!(Queues::every().to_string().parse::<Queues>(), Ok(Queues::every()));
    }

    #[test]
    fn an_unknown_queue_is_told_with_those_that_there_are() {
        for text in ["mail", "payments,mail", "", "payments,"] {
            let error = text.parse::<Queues>().unwrap_err().to_string();
            assert!(error.contains("critical, payments, default, low"), "{error}");
        }
    }
}
