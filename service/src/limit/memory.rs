//! Buckets of this process.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Bucket, Wait};

/// Full buckets are forgotten when there are more than this.
const MANY: usize = 10_000;

#[derive(Default)]
pub struct Memory {
    levels: Mutex<HashMap<String, Level>>,
}

#[derive(Clone, Copy)]
struct Level {
    tokens: f64,
    at: i64,
    full_at: i64,
}

impl Memory {
    pub fn take(&self, buckets: &[Bucket], tokens: u32, now: i64) -> Result<u32, Wait> {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() > MANY {
            levels.retain(|_, level| level.full_at > now);
        }
        let wanted = f64::from(tokens);
        let filled: Vec<_> =
            buckets.iter().map(|bucket| bucket.filled(levels.get(&bucket.key), now)).collect();
        let missing = |(bucket, level): (&Bucket, &f64)| {
            (*level < wanted).then(|| bucket.time_for(wanted - level))
        };
        if let Some(wait) = buckets.iter().zip(&filled).filter_map(missing).max() {
            return Err(Wait(wait));
        }
        let mut left = f64::MAX;
        for (bucket, level) in buckets.iter().zip(filled) {
            let tokens = level - wanted;
            left = left.min(tokens);
            let full = bucket.time_for(f64::from(bucket.capacity) - tokens);
            let full_at = now.saturating_add(i64::try_from(full.as_millis()).unwrap_or(i64::MAX));
            // Another clock may be behind; what has come back once does not come back again.
            let at = levels.get(&bucket.key).map_or(now, |level| level.at.max(now));
            levels.insert(bucket.key.clone(), Level { tokens, at, full_at });
        }
        Ok(left as u32)
    }
}

impl Bucket {
    fn filled(&self, level: Option<&Level>, now: i64) -> f64 {
        let capacity = f64::from(self.capacity);
        let Some(level) = level else { return capacity };
        let passed = now.saturating_sub(level.at).max(0) as f64;
        (level.tokens + passed * capacity / self.per.as_millis() as f64).min(capacity)
    }

    fn time_for(&self, tokens: f64) -> Duration {
        let millis = tokens * self.per.as_millis() as f64 / f64::from(self.capacity);
        Duration::from_millis(millis.ceil().max(0.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let memory = Memory::default();
        let bucket = [Bucket::shared("test", 3, MINUTE)];
        assert_eq!(memory.take(&bucket, 1, 0), Ok(2));
        assert_eq!(memory.take(&bucket, 2, 0), Ok(0));
        assert_eq!(memory.take(&bucket, 1, 0), Err(Wait(Duration::from_secs(20))));
        assert_eq!(memory.take(&bucket, 1, 19_999), Err(Wait(Duration::from_millis(1))));
        assert_eq!(memory.take(&bucket, 1, 20_000), Ok(0));
        assert_eq!(memory.take(&bucket, 3, 10_000_000), Ok(0));
    }

    #[test]
    fn all_buckets_give_or_none_does() {
        let memory = Memory::default();
        let both = [Bucket::shared("a", 5, MINUTE), Bucket::shared("b", 1, MINUTE)];
        assert_eq!(memory.take(&both, 1, 0), Ok(0));
        assert!(memory.take(&both, 1, 0).is_err());
        assert_eq!(memory.take(&both[..1], 4, 0), Ok(0));
    }

    #[test]
    fn a_clock_that_is_behind_gives_nothing_back() {
        let memory = Memory::default();
        let bucket = [Bucket::shared("test", 1, MINUTE)];
        assert_eq!(memory.take(&bucket, 1, 60_000), Ok(0));
        assert!(memory.take(&bucket, 1, 0).is_err());
        assert!(memory.take(&bucket, 0, 0).is_ok());
        assert!(memory.take(&bucket, 1, 61_000).is_err());
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let memory = Memory::default();
        for number in 0..=MANY {
            let _ = memory.take(&[Bucket::shared(number, 1, MINUTE)], 1, 0);
        }
        let _ = memory.take(&[Bucket::shared("late", 1, MINUTE)], 1, 60_000);
        assert_eq!(memory.levels.lock().unwrap().len(), 1);
    }
}
