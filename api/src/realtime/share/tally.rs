//! What the groups of a node have written and what of it their members have taken.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// In bytes. When the groups of a node keep more for their slow members, each keeps only its newest frame; who needs
/// more goes back to the table.
const ROOM: usize = 64 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct Tally {
    kept: AtomicUsize,
    executions: AtomicU64,
    published: AtomicU64,
    taken: AtomicU64,
    dropped: AtomicU64,
}

impl Tally {
    pub fn kept(&self, bytes: usize) {
        self.kept.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn gave_up(&self, bytes: usize) {
        self.kept.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub fn is_full(&self) -> bool {
        self.kept.load(Ordering::Relaxed) > ROOM
    }

    pub fn published(&self, members: usize) {
        self.executions.fetch_add(1, Ordering::Relaxed);
        self.published.fetch_add(members as u64, Ordering::Relaxed);
    }

    pub fn taken(&self, frames: u64) {
        self.taken.fetch_add(frames, Ordering::Relaxed);
    }

    /// By members that fell behind or have gone.
    pub fn dropped(&self, frames: u64) {
        self.dropped.fetch_add(frames, Ordering::Relaxed);
    }

    pub fn executions(&self) -> u64 {
        self.executions.load(Ordering::Relaxed)
    }

    /// Frames, each counted for everybody whom it is for.
    pub fn deliveries(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many of them wait for a socket that has room.
    pub fn waiting(&self) -> u64 {
        let done = self.deliveries() + self.dropped.load(Ordering::Relaxed);
        self.published.load(Ordering::Relaxed).saturating_sub(done)
    }
}
