//! Stripe's messages: only its own are read, and each tells where to look.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use service::payment::provider::{About, Delivery, Notice, WebhookError};

use super::*;

/// Headers and body.
type Message = (Vec<(String, String)>, Vec<u8>);
type Heard = Arc<Mutex<Vec<Message>>>;

/// Where messages come in.
pub async fn listen() -> (String, Heard) {
    let heard = Heard::default();
    let keep = async |State(heard): State<Heard>, headers: HeaderMap, body: Bytes| {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        heard.lock().unwrap().push((headers.collect(), body.to_vec()));
    };
    let router = Router::new().route("/", post(keep)).with_state(Arc::clone(&heard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, heard)
}

fn read(
    provider: &Arc<dyn PaymentProvider>,
    headers: &[(String, String)],
    body: &[u8],
    received_at: DateTime<Utc>,
) -> Result<Notice, WebhookError> {
    let delivery = Delivery { headers, body, received_at, payment: None };
    provider.read_webhook(&delivery).map(|notices| notices.into_iter().next().unwrap())
}

fn reference_of(notice: &Notice) -> &str {
    match &notice.about {
        About::Payment { reference, .. } | About::Refund { reference, .. } => reference,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_happens_is_told_in_any_order_and_more_than_once() {
    let account = Account::open().await;
    let (url, heard) = listen().await;
    account.stripe.send_webhooks_to(&url);
    let paid = account.pay(1_000).await;
    let back = account.provider.refund(&refund(&paid, 500)).await.unwrap();
    account.stripe.reverse(&reference(&paid)).await;
    account.stripe.repeat_webhooks().await;

    let heard = heard.lock().unwrap().clone();
    let now = account.clock.now();
    let notices: Vec<_> = heard
        .iter()
        .map(|(headers, body)| read(&account.provider, headers, body, now).unwrap())
        .collect();
    assert_eq!(notices.len(), 2 * account.stripe.events().len());
    for (kind, about) in [
        ("payment_intent.succeeded", &paid.reference),
        ("charge.refunded", &paid.reference),
        ("charge.dispute.created", &paid.reference),
        ("refund.created", &back.reference),
    ] {
        let of_kind = || notices.iter().filter(|notice| notice.event_type == kind);
        assert_eq!(of_kind().count(), 2, "{kind}");
        assert!(of_kind().all(|notice| Some(reference_of(notice)) == about.as_deref()), "{kind}");
        let ids: Vec<_> = of_kind().map(|notice| &notice.event_id).collect();
        assert_eq!(ids[0], ids[1]);
    }
    let other = notices.iter().find(|notice| notice.event_type == "charge.succeeded").unwrap();
    assert_eq!(other.about, About::Nothing);
}

#[tokio::test]
async fn a_message_may_come_twice_or_never() {
    use tests::provider::Fault;
    let account = Account::open().await;
    let (url, heard) = listen().await;
    account.stripe.send_webhooks_to(&url);
    account.stripe.faults().next([Fault::NoWebhook, Fault::Webhooks(3)]);

    account.pay(1_000).await;
    account.stripe.delivered().await;
    assert_eq!(heard.lock().unwrap().len(), 0);
    let events = account.stripe.events().len();
    account.pay(1_000).await;
    account.stripe.delivered().await;
    assert_eq!(heard.lock().unwrap().len(), 3 * (account.stripe.events().len() - events));
}

#[tokio::test]
async fn any_byte_that_differs_is_a_forgery() {
    let account = Account::open().await;
    let body =
        br#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1"}}}"#;
    let signature = account.stripe.sign(body);
    let now = account.clock.now();
    let check = |signature: &str, body: &[u8], at| {
        let headers = [("stripe-signature".to_owned(), signature.to_owned())];
        read(&account.provider, &headers, body, at)
    };
    assert_eq!(reference_of(&check(&signature, body, now).unwrap()), "pi_1");
    for at in 0..body.len() {
        let mut body = body.to_vec();
        body[at] ^= 1;
        assert!(matches!(check(&signature, &body, now), Err(WebhookError::Forged)), "{at}");
    }
    for at in 0..signature.len() {
        let mut bytes = signature.clone().into_bytes();
        bytes[at] ^= 1;
        let forged = String::from_utf8(bytes).unwrap();
        assert!(matches!(check(&forged, body, now), Err(WebhookError::Forged)), "{forged}");
    }
    for (minutes, fits) in [(-6, false), (-5, true), (5, true), (6, false)] {
        let at = now + TimeDelta::minutes(minutes);
        assert_eq!(check(&signature, body, at).is_ok(), fits, "{minutes}");
    }
    let unsigned = read(&account.provider, &[], body, now);
    assert!(matches!(unsigned, Err(WebhookError::Forged)));
}

#[tokio::test]
async fn a_secret_is_replaced_without_losing_a_message() {
    let account = Account::open().await;
    let body = br#"{"id":"evt_1","type":"payout.paid","data":{"object":{"id":"po_1"}}}"#;
    let check = |provider: &Arc<dyn PaymentProvider>| {
        let headers = [("stripe-signature".to_owned(), account.stripe.sign(body))];
        read(provider, &headers, body, account.clock.now()).is_ok()
    };
    account.stripe.roll_webhook_secret();
    let both = opened(&account.clock, &account.stripe);
    assert!(check(&account.provider) && check(&both));
    account.stripe.end_old_webhook_secret();
    assert!(!check(&account.provider) && check(&both));
}
