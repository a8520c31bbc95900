//! E-mail, by way of a mail server.

use std::time::Duration;

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{Attachment, Mailbox, MultiPart, SinglePart, header::ContentType},
};

use super::{Message, Notifier};
use crate::{
    error::{BoxError, Error, Result},
    user::contact::Contact,
};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Smtp {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// `smtps://user:password@host`, `smtp://host?tls=required`, or `smtp://host` for a server that is near and trusted.
    pub fn new(url: &str, from: &str) -> Result<Self> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| Error::internal("smtp_url cannot be used"))?
            .timeout(Some(PATIENCE))
            .build();
        let from = from.parse().map_err(|_| Error::internal("mail_from is not an address"))?;
        Ok(Self { server, from })
    }
}

#[async_trait]
impl Notifier for Smtp {
    fn reaches(&self, to: &Contact) -> bool {
        matches!(to, Contact::Email(_))
    }

    async fn send(&self, message: &Message) -> Result<(), BoxError> {
        let Contact::Email(to) = &message.to else {
            return Err("not an e-mail address".into());
        };
        let head = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(&message.subject);
        let mail = if message.attachments.is_empty() {
            head.header(ContentType::TEXT_PLAIN).body(message.text.clone())?
        } else {
            head.multipart(parts(message)?)?
        };
        self.server.send(mail).await?;
        Ok(())
    }
}

/// The text, and then what is attached.
fn parts(message: &Message) -> Result<MultiPart, BoxError> {
    let text = MultiPart::mixed().singlepart(SinglePart::plain(message.text.clone()));
    message.attachments.iter().try_fold(text, |parts, attachment| {
        let attached = Attachment::new(attachment.name.clone());
        let bytes = attachment.bytes.to_vec();
        Ok(parts.singlepart(attached.body(bytes, attachment.media_type.parse()?)))
    })
}
