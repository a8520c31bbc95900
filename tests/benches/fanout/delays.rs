//! When each number was sent, and how long it took.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many numbers may be on their way.
const RING: usize = 8_192;

pub struct Delays(Mutex<Vec<Instant>>);

impl Default for Delays {
    fn default() -> Self {
        Self(Mutex::new(vec![Instant::now(); RING]))
    }
}

impl Delays {
    pub fn sent(&self, number: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[place(number)] = Instant::now();
    }

    pub fn since(&self, number: i64) -> Duration {
        let now = Instant::now();
        now - self.0.lock().unwrap_or_else(PoisonError::into_inner)[place(number)]
    }
}

fn place(number: i64) -> usize {
    number.unsigned_abs() as usize % RING
}

/// In milliseconds.
pub fn p99(mut delays: Vec<Duration>) -> f64 {
    delays.sort_unstable();
    let place = (delays.len() * 99).div_ceil(100).saturating_sub(1);
    delays.get(place).map_or(f64::NAN, |delay| delay.as_secs_f64() * 1000.0)
}
