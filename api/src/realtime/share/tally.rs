//! What the groups of a node have written and what of it their members have taken.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub struct Tally {
    published: AtomicU64,
    taken: AtomicU64,
}

impl Tally {
    pub fn published(&self, members: usize) {
        self.published.fetch_add(members as u64, Ordering::Relaxed);
    }

    pub fn taken(&self, frames: u64) {
        self.taken.fetch_add(frames, Ordering::Relaxed);
    }

    /// Frames, each counted for everybody whom it is for.
    pub fn deliveries(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many of them wait for a socket that has room.
    pub fn waiting(&self) -> u64 {
        let taken = self.deliveries();
        self.published.load(Ordering::Relaxed).saturating_sub(taken)
    }
}
