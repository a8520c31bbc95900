//! What runs on one socket. Only what has something to say is asked, one message each in turn, so that none starves another.

use std::task::Poll;

use async_graphql::Executor;
use axum::extract::ws::Utf8Bytes;
use slab::Slab;

use super::operation::Operation;
use crate::graphql::request_id::RequestId;
use crate::realtime::bell::Rung;

/// The parts of the task that are operations: more than one connection may have at once.
pub const PARTS: usize = 62;

pub struct Operations<E> {
    running: Slab<Operation<E>>,
    turn: usize,
}

impl<E: Executor> Operations<E> {
    pub fn new() -> Self {
        Self { running: Slab::with_capacity(1), turn: 0 }
    }

    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn has(&self, id: &str) -> bool {
        self.running.iter().any(|(_, operation)| operation.id == id)
    }

    /// Which part of the task the next one will be.
    pub fn vacant(&self) -> usize {
        self.running.vacant_key()
    }

    pub fn add(&mut self, operation: Operation<E>) {
        self.running.insert(operation);
    }

    pub fn end(&mut self, id: &str) {
        self.running.retain(|_, operation| operation.id != id);
    }

    /// The next message of those that rang.
    pub fn next(&mut self, rung: &mut Rung, id: &RequestId) -> Option<Utf8Bytes> {
        while let Some(part) = rung.next(self.turn, PARTS) {
            self.turn = part + 1;
            match self.running.get_mut(part).map(|running| (running.poll_next(id), running.is_over))
            {
                Some((Poll::Ready(text), false)) => return Some(text),
                Some((Poll::Ready(text), true)) => {
                    // At once: its client may use the id again as soon as it has read this.
                    self.running.remove(part);
                    return Some(text);
                }
                Some((Poll::Pending, _)) | None => rung.clear(part),
            }
        }
        None
    }

    /// How far each has come that has come further.
    pub fn news(&self) -> impl Iterator<Item = (String, String)> {
        self.running.iter().filter_map(|(_, running)| Some((running.id.clone(), running.news()?)))
    }
}
