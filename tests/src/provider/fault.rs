//! What goes wrong between us and a provider, call by call.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// An internal error before anything was done.
    ErrorBefore,
    /// An internal error after it was done.
    ErrorAfter,
    /// The connection is cut before anything was done.
    CutBefore,
    /// The connection is cut after it was done.
    CutAfter,
    /// Too many calls.
    Busy,
    /// The answer takes this long.
    Slow(Duration),
    /// It is done, and no message tells of it.
    NoWebhook,
    /// Its message comes this often.
    Webhooks(u8),
}

/// Those of the next calls that move or ask for money, in their order; none when it is empty.
#[derive(Debug, Default)]
pub struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    pub fn take(&self) -> Fault {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front().unwrap_or(Fault::None)
    }
}
