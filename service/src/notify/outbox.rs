//! Keeps messages for a developer to read, and sends nothing.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Attachment, Message, Notifier};
use crate::{clock::Clock, error::BoxError, user::contact::Contact};

const KEPT: usize = 100;

pub struct Outbox {
    clock: Arc<dyn Clock>,
    messages: Mutex<VecDeque<(DateTime<Utc>, Message)>>,
}

impl Outbox {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, messages: Mutex::default() }
    }

    /// With when they came, the newest first.
    pub fn messages(&self) -> Vec<(DateTime<Utc>, Message)> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.iter().cloned().collect()
    }

    /// What was attached to one of them, by its key.
    pub fn attachment(&self, key: &str) -> Option<Attachment> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attached = messages.iter().flat_map(|(_, message)| &message.attachments);
        attached.find(|attachment| attachment.key() == key).cloned()
    }
}

#[async_trait]
impl Notifier for Outbox {
    fn reaches(&self, _: &Contact) -> bool {
        true
    }

    async fn send(&self, message: &Message) -> Result<(), BoxError> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push_front((self.clock.now(), message.clone()));
        messages.truncate(KEPT);
        Ok(())
    }
}
