//! A member's place in a group, and what it hears there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use service::event::Cursor;

use super::{Frame, Group, Groups, Key, RING};
use crate::realtime::bell::Cord;

/// What is taken in one go.
const AT_ONCE: usize = 4;

/// A member's place in a group. The group ends when the last is given up.
pub struct Seat {
    pub key: Arc<Key>,
    /// Everything after this will come.
    since: Cursor,
    groups: Groups,
    pub(super) group: Arc<Group>,
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

impl Seat {
    pub(super) fn take(group: &Arc<Group>, groups: &Groups, key: &Arc<Key>, cord: &Cord) -> Self {
        // The cord first: what is published after the state was read pulls it.
        let cord = group.cords().insert(cord.clone());
        let mut state = group.state();
        state.members += 1;
        Self {
            key: Arc::clone(key),
            since: state.at,
            groups: groups.clone(),
            group: Arc::clone(group),
            cord,
            taken: state.published(),
            waiting: [const { None }; AT_ONCE],
        }
    }

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
