//! Stripe's messages: who has signed them, and what they are about.

use aws_lc_rs::hmac;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::super::{About, Claims, Delivery, Notice, WebhookError};

/// How far the clocks may be apart, and how long a message may take.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

pub fn read(secrets: &[hmac::Key], delivery: &Delivery<'_>) -> Result<Vec<Notice>, WebhookError> {
    let header = delivery.header("stripe-signature").ok_or(WebhookError::Forged)?;
    let signed = is_signed(secrets, header, delivery.body, delivery.received_at);
    if !signed.unwrap_or(false) {
        return Err(WebhookError::Forged);
    }
    let event: Event = serde_json::from_slice(delivery.body)
        .map_err(|error| WebhookError::Unreadable(error.into()))?;
    let about = about(&event.kind, &event.data.object);
    Ok(vec![Notice { event_id: event.id, event_type: event.kind, about }])
}

/// `t=<seconds>,v1=<hex>`, with a `v1` for each of Stripe's secrets while one replaces the other.
fn is_signed(
    secrets: &[hmac::Key],
    header: &str,
    body: &[u8],
    received_at: DateTime<Utc>,
) -> Option<bool> {
    let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
    let (_, time) = fields().find(|(name, _)| *name == "t")?;
    let sent_at = DateTime::from_timestamp(time.parse().ok()?, 0)?;
    if (received_at - sent_at).abs() > TOLERANCE {
        return Some(false);
    }
    let signed = [time.as_bytes(), b".", body].concat();
    let signatures = fields().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| bytes(hex));
    Some(signatures.into_iter().any(|signature| {
        secrets.iter().any(|secret| hmac::verify(secret, &signed, &signature).is_ok())
    }))
}

/// Lower-case hexadecimal digits.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    bytes.collect::<Option<_>>().filter(|_| rest.is_empty())
}

fn about(kind: &str, object: &Value) -> About {
    let text = |field| object.get(field).and_then(Value::as_str).map(str::to_owned);
    let payment = |reference| About::Payment { reference, claims: Claims::default() };
    let refund = |reference| About::Refund { reference, outcome: None };
    let about = if kind.starts_with("payment_intent.") {
        text("id").map(payment)
    } else if kind.starts_with("refund.") || kind == "charge.refund.updated" {
        text("id").map(refund)
    } else if kind == "charge.refunded" || kind.starts_with("charge.dispute.") {
        text("payment_intent").map(payment)
    } else {
        None
    };
    about.unwrap_or(About::Nothing)
}
