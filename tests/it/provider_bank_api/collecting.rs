//! What is collected under a mandate comes after days, and may go again.

use rstest::rstest;
use service::payment::provider::{MovementKind, Outcome, ProviderError, SetUpAnswer, SetUpOutcome};
use tests::{
    json,
    provider::{Peer, Script},
};

use super::{Shop, cancel, charge, code, day, money, refund, set_up};

#[tokio::test]
async fn a_customer_agrees_once_and_is_charged_later() {
    let shop = Shop::open().await;
    let asked = set_up("GBP");
    let SetUpAnswer { reference, outcome } = shop.provider.set_up(&asked).await.unwrap();
    assert!(matches!(outcome, SetUpOutcome::ActionRequired(_)), "{outcome:?}");
    let again = shop.provider.set_up(&asked).await.unwrap();
    assert_eq!(again.reference, reference);
    let still = shop.provider.fetch_set_up(&reference).await.unwrap();
    assert!(matches!(still.outcome, SetUpOutcome::ActionRequired(_)), "{still:?}");

    shop.peer.act(&reference, true).await;
    let agreed = shop.provider.fetch_set_up(&reference).await.unwrap();
    let SetUpOutcome::Ready(mandate) = agreed.outcome else { panic!("{agreed:?}") };
    assert_eq!(
        shop.provider.set_up(&asked).await.unwrap().outcome,
        SetUpOutcome::Ready(mandate.clone())
    );

    // The bank may not have seen the mandate yet.
    let charge = charge(999, "GBP", Some(mandate.clone()));
    let answer = shop.provider.charge(&charge).await.unwrap();
    let reference = answer.reference.unwrap();
    assert_eq!(answer.outcome, Outcome::Processing);
    assert_eq!(
        (answer.amount, answer.transaction.as_ref()),
        (Some(money(999, "GBP")), Some(&reference))
    );
    shop.peer.mandate_active(&mandate).await;
    shop.peer.confirmed(&reference).await;
    assert_eq!(shop.outcome(&charge, &reference).await, Outcome::Completed);
    shop.peer.paid_out(&reference).await;
    assert_eq!(shop.outcome(&charge, &reference).await, Outcome::Completed);
}

#[tokio::test]
async fn a_mandate_that_has_ended_takes_no_charge() {
    let shop = Shop::open().await;
    let mandate = shop.peer.mandate("EUR", Script::TakesTime);
    shop.peer.mandate_cancelled(&mandate).await;
    let error = shop.provider.charge(&charge(100, "EUR", Some(mandate))).await.unwrap_err();
    assert_eq!(code(error), "mandate_is_inactive");
    let nobody = charge(100, "EUR", Some("MD0000000000".into()));
    assert_eq!(code(shop.provider.charge(&nobody).await.unwrap_err()), "resource_not_found");
    assert!(shop.peer.books().is_empty());
}

#[tokio::test]
async fn what_fails_before_it_came_is_a_no_and_afterwards_it_is_taken_back() {
    let shop = Shop::open().await;
    let (early, reference) = shop.charged().await;
    shop.peer.failed(&reference).await;
    let outcome = shop.outcome(&early, &reference).await;
    let Outcome::Declined(decline) = outcome else { panic!("{outcome:?}") };
    assert_eq!(decline.code, "insufficient_funds");

    let (late, reference) = shop.charged().await;
    shop.peer.confirmed(&reference).await;
    assert_eq!(shop.outcome(&late, &reference).await, Outcome::Completed);
    shop.peer.failed_late(&reference).await;
    assert_eq!(shop.outcome(&late, &reference).await, Outcome::Reversed);
}

#[tokio::test]
async fn a_chargeback_reverses_until_it_is_called_off() {
    let shop = Shop::open().await;
    let (charge, reference) = shop.charged().await;
    shop.peer.settle(&reference, true).await;
    shop.peer.reverse(&reference).await;
    assert_eq!(shop.outcome(&charge, &reference).await, Outcome::Reversed);
    shop.peer.chargeback_cancelled(&reference).await;
    assert_eq!(shop.outcome(&charge, &reference).await, Outcome::Completed);
}

#[rstest]
#[case(Script::Succeeds, Outcome::Completed)]
#[case(Script::TakesTime, Outcome::Processing)]
#[tokio::test]
async fn a_mandate_goes_as_it_was_told(#[case] script: Script, #[case] then: Outcome) {
    let shop = Shop::open().await;
    let charge = charge(100, "GBP", shop.peer.method(script));
    let answer = shop.provider.charge(&charge).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Processing);
    assert_eq!(shop.outcome(&charge, &answer.reference.unwrap()).await, then);
    let [booked] = &shop.peer.books()[..] else { panic!() };
    assert_eq!(booked.key, Some(charge.attempt.to_string()));
}

#[tokio::test]
async fn what_is_not_with_the_bank_yet_can_be_called_off() {
    let shop = Shop::open().await;
    let (charge, reference) = shop.charged().await;
    let answer = shop.provider.cancel(&cancel(&reference)).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Canceled);
    assert_eq!(shop.outcome(&charge, &reference).await, Outcome::Canceled);
    let again = shop.provider.cancel(&cancel(&reference)).await.unwrap();
    assert_eq!(again.outcome, Outcome::Canceled);

    let (_, reference) = shop.charged().await;
    shop.peer.confirmed(&reference).await;
    let error = shop.provider.cancel(&cancel(&reference)).await.unwrap_err();
    assert_eq!(code(error), "cancellation_failed");
}

#[tokio::test]
async fn a_day_lists_what_came_and_what_went_back() {
    let shop = Shop::open().await;
    let (charge, reference) = shop.charged().await;
    let (_, open) = shop.charged().await;
    shop.peer.confirmed(&reference).await;
    let back = refund(charge.payment, &reference, 250, 250);
    let refunded = shop.provider.refund(&back).await.unwrap().reference.unwrap();
    shop.peer.settle(&refunded, true).await;

    let payments = shop.provider.list(day("2035-01-01"), None).await.unwrap();
    let [moved] = &payments.movements[..] else { panic!("{payments:?}, not {open}") };
    assert_eq!((moved.kind, &moved.reference), (MovementKind::Charge, &reference));
    assert_eq!(moved.amount, money(1_250, "GBP"));
    let refunds = shop.provider.list(day("2035-01-01"), payments.next.as_deref()).await.unwrap();
    let [moved] = &refunds.movements[..] else { panic!("{refunds:?}") };
    assert_eq!((moved.kind, &moved.reference), (MovementKind::Refund, &refunded));
    assert_eq!((moved.amount, refunds.next), (money(250, "GBP"), None));

    let other = shop.provider.list(day("2035-01-02"), None).await.unwrap();
    assert!(other.movements.is_empty(), "{other:?}");
    assert!(matches!(
        shop.provider.list(day("2035-01-01"), Some("elsewhere")).await,
        Err(ProviderError::Nonsense(_))
    ));
}

#[tokio::test]
async fn a_wrong_token_is_told_as_such() {
    let shop = Shop::open().await;
    let credentials = json!({"accessToken": "wrong", "webhookSecrets": ["one"]});
    let http = service::payment::provider::http::Http::new().unwrap();
    let provider =
        service::payment::provider::bank_api::open(http, &shop.peer.url(), &credentials).unwrap();
    let charge = charge(100, "GBP", shop.peer.method(Script::Succeeds));
    for result in [provider.charge(&charge).await, provider.fetch(&charge, Some("PM1")).await] {
        assert!(matches!(result, Err(ProviderError::Credentials)), "{result:?}");
    }
    assert!(shop.peer.books().is_empty());
}
