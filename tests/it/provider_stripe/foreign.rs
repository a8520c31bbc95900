//! Somebody else's Stripe: `localstripe`, which `tests/conformance/judges/stripe` starts. It knows less than Stripe, and nothing of us.

use std::time::Duration;

use service::{
    clock::SystemClock,
    payment::provider::{About, Delivery},
};

use super::*;

/// Where it listens, behind what leaves out the parameters that it does not know.
fn account() -> (String, Arc<dyn PaymentProvider>, String) {
    let url = std::env::var("BIKELEASE_TEST_LOCALSTRIPE_URL").expect("the address of localstripe");
    let secret = format!("whsec_{}", "foreign");
    let key = format!("sk_{}_12345", "test");
    let credentials = serde_json::json!({ "secretKey": key, "webhookSecrets": [secret] });
    let provider = stripe::open(Http::new().unwrap(), &url, &credentials).unwrap();
    (url, provider, secret)
}

async fn asked(url: String, form: &[(&str, &str)]) {
    let http = reqwest::Client::new();
    let answer = http.post(url).bearer_auth(format!("sk_{}_12345", "test")).form(form).send().await;
    assert!(answer.unwrap().status().is_success());
}

#[tokio::test]
#[ignore = "needs localstripe: run by `tests/conformance/judges/stripe`"]
async fn another_stripe_pays_holds_declines_refunds_and_signs() {
    let (url, provider, secret) = account();
    let (hook, heard) = super::webhook::listen().await;
    asked(format!("{url}/_config/webhooks/us"), &[("url", &hook), ("secret", &secret)]).await;
    let charge = |method: &str, manual_capture| Charge {
        method: Some(method.into()),
        manual_capture,
        ..charge(1_250, "EUR", SystemClock.now())
    };

    let simple = charge("pm_card_visa", false);
    let paid = provider.charge(&simple).await.unwrap();
    assert_eq!((&paid.outcome, paid.amount), (&Outcome::Completed, Some(euros(1_250))));
    assert!(paid.transaction.as_ref().unwrap().starts_with("ch_"));
    let fetched = provider.fetch(&simple, paid.reference.as_deref()).await.unwrap();
    assert_eq!(fetched, paid);
    let back = refund(&paid, 250);
    let refunded = provider.refund(&back).await.unwrap();
    assert_eq!(refunded.outcome, RefundOutcome::Completed);
    assert_eq!(provider.fetch_refund(&back, None).await.unwrap(), refunded);
    let empty = card(&url, "4000000000000341").await;
    let declined = provider.charge(&charge(&empty, false)).await.unwrap();
    assert_eq!(decline(&declined), "card_declined");

    let held = provider.charge(&charge("pm_card_visa", true)).await.unwrap();
    assert_eq!(held.outcome, Outcome::Authorized);
    let capture = Capture { attempt: id(), reference: reference(&held), amount: euros(400) };
    assert_eq!(provider.capture(&capture).await.unwrap().outcome, Outcome::Completed);
    let held = provider.charge(&charge("pm_card_visa", true)).await.unwrap();
    let cancel = Cancel { attempt: id(), reference: reference(&held) };
    assert_eq!(provider.cancel(&cancel).await.unwrap().outcome, Outcome::Canceled);

    let secured = charge(&card(&url, "4000002500003155").await, false);
    let open = provider.charge(&secured).await.unwrap();
    let Outcome::ActionRequired(NextAction::UseSdk { client_secret }) = &open.outcome else {
        panic!("{open:?}");
    };
    let act = format!("{url}/v1/payment_intents/{}/_authenticate", reference(&open));
    asked(act, &[("client_secret", client_secret), ("success", "true")]).await;
    let paid = provider.fetch(&secured, open.reference.as_deref()).await.unwrap();
    assert_eq!(paid.outcome, Outcome::Completed);

    // It sends a second after.
    let told = loop {
        let heard = heard.lock().unwrap().clone();
        let notices = heard.iter().flat_map(|(headers, body)| {
            let received_at = SystemClock.now();
            let delivery = Delivery { headers, body, received_at, payment: None };
            provider.read_webhook(&delivery).unwrap()
        });
        let mut notices = notices.filter(|notice| {
            matches!(&notice.about, About::Payment { reference, .. } if Some(reference) == paid.reference.as_ref())
        });
        if let Some(notice) = notices.next() {
            break notice;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(told.event_type, "payment_intent.succeeded");
    println!(
        "localstripe: charge, decline, hold, capture, cancel, refund, 3-D Secure and a signed webhook"
    );
}

async fn card(url: &str, number: &str) -> String {
    let card = [
        ("type", "card"),
        ("card[number]", number),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2040"),
        ("card[cvc]", "123"),
    ];
    let http = reqwest::Client::new().post(format!("{url}/v1/payment_methods"));
    let answer = http.bearer_auth(format!("sk_{}_12345", "test")).form(&card).send().await.unwrap();
    let method: serde_json::Value = answer.json().await.unwrap();
    method["id"].as_str().unwrap().to_owned()
}
