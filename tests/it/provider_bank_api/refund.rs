//! Money goes back in parts, never more than came.

use service::payment::provider::RefundOutcome;
use tests::provider::{Peer, Script};

use super::{Shop, charge, code, refund};

#[tokio::test]
async fn parts_go_back_until_nothing_is_left() {
    let shop = Shop::open().await;
    let (charge, reference) = shop.charged().await;
    let early = refund(charge.payment, &reference, 250, 250);
    let error = shop.provider.refund(&early).await.unwrap_err();
    assert_eq!(code(error), "refund_payment_invalid_state");

    shop.peer.confirmed(&reference).await;
    let first = shop.provider.refund(&early).await.unwrap();
    assert_eq!(first.outcome, RefundOutcome::Processing);
    let made = first.reference.unwrap();
    shop.peer.settle(&made, true).await;
    let fetched = shop.provider.fetch_refund(&early, Some(&made)).await.unwrap();
    assert_eq!(fetched.outcome, RefundOutcome::Completed);

    let unaware = refund(charge.payment, &reference, 100, 100);
    let error = shop.provider.refund(&unaware).await.unwrap_err();
    assert_eq!(code(error), "total_amount_confirmation_invalid");
    let too_much = refund(charge.payment, &reference, 1_001, 1_251);
    assert_eq!(code(shop.provider.refund(&too_much).await.unwrap_err()), "validation_failed");
    let told = shop.provider.fetch_refund(&too_much, None).await.unwrap();
    assert!(matches!(told.outcome, RefundOutcome::Failed(_)), "{told:?}");
    let rest = refund(charge.payment, &reference, 1_000, 1_250);
    shop.provider.refund(&rest).await.unwrap();
    assert_eq!(shop.peer.books()[0].refunded_minor, 1_250);
}

#[tokio::test]
async fn a_refund_that_bounces_has_failed_and_may_be_made_again() {
    let shop = Shop::open().await;
    let (charge, reference) = shop.charged().await;
    shop.peer.confirmed(&reference).await;
    let back = refund(charge.payment, &reference, 1_250, 1_250);
    let made = shop.provider.refund(&back).await.unwrap().reference.unwrap();
    shop.peer.settle(&made, false).await;
    let told = shop.provider.fetch_refund(&back, Some(&made)).await.unwrap();
    assert!(matches!(told.outcome, RefundOutcome::Failed(no) if no.code == "refund_bounced"));
    let again = refund(charge.payment, &reference, 1_250, 1_250);
    assert_ne!(shop.provider.refund(&again).await.unwrap().reference, Some(made));
}

#[tokio::test]
async fn another_amount_under_the_same_key_is_refused() {
    let shop = Shop::open().await;
    let charge = charge(1_250, "GBP", shop.peer.method(Script::Succeeds));
    let reference = shop.provider.charge(&charge).await.unwrap().reference.unwrap();
    let mut back = refund(charge.payment, &reference, 100, 100);
    shop.provider.refund(&back).await.unwrap();
    back.amount = super::money(200, "GBP");
    for result in [shop.provider.refund(&back).await, shop.provider.fetch_refund(&back, None).await]
    {
        assert_eq!(code(result.unwrap_err()), "idempotent_creation_conflict");
    }
    assert_eq!(shop.peer.refunds(&reference).len(), 1);
}
