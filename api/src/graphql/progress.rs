//! How far a subscription has come in the stream: also past what its filter hides, so that a quiet client can resume cheaply.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use service::event::Cursor;
use tokio::time::Instant;

/// Writes a cursor as its client holds it.
type Seal = Box<dyn Fn(Cursor) -> String + Send>;

/// In the data of a request; cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    seal: Option<Seal>,
    /// Handed over, and not yet asked for more.
    shown: Option<(Cursor, Instant)>,
    /// Everything up to here was handed over or hidden.
    passed: Option<Cursor>,
    told: Option<Cursor>,
}

impl Progress {
    /// Once the subscription has begun.
    pub fn begin(&self, seal: impl Fn(Cursor) -> String + Send + 'static) {
        self.state().seal = Some(Box::new(seal));
    }

    /// The event of the payload that comes now.
    pub fn show(&self, cursor: Cursor, happened: Instant) {
        self.state().shown = Some((cursor, happened));
    }

    /// Its place, and when it happened.
    pub fn shown(&self) -> Option<(Cursor, Instant)> {
        self.state().shown
    }

    pub fn pass_shown(&self) {
        let mut state = self.state();
        if let Some((shown, _)) = state.shown.take() {
            state.passed = Some(shown);
        }
    }

    pub fn pass(&self, cursor: Cursor) {
        self.state().passed = Some(cursor);
    }

    pub fn passed(&self) -> Option<Cursor> {
        self.state().passed
    }

    /// The newest cursor, unless it was told before.
    pub fn news(&self) -> Option<String> {
        let mut state = self.state();
        let passed = state.passed.filter(|passed| state.told != Some(*passed))?;
        state.told = Some(passed);
        state.seal.as_ref().map(|seal| seal(passed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
