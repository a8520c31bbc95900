//! Whatever happens to an answer, money is asked for once, and we find out.

use std::time::Duration;

use rstest::rstest;
use service::payment::provider::{Outcome, ProviderError};
use tests::provider::{
    Fault::{self, Busy, CutAfter, CutBefore, ErrorAfter, ErrorBefore, NoWebhook, Slow},
    Peer, Script,
};

use super::{Shop, cancel, charge, code, money, refund};

fn what<T>(result: &Result<T, ProviderError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(ProviderError::Lost(_)) => "lost",
        Err(ProviderError::Unavailable(_)) => "unavailable",
        Err(_) => "other",
    }
}

#[rstest]
#[case(Fault::None, "done")]
#[case(NoWebhook, "done")]
#[case(Slow(Duration::from_millis(20)), "done")]
#[case(Busy, "unavailable")]
#[case(ErrorBefore, "lost")]
#[case(ErrorAfter, "lost")]
#[case(CutBefore, "lost")]
#[case(CutAfter, "lost")]
#[tokio::test]
async fn a_charge_is_made_once(
    #[case] fault: Fault,
    #[case] then: &str,
    #[values(true, false)] mandate: bool,
    #[values(true, false)] bodies_first: bool,
) {
    let shop = Shop::open().await;
    if bodies_first {
        shop.peer.judge_bodies_first();
    }
    let method = if mandate { shop.peer.method(Script::TakesTime) } else { None };
    let charge = charge(1_250, "GBP", method);
    shop.peer.faults().next([fault]);
    assert_eq!(what(&shop.provider.charge(&charge).await), then);

    let found = shop.provider.fetch(&charge, None).await.unwrap();
    let again = shop.provider.charge(&charge).await.unwrap();
    assert_eq!(found.reference, again.reference);
    let [booked] = &shop.peer.books()[..] else { panic!("{:?}", shop.peer.books()) };
    assert_eq!(Some(&booked.reference), found.reference.as_ref());
    assert_eq!(found.amount, Some(money(1_250, "GBP")));
}

#[tokio::test]
async fn a_charge_is_found_though_its_mandate_has_ended_since() {
    let shop = Shop::open().await;
    shop.peer.judge_bodies_first();
    let mandate = shop.peer.mandate("GBP", Script::TakesTime);
    let charge = charge(1_250, "GBP", Some(mandate.clone()));
    shop.peer.faults().next([CutAfter]);
    assert_eq!(what(&shop.provider.charge(&charge).await), "lost");
    shop.peer.mandate_cancelled(&mandate).await;
    let found = shop.provider.fetch(&charge, None).await.unwrap();
    assert_eq!(found.reference, Some(shop.peer.books()[0].reference.clone()));
    assert_eq!(found.outcome, Outcome::Processing);

    // Another one was never made.
    let other = super::charge(1_250, "GBP", Some(mandate));
    let told = shop.provider.fetch(&other, None).await.unwrap();
    assert!(matches!(told.outcome, Outcome::Declined(no) if no.code == "mandate_is_inactive"));
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn another_amount_under_the_same_key_is_refused(#[case] mandate: bool) {
    let shop = Shop::open().await;
    let method = if mandate { shop.peer.method(Script::TakesTime) } else { None };
    let mut charge = charge(1_250, "GBP", method);
    shop.provider.charge(&charge).await.unwrap();
    charge.amount = money(1_251, "GBP");
    for result in [shop.provider.charge(&charge).await, shop.provider.fetch(&charge, None).await] {
        assert_eq!(code(result.unwrap_err()), "idempotent_creation_conflict");
    }
    let [booked] = &shop.peer.books()[..] else { panic!() };
    assert_eq!(booked.amount_minor, 1_250);
}

#[rstest]
#[case(Busy, "unavailable")]
#[case(ErrorBefore, "lost")]
#[case(ErrorAfter, "lost")]
#[case(CutBefore, "lost")]
#[case(CutAfter, "lost")]
#[tokio::test]
async fn a_refund_is_made_once(
    #[case] fault: Fault,
    #[case] then: &str,
    #[values(true, false)] bodies_first: bool,
) {
    let shop = Shop::open().await;
    if bodies_first {
        shop.peer.judge_bodies_first();
    }
    let (charge, reference) = shop.charged().await;
    shop.peer.confirmed(&reference).await;
    let back = refund(charge.payment, &reference, 1_250, 1_250);
    shop.peer.faults().next([fault]);
    assert_eq!(what(&shop.provider.refund(&back).await), then);

    let found = shop.provider.fetch_refund(&back, None).await.unwrap();
    let again = shop.provider.refund(&back).await.unwrap();
    assert_eq!(found, again);
    let [(made, 1_250)] = &shop.peer.refunds(&reference)[..] else { panic!() };
    assert_eq!(Some(made), found.reference.as_ref());
}

#[rstest]
#[case(CutBefore)]
#[case(CutAfter)]
#[case(ErrorAfter)]
#[tokio::test]
async fn a_cancellation_may_be_repeated(
    #[case] fault: Fault,
    #[values(true, false)] mandate: bool,
) {
    let shop = Shop::open().await;
    let method = if mandate { shop.peer.method(Script::TakesTime) } else { None };
    let charge = charge(1_250, "GBP", method);
    let reference = shop.provider.charge(&charge).await.unwrap().reference.unwrap();
    shop.peer.faults().next([fault]);
    assert_eq!(what(&shop.provider.cancel(&cancel(&reference)).await), "lost");
    let answer = shop.provider.cancel(&cancel(&reference)).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Canceled);
}

#[tokio::test]
async fn who_is_not_there_was_not_asked() {
    let shop = Shop::open().await;
    let charge = charge(1_250, "GBP", shop.peer.method(Script::Succeeds));
    let credentials = shop.peer.credentials();
    let port = tests::process::free_port();
    let http = service::payment::provider::http::Http::new().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let nobody = service::payment::provider::bank_api::open(http, &url, &credentials).unwrap();
    assert_eq!(what(&nobody.charge(&charge).await), "unavailable");
    assert_eq!(what(&nobody.fetch(&charge, Some("PM1")).await), "unavailable");
}

#[tokio::test]
async fn a_reference_that_is_not_there_is_no_outcome() {
    let shop = Shop::open().await;
    let charge = charge(1_250, "GBP", shop.peer.method(Script::Succeeds));
    for reference in ["PM9999999999", "BRQ9999999999", "../events", ""] {
        let told = shop.provider.fetch(&charge, Some(reference)).await;
        assert!(matches!(told, Err(ProviderError::Nonsense(_))), "{reference}: {told:?}");
    }
}
