//! Executions that several subscriptions share: one task for each, as long as it has members.

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

/// What a slow member may fall behind before it goes back to the table.
const RING: usize = 128;
/// So many events are executed before members have their turn.
const BURST: usize = RING / 8;
/// What is taken in one go.
const AT_ONCE: usize = 4;
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

/// A member's place in a group. The group ends when the last is given up.
pub struct Seat {
    pub key: Arc<Key>,
    /// Everything after this will come.
    since: Cursor,
    groups: Groups,
    group: Arc<Group>,
    cord: usize,
    /// How many frames it has taken, counted from the group's first.
    taken: u64,
    /// Taken and not yet heard.
    waiting: [Option<Arc<Frame>>; AT_ONCE],
}

/// What a member finds when it looks for more.
pub enum Heard {
    Frame(Arc<Frame>),
    /// Its cord is pulled when there is something.
    Nothing,
    /// Some are gone; the next ones will come.
    Missed,
    /// No more will come.
    Over,
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
            group.seat(self, key, cord)
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
        (!is_over).then(|| group.seat(self, key, cord))
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

    fn seat(self: &Arc<Self>, groups: &Groups, key: &Arc<Key>, cord: &Cord) -> Seat {
        // The cord first: what is published after the state was read pulls it.
        let cord = self.cords().insert(cord.clone());
        let mut state = self.state();
        state.members += 1;
        Seat {
            key: Arc::clone(key),
            since: state.at,
            groups: groups.clone(),
            group: Arc::clone(self),
            cord,
            taken: state.published(),
            waiting: [const { None }; AT_ONCE],
        }
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

impl Seat {
    /// Whether something between this place and the seat's is missing.
    pub fn begins_beyond(&self, place: Cursor) -> bool {
        self.since.epoch == place.epoch && self.since.seq > place.seq
    }

    /// The next frame after this place.
    pub fn hear(&mut self, after: Cursor) -> Heard {
        loop {
            match self.waiting.iter_mut().find_map(Option::take) {
                // Numbers of two epochs cannot be compared; the stream's own check has seen it or will.
                Some(frame) if frame.at.epoch != after.epoch => return Heard::Over,
                Some(frame) if frame.at.seq <= after.seq => {}
                Some(frame) => return Heard::Frame(frame),
                None => match self.fetch() {
                    Heard::Nothing if self.waiting[0].is_some() => {}
                    other => return other,
                },
            }
        }
    }

    /// Some of what was published since the last time.
    fn fetch(&mut self) -> Heard {
        // Mostly nothing, and then nobody needs the lock.
        if self.group.published.load(Ordering::Acquire) == self.taken {
            return Heard::Nothing;
        }
        let state = self.group.state();
        let published = state.published();
        if published == self.taken {
            return Heard::Over;
        }
        let Some(first) = self.taken.checked_sub(state.gone) else {
            drop(state);
            self.group.tally.dropped(published - self.taken);
            self.taken = published;
            return Heard::Missed;
        };
        let new = state.frames.iter().skip(usize::try_from(first).unwrap_or(RING));
        let mut taken = 0;
        for (place, frame) in self.waiting.iter_mut().zip(new) {
            *place = Some(Arc::clone(frame));
            taken += 1;
        }
        drop(state);
        self.taken += taken;
        self.group.tally.taken(taken);
        Heard::Nothing
    }

    /// How far a member has come that has every frame up to a place: past what the filter hid after the last one.
    pub fn passed(&self, place: Cursor) -> Cursor {
        // In this order: what the execution has passed has been published before.
        let passed = self.group.progress.passed();
        let published = self.group.state().at;
        let is_beyond = |passed: &Cursor| passed.epoch == place.epoch && passed.seq > place.seq;
        let passed = passed.filter(is_beyond).filter(|_| published.seq <= place.seq);
        passed.unwrap_or(place)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut groups = self.groups.lock();
        let mut state = self.group.state();
        state.members -= 1;
        self.group.tally.dropped(state.published() - self.taken);
        let is_last = state.members == 0;
        drop(state);
        self.group.cords().try_remove(self.cord);
        if !is_last {
            return;
        }
        if groups.get(&self.key).is_some_and(|group| Arc::ptr_eq(group, &self.group)) {
            groups.remove(&self.key);
        }
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
