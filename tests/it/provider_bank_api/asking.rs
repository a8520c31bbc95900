//! A payer without a mandate is asked for one payment, on GoCardless's page.

use entity::payment::NextAction;
use rstest::rstest;
use service::payment::provider::{Outcome, ProviderError};
use tests::provider::{Peer, Script};

use super::{Shop, cancel, charge, code, money, refund};

fn page(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::ActionRequired(NextAction::Redirect { url }) => url,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_payer_agrees_on_the_page_and_has_paid() {
    let shop = Shop::open().await;
    let charge = charge(1_250, "GBP", None);
    let asked = shop.provider.charge(&charge).await.unwrap();
    assert!(page(&asked.outcome).starts_with(&shop.peer.url()));
    assert_eq!(asked.amount, Some(money(1_250, "GBP")));
    let request = asked.reference.unwrap();

    shop.peer.act(&request, false).await;
    // Who refused may come back, to the same page or to a new one.
    page(&shop.outcome(&charge, &request).await);
    shop.peer.act(&request, true).await;

    let paid = shop.fetch(&charge, &request).await;
    assert_eq!((paid.outcome, paid.amount), (Outcome::Completed, Some(money(1_250, "GBP"))));
    let payment = paid.reference.unwrap();
    assert_eq!(paid.transaction.as_ref(), Some(&payment));
    assert_eq!(shop.outcome(&charge, &payment).await, Outcome::Completed);
    let [booked] = &shop.peer.books()[..] else { panic!() };
    assert_eq!((&booked.reference, booked.captured_minor), (&payment, 1_250));
    assert_eq!(booked.key, Some(charge.attempt.to_string()));

    // By either name.
    let by_request = refund(charge.payment, &request, 100, 100);
    shop.provider.refund(&by_request).await.unwrap();
    let by_payment = refund(charge.payment, &payment, 50, 150);
    shop.provider.refund(&by_payment).await.unwrap();
    assert_eq!(shop.peer.books()[0].refunded_minor, 150);
}

#[tokio::test]
async fn a_payer_is_asked_once_however_often_we_ask() {
    let shop = Shop::open().await;
    let charge = charge(1_250, "EUR", None);
    let first = shop.provider.charge(&charge).await.unwrap();
    let again = shop.provider.charge(&charge).await.unwrap();
    assert_eq!(first.reference, again.reference);
    assert_eq!(shop.provider.fetch(&charge, None).await.unwrap().reference, first.reference);
    assert_eq!(shop.peer.books().len(), 1);

    shop.peer.run("billing_request_fulfilled", &first.reference.unwrap()).await.unwrap();
    let paying = shop.provider.fetch(&charge, None).await.unwrap();
    assert_eq!(paying.outcome, Outcome::Processing);
    assert_eq!(paying.reference, Some(shop.peer.books()[0].reference.clone()));
}

#[tokio::test]
async fn a_payer_who_has_not_answered_is_let_go() {
    let shop = Shop::open().await;
    let charge = charge(1_250, "GBP", None);
    let request = shop.provider.charge(&charge).await.unwrap().reference.unwrap();
    for _ in 0..2 {
        let answer = shop.provider.cancel(&cancel(&request)).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Canceled);
    }
    assert_eq!(shop.outcome(&charge, &request).await, Outcome::Canceled);

    let charge = super::charge(1_250, "GBP", None);
    let request = shop.provider.charge(&charge).await.unwrap().reference.unwrap();
    shop.peer.act(&request, true).await;
    let error = shop.provider.cancel(&cancel(&request)).await.unwrap_err();
    assert_eq!(code(error), "cancellation_failed");
    assert_eq!(shop.outcome(&charge, &request).await, Outcome::Completed);
}

#[tokio::test]
async fn a_refund_needs_a_payment() {
    let shop = Shop::open().await;
    let charge = charge(1_250, "GBP", None);
    let request = shop.provider.charge(&charge).await.unwrap().reference.unwrap();
    let error = shop.provider.refund(&refund(charge.payment, &request, 1, 1)).await.unwrap_err();
    assert_eq!(code(error), "payment_not_collected");
}

#[rstest]
#[case("JPY", 500, Some("MD1"), "currency_not_supported")]
#[case("KWD", 5_000, Some("MD1"), "currency_not_supported")]
#[case("KWD", 5_000, None, "currency_not_supported")]
#[case("USD", 500, None, "mandate_required")]
#[case("GBP", 0, Some("MD1"), "amount_too_small")]
#[case("GBP", -5, None, "amount_too_small")]
#[tokio::test]
async fn what_cannot_be_is_refused_without_a_call(
    #[case] currency: &str,
    #[case] minor: i64,
    #[case] mandate: Option<&str>,
    #[case] why: &str,
) {
    let shop = Shop::open().await;
    let charge = charge(minor, currency, mandate.map(str::to_owned));
    assert_eq!(code(shop.provider.charge(&charge).await.unwrap_err()), why);
    let told = shop.provider.fetch(&charge, None).await.unwrap();
    assert!(matches!(told.outcome, Outcome::Declined(decline) if decline.code == why));
    assert_eq!(shop.peer.calls(), 0);
}

#[tokio::test]
async fn nobody_can_be_asked_who_is_not_there_and_nothing_is_held() {
    let shop = Shop::open().await;
    let mut absent = charge(100, "GBP", None);
    absent.off_session = true;
    assert_eq!(code(shop.provider.charge(&absent).await.unwrap_err()), "mandate_required");
    let mut held = charge(100, "GBP", shop.peer.method(Script::Succeeds));
    held.manual_capture = true;
    assert!(matches!(shop.provider.charge(&held).await, Err(ProviderError::Unsupported)));
    assert_eq!(shop.peer.calls(), 0);
}
