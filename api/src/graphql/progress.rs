//! How far a subscription has come in the stream: also past what its filter hides, so that a quiet client can resume cheaply.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use service::event::Cursor;

/// Writes a cursor as its client holds it.
type Seal = Box<dyn Fn(Cursor) -> String + Send>;

/// In the data of a request; cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    seal: Option<Seal>,
    /// Everything up to here was handed over or hidden.
    passed: Option<Cursor>,
    told: Option<Cursor>,
}

impl Progress {
    /// Once the subscription has begun.
    pub fn begin(&self, seal: impl Fn(Cursor) -> String + Send + 'static) {
        self.state().seal = Some(Box::new(seal));
    }

    pub fn pass(&self, cursor: Cursor) {
        self.state().passed = Some(cursor);
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
