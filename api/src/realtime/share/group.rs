//! Executions that several subscriptions share: one task for each, as long as it has members.

mod seat;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_graphql::Response;
use entity::tenant::TenantId;
use futures_util::stream::{BoxStream, StreamExt};
use service::ctx::Actor;
use service::event::Cursor;
use slab::Slab;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::Instant;

use super::tally::Tally;
use crate::graphql::progress::Progress;
use crate::realtime::bell::Cord;
use crate::realtime::protocol::Payload;
pub use seat::{Heard, Seat};

/// What a slow member may fall behind before it goes back to the table.
const RING: usize = 128;
/// So many events are executed before members have their turn.
const BURST: usize = RING / 8;
/// In place of a number: no more will come.
const OVER: u64 = u64::MAX;

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
    happened: Instant,
    is_out: AtomicBool,
}

impl Frame {
    fn of(answer: &Response, (at, happened): (Cursor, Instant)) -> Self {
        let is_out = AtomicBool::new(false);
        Self { at, payload: Payload::of(answer, false), happened, is_out }
    }

    /// How long ago its event happened, for the first who asks.
    pub fn age(&self) -> Option<Duration> {
        if self.is_out.load(Ordering::Relaxed) || self.is_out.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(self.happened.elapsed())
    }
}

/// The groups of one node; cheap to clone.
#[derive(Clone, Default)]
pub struct Groups {
    all: Arc<Mutex<HashMap<Arc<Key>, Arc<Group>>>>,
    pub tally: Arc<Tally>,
}

struct Group {
    state: Mutex<State>,
    /// How many there were, or that no more will come.
    published: AtomicU64,
    /// Each member's; what is pulled is not done under the lock that they need next.
    cords: Mutex<Slab<Cord>>,
    /// How far its execution has come.
    progress: Progress,
    tally: Arc<Tally>,
    task: OnceLock<AbortHandle>,
}

struct State {
    /// The newest ones.
    frames: VecDeque<Arc<Frame>>,
    /// How many came before these.
    gone: u64,
    /// Whoever takes a seat now gets what comes after this, and nothing from before.
    at: Cursor,
    members: usize,
    is_over: bool,
}

impl Groups {
    /// Takes a seat, if there is such a group. The cord is pulled when there is something to hear.
    pub fn join(&self, key: &Arc<Key>, cord: &Cord) -> Option<Seat> {
        self.seat(&self.lock(), key, cord)
    }

    /// Starts the group if there is none, with what happens after `since`.
    pub fn join_or_start(
        &self,
        key: &Arc<Key>,
        cord: &Cord,
        since: Cursor,
        start: impl FnOnce(Progress) -> BoxStream<'static, Response>,
    ) -> Seat {
        let seat = {
            let mut groups = self.lock();
            if let Some(seat) = self.seat(&groups, key, cord) {
                return seat;
            }
            let group = Arc::new(Group::new(since, Arc::clone(&self.tally)));
            groups.insert(Arc::clone(key), Arc::clone(&group));
            Seat::take(&group, self, key, cord)
        };
        // Not under the lock, which the task needs when it ends at once. This seat keeps the group until then.
        let running =
            Running { groups: self.clone(), key: Arc::clone(key), group: Arc::clone(&seat.group) };
        let task = tokio::spawn(run(running, start(seat.group.progress.clone())));
        let _ = seat.group.task.set(task.abort_handle());
        seat
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn seat(
        &self,
        groups: &HashMap<Arc<Key>, Arc<Group>>,
        key: &Arc<Key>,
        cord: &Cord,
    ) -> Option<Seat> {
        let (key, group) = groups.get_key_value(key)?;
        let is_over = group.state().is_over;
        (!is_over).then(|| Seat::take(group, self, key, cord))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Key>, Arc<Group>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn new(since: Cursor, tally: Arc<Tally>) -> Self {
        let state =
            State { frames: VecDeque::new(), gone: 0, at: since, members: 0, is_over: false };
        Self {
            state: Mutex::new(state),
            published: AtomicU64::new(0),
            cords: Mutex::default(),
            progress: Progress::default(),
            tally,
            task: OnceLock::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cords(&self) -> MutexGuard<'_, Slab<Cord>> {
        self.cords.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, frame: Frame) {
        {
            let mut state = self.state();
            state.at = frame.at;
            self.tally.kept(frame.payload.size());
            state.frames.push_back(Arc::new(frame));
            while state.frames.len() > RING || state.frames.len() > 1 && self.tally.is_full() {
                let Some(oldest) = state.frames.pop_front() else { break };
                self.tally.gave_up(oldest.payload.size());
                state.gone += 1;
            }
            self.published.store(state.published(), Ordering::Release);
            self.tally.published(state.members);
        }
        self.pull_all();
    }

    fn end(&self) {
        self.state().is_over = true;
        self.published.store(OVER, Ordering::Release);
        self.pull_all();
    }

    fn pull_all(&self) {
        for (_, cord) in self.cords().iter() {
            cord.pull();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.tally.gave_up(state.frames.iter().map(|frame| frame.payload.size()).sum());
    }
}

impl State {
    fn published(&self) -> u64 {
        self.gone + self.frames.len() as u64
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
        if groups.get(&self.key).is_some_and(|group| Arc::ptr_eq(group, &self.group)) {
            groups.remove(&self.key);
        }
        drop(groups);
        self.group.end();
    }
}

async fn run(running: Running, mut answers: BoxStream<'static, Response>) {
    for number in 1_usize.. {
        let Some(answer) = answers.next().await else { return };
        let Some(shown) = running.group.progress.shown() else {
            // Not about an event: the execution itself failed. Each member finds out why by its own.
            tracing::warn!(errors = ?answer.errors, "a shared subscription ended");
            return;
        };
        running.group.publish(Frame::of(&answer, shown));
        // The members' turn now and then, so that a long burst does not overrun them all. Not after each event: what is
        // ready goes out together.
        if number.is_multiple_of(BURST) {
            yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests;
