//! Messages to people: codes, invitations, and what they should know about their login.

mod outbox;
mod smtp;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub use self::{outbox::Outbox, smtp::Smtp};
use crate::{error::BoxError, keys::sha256, user::contact::Contact};

const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub to: Contact,
    /// Only where the way has subjects.
    pub subject: String,
    pub text: String,
    /// Only where the way takes them.
    pub attachments: Vec<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    pub media_type: &'static str,
    pub bytes: Arc<[u8]>,
}

impl Attachment {
    /// Names it by its bytes.
    pub fn key(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(&self.bytes))
    }
}

impl Message {
    pub fn new(to: Contact, subject: String, text: String) -> Self {
        Self { to, subject, text, attachments: Vec::new() }
    }
}

/// A way to people.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Whether it goes there at all; the same for every such address.
    fn reaches(&self, to: &Contact) -> bool;

    /// Once it is accepted by the next one on its way.
    async fn send(&self, message: &Message) -> Result<(), BoxError>;
}

/// For an installation that sends nothing.
pub struct Nowhere;

#[async_trait]
impl Notifier for Nowhere {
    fn reaches(&self, _: &Contact) -> bool {
        false
    }

    async fn send(&self, _: &Message) -> Result<(), BoxError> {
        Err("no way to send messages is configured".into())
    }
}

/// Sends in the background, so that an answer takes as long whether or not there was something to send. What cannot be
/// sent is in the log, without its text: people ask again.
pub(crate) fn send(notifier: &Arc<dyn Notifier>, message: Message) {
    let notifier = Arc::clone(notifier);
    tokio::spawn(async move {
        for attempt in 1..=ATTEMPTS {
            match notifier.send(&message).await {
                Ok(()) => return,
                Err(error) if attempt == ATTEMPTS => {
                    tracing::error!(error = %error, subject = message.subject, "a message was not sent");
                }
                Err(_) => tokio::time::sleep(PAUSE * attempt).await,
            }
        }
    });
}
