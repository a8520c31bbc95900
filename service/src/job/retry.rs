//! How often a job is tried, and how long it waits in between.

use chrono::Duration;

/// The pauses double from the first to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub attempts: i32,
    first_seconds: i64,
    longest_seconds: i64,
}

impl Retry {
    /// For what comes again by itself: 6 seconds.
    pub const BRIEFLY: Self = Self { attempts: 3, first_seconds: 2, longest_seconds: 60 };
    /// Outlasts a database or a server that is started again: a quarter of an hour.
    pub const FOR_MINUTES: Self = Self { attempts: 10, first_seconds: 2, longest_seconds: 300 };
    /// Outlasts a provider's bad day.
    pub const FOR_A_DAY: Self = Self { attempts: 33, first_seconds: 5, longest_seconds: 3_600 };

    /// Before the next attempt, after so many. Up to a quarter longer by chance, so that what failed together does not come
    /// back together.
    pub fn pause(self, attempts: i32, chance: u8) -> Duration {
        let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
        let seconds = (self.first_seconds << doublings).min(self.longest_seconds);
        Duration::milliseconds(seconds * 1_000 + seconds * 250 * i64::from(chance) / 255)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(retry: Retry, chance: u8) -> Duration {
        (1..retry.attempts).map(|attempt| retry.pause(attempt, chance)).sum()
    }

    #[test]
    fn each_pause_is_longer_than_the_last_until_the_longest() {
        let pauses = [1, 2, 3, 4].map(|n| Retry::FOR_MINUTES.pause(n, 0).num_seconds());
        assert_eq!(pauses, [2, 4, 8, 16]);
        for attempt in 1..8 {
            let (short, long) = (Retry::FOR_MINUTES.pause(attempt, 255), attempt + 1);
            assert!(short < Retry::FOR_MINUTES.pause(long, 0), "{attempt}");
        }
        assert_eq!(Retry::FOR_MINUTES.pause(i32::MAX, 0), Duration::minutes(5));
        assert_eq!(Retry::FOR_MINUTES.pause(i32::MAX, 255), Duration::seconds(375));
    }

    #[test]
    fn each_outlasts_what_it_is_for() {
        assert!(whole(Retry::FOR_MINUTES, 0) > Duration::minutes(10));
        assert!(whole(Retry::FOR_A_DAY, 0) > Duration::hours(22));
        assert!(whole(Retry::FOR_A_DAY, 255) < Duration::hours(30));
    }
}
