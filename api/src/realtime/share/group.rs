//! Executions that several subscriptions share: one task for each, as long as it has members.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_graphql::Response;
use entity::tenant::TenantId;
use futures_util::stream::{BoxStream, StreamExt};
use service::ctx::Actor;
use service::event::Cursor;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::{AbortHandle, yield_now};

use crate::graphql::progress::Progress;
use crate::realtime::protocol::Payload;

/// What a slow member may fall behind before it goes back to the table.
const RING: usize = 128;

/// What the members of a group have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub tenant: TenantId,
    pub audience: Actor,
    /// The document and its variables, in the one form that all equal ones have.
    pub standing: String,
}

/// One payload, written once for all members.
pub struct Frame {
    pub at: Cursor,
    pub payload: Payload,
}

/// The groups of one node; cheap to clone.
#[derive(Clone, Default)]
pub struct Groups(Arc<Mutex<HashMap<Arc<Key>, Entry>>>);

struct Entry {
    group: Arc<Group>,
    members: usize,
}

struct Group {
    state: Mutex<State>,
    /// How far its execution has come.
    progress: Progress,
    task: OnceLock<AbortHandle>,
}

struct State {
    /// None once the execution has ended.
    frames: Option<broadcast::Sender<Arc<Frame>>>,
    /// Whoever takes a seat now gets what comes after this, and nothing from before.
    at: Cursor,
}

/// A member's place in a group. The group ends when the last is given up.
pub struct Seat {
    pub key: Arc<Key>,
    /// Everything after this will come.
    since: Cursor,
    groups: Groups,
    group: Arc<Group>,
    frames: broadcast::Receiver<Arc<Frame>>,
}

/// What a member finds when it looks for more.
pub enum Heard {
    Frame(Arc<Frame>),
    /// Some are gone; the next ones will come.
    Missed,
    /// No more will come.
    Ended,
}

impl Groups {
    /// Takes a seat, if there is such a group.
    pub fn join(&self, key: &Arc<Key>) -> Option<Seat> {
        self.seat(&mut self.lock(), key)
    }

    /// Starts the group if there is none, with what happens after `since`.
    pub fn join_or_start(
        &self,
        key: &Arc<Key>,
        since: Cursor,
        start: impl FnOnce(Progress) -> BoxStream<'static, Response>,
    ) -> Seat {
        let seat = {
            let mut groups = self.lock();
            if let Some(seat) = self.seat(&mut groups, key) {
                return seat;
            }
            let (sender, frames) = broadcast::channel(RING);
            let state = Mutex::new(State { frames: Some(sender), at: since });
            let progress = Progress::default();
            let group = Arc::new(Group { state, progress, task: OnceLock::new() });
            groups.insert(Arc::clone(key), Entry { group: Arc::clone(&group), members: 1 });
            Seat { key: Arc::clone(key), since, groups: self.clone(), group, frames }
        };
        // Not under the lock, which the task needs when it ends at once. This seat keeps the group until then.
        let running =
            Running { groups: self.clone(), key: Arc::clone(key), group: Arc::clone(&seat.group) };
        let task = tokio::spawn(run(running, start(seat.group.progress.clone())));
        let _ = seat.group.task.set(task.abort_handle());
        seat
    }

    fn seat(&self, groups: &mut HashMap<Arc<Key>, Entry>, key: &Arc<Key>) -> Option<Seat> {
        let key = Arc::clone(groups.get_key_value(key)?.0);
        let entry = groups.get_mut(&key)?;
        let (since, frames) = entry.group.attach()?;
        entry.members += 1;
        let group = Arc::clone(&entry.group);
        Some(Seat { key, since, groups: self.clone(), group, frames })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Key>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attach(&self) -> Option<(Cursor, broadcast::Receiver<Arc<Frame>>)> {
        let state = self.lock();
        state.frames.as_ref().map(|frames| (state.at, frames.subscribe()))
    }

    fn publish(&self, frame: Frame) {
        let mut state = self.lock();
        state.at = frame.at;
        if let Some(frames) = &state.frames {
            let _ = frames.send(Arc::new(frame));
        }
    }
}

impl Seat {
    /// How far a member has come that has every frame up to a place: past what the filter hid after the last one.
    pub fn passed(&self) -> impl Fn(Cursor) -> Cursor + Send + 'static {
        let group = Arc::clone(&self.group);
        move |place| {
            // In this order: what the execution has passed has been published before.
            let passed = group.progress.passed();
            let published = group.lock().at;
            let beyond =
                passed.filter(|passed| passed.epoch == place.epoch && passed.seq > place.seq);
            match beyond {
                Some(passed) if published.seq <= place.seq => passed,
                _ => place,
            }
        }
    }

    /// Whether something between this place and the seat's is missing.
    pub fn begins_beyond(&self, place: Cursor) -> bool {
        self.since.epoch == place.epoch && self.since.seq > place.seq
    }

    /// The next frame after this place.
    pub async fn next(&mut self, after: Cursor) -> Heard {
        loop {
            match self.frames.recv().await {
                // Numbers of two epochs cannot be compared; the stream's own check has seen it or will.
                Ok(frame) if frame.at.epoch != after.epoch => return Heard::Ended,
                Ok(frame) if frame.at.seq <= after.seq => {}
                Ok(frame) => return Heard::Frame(frame),
                Err(RecvError::Lagged(_)) => return Heard::Missed,
                Err(RecvError::Closed) => return Heard::Ended,
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut groups = self.groups.lock();
        let Some(entry) = groups.get_mut(&self.key) else { return };
        if !Arc::ptr_eq(&entry.group, &self.group) {
            return;
        }
        entry.members -= 1;
        if entry.members > 0 {
            return;
        }
        groups.remove(&self.key);
        drop(groups);
        if let Some(task) = self.group.task.get() {
            task.abort();
        }
    }
}

/// Held by the task, so that its members hear of its end however it ends.
struct Running {
    groups: Groups,
    key: Arc<Key>,
    group: Arc<Group>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut groups = self.groups.lock();
        if groups.get(&self.key).is_some_and(|entry| Arc::ptr_eq(&entry.group, &self.group)) {
            groups.remove(&self.key);
        }
        drop(groups);
        self.group.lock().frames = None;
    }
}

async fn run(running: Running, mut answers: BoxStream<'static, Response>) {
    while let Some(answer) = answers.next().await {
        let Some(at) = running.group.progress.shown() else {
            // Not about an event: the execution itself failed. Each member finds out why by its own.
            tracing::warn!(errors = ?answer.errors, "a shared subscription ended");
            return;
        };
        running.group.publish(Frame { at, payload: Payload::of(&answer, false) });
        // The members' turn, so that a burst of events does not overrun them all.
        yield_now().await;
    }
}

#[cfg(test)]
mod tests;
