//! Which parts of a task have something to do, so that a task with many parts asks those and no others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// So many parts can be told apart.
pub const CORDS: usize = 64;

#[derive(Default)]
pub struct Bell {
    rung: AtomicU64,
    task: AtomicWaker,
}

/// Rings for one part.
#[derive(Clone)]
pub struct Cord {
    bell: Arc<Bell>,
    part: usize,
}

/// The parts that a bell rang for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rung(u64);

impl Bell {
    pub fn cord(self: &Arc<Self>, part: usize) -> Cord {
        Cord { bell: Arc::clone(self), part }
    }

    /// For whom it rang since it was asked last. From now on it wakes this task.
    pub fn heard(&self, task: &Waker) -> Rung {
        self.task.register(task);
        Rung(self.rung.swap(0, Ordering::AcqRel))
    }
}

impl From<Cord> for Waker {
    fn from(cord: Cord) -> Self {
        Arc::new(cord).into()
    }
}

impl Cord {
    pub fn pull(&self) {
        // Whoever finds it ringing knows that the task is awake.
        if self.bell.rung.fetch_or(bit(self.part), Ordering::AcqRel) == 0 {
            self.bell.task.wake();
        }
    }
}

impl Wake for Cord {
    fn wake(self: Arc<Self>) {
        self.pull();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.pull();
    }
}

impl Rung {
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub fn set(&mut self, part: usize) {
        self.0 |= bit(part);
    }

    pub fn clear(&mut self, part: usize) {
        self.0 &= !bit(part);
    }

    pub fn take(&mut self, part: usize) -> bool {
        let had = self.0 & bit(part) != 0;
        self.clear(part);
        had
    }

    /// The first of the parts below `below`, beginning with `turn` and going round.
    pub fn next(self, turn: usize, below: usize) -> Option<usize> {
        let parts = self.0 & bit(below).wrapping_sub(1);
        let later = parts & !bit(turn).wrapping_sub(1);
        match if later == 0 { parts } else { later } {
            0 => None,
            parts => usize::try_from(parts.trailing_zeros()).ok(),
        }
    }
}

/// Beyond the last one there is none.
fn bit(part: usize) -> u64 {
    u32::try_from(part).ok().and_then(|part| 1_u64.checked_shl(part)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_task_is_woken_once_for_all_that_rang() {
        let (bell, woken) = (Arc::new(Bell::default()), Arc::new(Woken::default()));
        let task = Waker::from(Arc::clone(&woken));
        assert_eq!(bell.heard(&task), Rung::default());
        for part in [3, 63, 3] {
            bell.cord(part).pull();
        }
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        let mut rung = bell.heard(&task);
        assert!(rung.take(3) && rung.take(63) && !rung.take(3) && rung == Rung::default());
        bell.cord(0).pull();
        assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn each_has_its_turn() {
        let mut rung = Rung::default();
        for part in [1, 4, 60, 62] {
            rung.set(part);
        }
        let turns = [(0, 1), (1, 1), (2, 4), (5, 60), (61, 1), (64, 1)];
        for (turn, expected) in turns {
            assert_eq!(rung.next(turn, 62), Some(expected), "from {turn}");
        }
        assert_eq!(rung.next(61, 64), Some(62));
        assert_eq!(rung.next(0, 1), None);
    }
}
