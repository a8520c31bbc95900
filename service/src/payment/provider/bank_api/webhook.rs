//! What GoCardless tells: up to 250 events at a time, signed as a whole.

use aws_lc_rs::hmac;
use serde::Deserialize;

use super::{
    super::{About, Claims, Delivery, Notice, WebhookError},
    wire::Links,
};

pub(super) struct Secrets(Vec<hmac::Key>);

impl Secrets {
    pub fn new(secrets: &[String]) -> Self {
        let key = |secret: &String| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Self(secrets.iter().map(key).collect())
    }

    /// The signature covers no time: what is sent again is known by its event's name.
    pub fn check(&self, delivery: &Delivery<'_>) -> Result<(), WebhookError> {
        let signature = delivery.header("webhook-signature").and_then(hex);
        let signature = signature.ok_or(WebhookError::Forged)?;
        let fits = |key| hmac::verify(key, delivery.body, &signature).is_ok();
        if self.0.iter().any(fits) { Ok(()) } else { Err(WebhookError::Forged) }
    }
}

#[derive(Deserialize)]
struct Body {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(default)]
    resource_type: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    links: Links,
}

pub(super) fn read(body: &[u8]) -> Result<Vec<Notice>, WebhookError> {
    let body: Body =
        serde_json::from_slice(body).map_err(|error| WebhookError::Unreadable(error.into()))?;
    Ok(body.events.into_iter().map(Notice::from).collect())
}

impl From<Event> for Notice {
    fn from(event: Event) -> Self {
        let event_type = format!("{}.{}", event.resource_type, event.action);
        Self { event_id: event.id, about: about(&event_type, event.links), event_type }
    }
}

/// Whatever happened to a payment or a refund, it is looked up. Of a payer's way through GoCardless's page only the end
/// counts.
fn about(event_type: &str, links: Links) -> About {
    let payment = |reference| About::Payment { reference, claims: Claims::default() };
    let refund = |reference| About::Refund { reference, outcome: None };
    let about = match event_type.split_once('.') {
        Some(("payments", _)) => links.payment.map(payment),
        Some(("refunds", _)) => links.refund.map(refund),
        Some(("billing_requests", "fulfilled" | "cancelled" | "failed")) => {
            links.billing_request.map(payment)
        }
        _ => None,
    };
    about.unwrap_or(About::Nothing)
}

/// Lower case only: there is one way to write a signature.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
