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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(secret: &str, header: &str, body: &str, at: i64) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let at = DateTime::from_timestamp(at, 0).unwrap();
        is_signed(&[key], header, body.as_bytes(), at).unwrap_or(false)
    }

    #[test]
    fn stripes_scheme_is_read_to_the_byte() {
        let body = r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded"}"#;
        let hex = "d137bddd9dbb61534b1fff1aeb4bae4d05d877461d2583d856c1f4a845b5c4e7";
        let header = format!("t=1700000000,v1={hex}");
        assert!(check("secret", &header, body, 1_700_000_000));
        assert!(check("secret", &header, body, 1_700_000_300));
        assert!(!check("secret", &header, body, 1_700_000_301));
        assert!(!check("secret", &header, body, 1_699_999_699));
        assert!(!check("Secret", &header, body, 1_700_000_000));
        let zeros = "0".repeat(64);
        assert!(check("secret", &format!("t=1700000000,v1={zeros},v1={hex}"), body, 1_700_000_000));
        for header in [
            format!("t=1700000000,v0={hex}"),
            format!("t=1700000000,v1={}", hex.to_uppercase()),
            format!("v1={hex}"),
            format!("t=,v1={hex}"),
            "t=1700000000".to_owned(),
            String::new(),
        ] {
            assert!(!check("secret", &header, body, 1_700_000_000), "{header}");
        }
    }

    #[test]
    fn an_event_tells_where_to_look() {
        let object = json!({ "id": "x_1", "payment_intent": "pi_1" });
        let payment = |reference: &str| About::Payment {
            reference: reference.to_owned(),
            claims: Claims::default(),
        };
        assert_eq!(about("payment_intent.canceled", &object), payment("x_1"));
        assert_eq!(about("charge.dispute.closed", &object), payment("pi_1"));
        assert_eq!(about("charge.refunded", &object), payment("pi_1"));
        let refund = About::Refund { reference: "x_1".into(), outcome: None };
        assert_eq!(about("refund.failed", &object), refund);
        assert_eq!(about("charge.refund.updated", &object), refund);
        assert_eq!(about("customer.created", &object), About::Nothing);
        assert_eq!(about("payment_intent.succeeded", &json!({})), About::Nothing);
    }
}
