//! What GoCardless tells is believed only with its signature, and is a hint where to look.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use service::payment::provider::{
    About, Claims, Delivery, Notice, PaymentProvider, Reply, Verdict, WebhookError, Why, bank_api,
    http::Http,
};
use tests::{
    json,
    provider::{
        Fault::{NoWebhook, Webhooks},
        Peer, Script,
        bank_api::signature,
    },
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Shop, charge, refund};

type Message = (Vec<(String, String)>, Bytes);

/// Takes what comes, and gives it on.
async fn mailbox(shop: &Shop) -> UnboundedReceiver<Message> {
    async fn take(
        State(sender): State<UnboundedSender<Message>>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        sender.send((headers.iter().map(text).collect(), body)).unwrap();
        StatusCode::NO_CONTENT
    }
    let (sender, receiver) = unbounded_channel();
    let router = Router::new().route("/", post(take)).with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    shop.peer.send_webhooks_to(&format!("http://{}/", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    receiver
}

fn read(
    provider: &dyn PaymentProvider,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Vec<Notice>, WebhookError> {
    let received_at = "2035-01-01T12:00:00Z".parse().unwrap();
    provider.read_webhook(&Delivery { headers, body, received_at, payment: None })
}

fn types(notices: &[Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.event_type.as_str()).collect()
}

fn about_payment(reference: &str) -> About {
    About::Payment { reference: reference.to_owned(), claims: Claims::default() }
}

#[tokio::test]
async fn every_change_is_told() {
    let shop = Shop::open().await;
    let mut mail = mailbox(&shop).await;
    let provider = shop.provider.as_ref();
    let charge = charge(1_250, "GBP", shop.peer.method(Script::Succeeds));
    let payment = shop.provider.charge(&charge).await.unwrap().reference.unwrap();
    let (headers, body) = mail.recv().await.unwrap();
    let notices = read(provider, &headers, &body).unwrap();
    assert_eq!(types(&notices), ["payments.created", "payments.submitted", "payments.confirmed"]);
    assert!(notices.iter().all(|notice| notice.about == about_payment(&payment)), "{notices:?}");

    let back = refund(charge.payment, &payment, 1, 1);
    let refunded = shop.provider.refund(&back).await.unwrap().reference.unwrap();
    let (headers, body) = mail.recv().await.unwrap();
    let notices = read(provider, &headers, &body).unwrap();
    assert_eq!(types(&notices), ["refunds.created", "refunds.paid"]);
    let about = About::Refund { reference: refunded, outcome: None };
    assert!(notices.iter().all(|notice| notice.about == about), "{notices:?}");

    shop.peer.charged_back(&payment).await;
    let (headers, body) = mail.recv().await.unwrap();
    assert_eq!(types(&read(provider, &headers, &body).unwrap()), ["payments.charged_back"]);

    shop.peer.repeat_webhooks().await;
    let (headers, body) = mail.recv().await.unwrap();
    let all = read(provider, &headers, &body).unwrap();
    assert_eq!((all.len(), all[0].event_type.as_str()), (6, "payments.charged_back"));
    assert_eq!(all[1], notices[1]);
}

#[tokio::test]
async fn a_payer_who_has_agreed_is_told_of() {
    let shop = Shop::open().await;
    let mut mail = mailbox(&shop).await;
    let charge = charge(1_250, "GBP", None);
    let request = shop.provider.charge(&charge).await.unwrap().reference.unwrap();
    let (headers, body) = mail.recv().await.unwrap();
    let notices = read(shop.provider.as_ref(), &headers, &body).unwrap();
    assert!(notices.iter().all(|notice| notice.about == About::Nothing), "{notices:?}");

    shop.peer.act(&request, true).await;
    let (headers, body) = mail.recv().await.unwrap();
    let notices = read(shop.provider.as_ref(), &headers, &body).unwrap();
    let fulfilled = notices.iter().find(|one| one.event_type == "billing_requests.fulfilled");
    assert_eq!(fulfilled.unwrap().about, about_payment(&request));
}

#[tokio::test]
async fn messages_are_lost_and_repeated() {
    let shop = Shop::open().await;
    let mut mail = mailbox(&shop).await;
    shop.peer.faults().next([NoWebhook, Webhooks(2)]);
    for _ in 0..2 {
        let charge = charge(1_250, "GBP", shop.peer.method(Script::Succeeds));
        shop.provider.charge(&charge).await.unwrap();
    }
    let (first, again) = (mail.recv().await.unwrap().1, mail.recv().await.unwrap().1);
    assert_eq!(first, again);
}

#[tokio::test]
async fn nothing_is_believed_of_which_a_byte_is_wrong() {
    let shop = Shop::open().await;
    let mut mail = mailbox(&shop).await;
    shop.charged().await;
    let (headers, body) = mail.recv().await.unwrap();
    let provider = shop.provider.as_ref();
    read(provider, &headers, &body).unwrap();

    for at in 0..body.len() {
        let mut wrong = body.to_vec();
        wrong[at] ^= 1 << (at % 8);
        assert!(matches!(read(provider, &headers, &wrong), Err(WebhookError::Forged)), "{at}");
    }
    let signed = signature(shop.peer.webhook_secret(), &body);
    for at in 0..signed.len() {
        for bit in 0..7 {
            let mut wrong = signed.clone().into_bytes();
            wrong[at] ^= 1 << bit;
            let wrong = String::from_utf8(wrong).unwrap();
            let headers = [("webhook-signature".to_owned(), wrong)];
            assert!(matches!(read(provider, &headers, &body), Err(WebhookError::Forged)), "{at}");
        }
    }
    for wrong in ["", "00", &signed[1..], &format!("{signed}00"), &signed.to_uppercase()] {
        let headers = [("webhook-signature".to_owned(), wrong.to_owned())];
        assert!(matches!(read(provider, &headers, &body), Err(WebhookError::Forged)), "{wrong}");
    }
    assert!(matches!(read(provider, &[], &body), Err(WebhookError::Forged)));
}

#[tokio::test]
async fn two_secrets_live_side_by_side() {
    let credentials = json!({"accessToken": "token", "webhookSecrets": ["old", "new"]});
    let provider = bank_api::open(Http::new().unwrap(), bank_api::SANDBOX, &credentials).unwrap();
    let body = br#"{"events":[]}"#;
    for (secret, fits) in [("old", true), ("new", true), ("other", false)] {
        let headers = [("webhook-signature".to_owned(), signature(secret, body))];
        assert_eq!(read(provider.as_ref(), &headers, body).is_ok(), fits, "{secret}");
    }
    let garbage = b"{";
    let headers = [("webhook-signature".to_owned(), signature("new", garbage))];
    assert!(matches!(read(provider.as_ref(), &headers, garbage), Err(WebhookError::Unreadable(_))));
    let status = |verdict| {
        let Reply { status, body: None } = provider.reply(&verdict) else { panic!() };
        status
    };
    assert_eq!(status(Verdict::Kept), 204);
    assert_eq!(status(Verdict::Refused(Why::Forged)), 498);
    assert_eq!(status(Verdict::Refused(Why::Unreadable)), 400);
}
