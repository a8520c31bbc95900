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
        // A mandate alone.
        Some(("billing_requests", "fulfilled"))
            if links.mandate_request_mandate.is_some()
                && links.payment_request_payment.is_none() =>
        {
            None
        }
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

#[cfg(test)]
mod tests {
    use super::{About, Claims, Delivery, Secrets, read};

    fn fits(secret: &str, signature: &str, body: &[u8]) -> bool {
        let headers = [("webhook-signature".to_owned(), signature.to_owned())];
        let received_at = "2035-01-01T12:00:00Z".parse().unwrap();
        let delivery = Delivery { headers: &headers, body, received_at, payment: None };
        Secrets::new(&["other".to_owned(), secret.to_owned()]).check(&delivery).is_ok()
    }

    #[test]
    fn a_signature_is_as_the_sdk_makes_it() {
        let signature = "a642b59553c93e227ec0f2f38910fbf71231a2197c00899833c00478cec86f34";
        assert!(fits("secret", signature, br#"{"events":[]}"#));
        assert!(!fits("secret", signature, br#"{"events":[ ]}"#));
        assert!(!fits("secreT", signature, br#"{"events":[]}"#));
        assert!(!fits("secret", &signature.to_uppercase(), br#"{"events":[]}"#));
    }

    #[test]
    fn an_event_says_where_to_look() {
        let payment = |reference: &str| About::Payment {
            reference: reference.to_owned(),
            claims: Claims::default(),
        };
        let notices = read(include_bytes!("recorded/webhook.json")).unwrap();
        let about: Vec<_> = notices.iter().map(|notice| notice.about.clone()).collect();
        let refund = About::Refund { reference: "RF00001AB2CD3E".to_owned(), outcome: None };
        assert_eq!(
            about,
            [
                payment("PM00001078ZJJN"),
                About::Nothing,
                refund,
                payment("BRQ000010NMDMH2"),
                About::Nothing,
                About::Nothing,
                About::Nothing,
            ]
        );
        assert_eq!(notices[0].event_id, "EV00BD05S5VM2T");
        assert_eq!(notices[0].event_type, "payments.confirmed");
    }

    #[test]
    fn what_is_no_list_of_events_cannot_be_read() {
        for body in ["", "{}", "[]", r#"{"events": {}}"#, r#"{"events": [{}]}"#] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read(br#"{"events": []}"#).unwrap().is_empty());
    }
}
