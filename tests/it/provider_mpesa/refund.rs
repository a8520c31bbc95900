//! Reversals: asked for by who holds the certificate's secret, and told later.

use entity::{Id, refund::RefundId};
use rstest::rstest;
use serde_json::json;
use service::payment::provider::{
    About, Decline, ProviderError, Refund, RefundAnswer, RefundOutcome, token::Tokens,
};
use tests::provider::{Fault, Peer, mpesa};

use super::desk::{Desk, code, kes, open};

/// A payment of two hundred shillings, and the refund of so many cents of it.
async fn paid(desk: &Desk, minor: i64) -> Refund {
    let charge = desk.charge(mpesa::PAYS, 20_000);
    let reference = desk.pushed(&charge).await;
    let About::Payment { claims, .. } = desk.told().await.about else { panic!("its end") };
    Refund {
        refund: RefundId::from_uuid(uuid::Uuid::from_u128(8)),
        payment: charge.payment,
        reference,
        transaction: claims.transaction,
        amount: kes(minor),
        total: kes(minor),
        reason: Some("flat tyre".into()),
        callback_url: charge.callback_url,
    }
}

/// The result's name and what it says.
async fn result(desk: &Desk) -> (String, RefundOutcome) {
    match desk.told().await.about {
        About::Refund { reference, outcome } => (reference, outcome.unwrap()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reversal_gives_the_money_back_once() {
    let desk = Desk::open().await;
    let refund = paid(&desk, 20_000).await;
    let RefundAnswer { reference, outcome } = desk.provider.refund(&refund).await.unwrap();
    assert_eq!(outcome, RefundOutcome::Processing);
    assert_eq!(result(&desk).await, (reference.unwrap(), RefundOutcome::Completed));
    assert_eq!(desk.booked().refunded_minor, 20_000);

    desk.provider.refund(&refund).await.unwrap();
    assert_eq!(result(&desk).await.1, RefundOutcome::Completed, "the payer has the money");
    assert_eq!(desk.booked().refunded_minor, 20_000);
}

#[tokio::test]
async fn parts_never_sum_to_more_than_was_paid() {
    let desk = Desk::open().await;
    let refund = paid(&desk, 15_000).await;
    for expected in [true, false] {
        desk.provider.refund(&refund).await.unwrap();
        let outcome = result(&desk).await.1;
        assert_eq!(outcome == RefundOutcome::Completed, expected, "{outcome:?}");
    }
    assert_eq!(desk.booked().refunded_minor, 15_000);
}

#[rstest]
#[case::before(Fault::CutBefore, 0)]
#[case::error(Fault::ErrorAfter, 20_000)]
#[case::after(Fault::CutAfter, 20_000)]
#[tokio::test]
async fn a_lost_reversal_waits_for_its_message(#[case] fault: Fault, #[case] refunded: i64) {
    let desk = Desk::open().await;
    let refund = paid(&desk, 20_000).await;
    desk.peer.faults().next([fault]);
    let lost = desk.provider.refund(&refund).await;
    assert!(matches!(lost, Err(ProviderError::Lost(_))), "{lost:?}");
    let fetched = desk.provider.fetch_refund(&refund, None).await.unwrap();
    assert_eq!(fetched, RefundAnswer { reference: None, outcome: RefundOutcome::Processing });
    let told = desk.all_told().await;
    assert_eq!(told.len(), usize::from(refunded > 0));
    assert_eq!((desk.booked().refunded_minor, desk.peer.calls()), (refunded, 2));
}

#[tokio::test]
async fn what_cannot_be_reversed_fails_with_a_code() {
    let desk = Desk::open().await;
    let refund = paid(&desk, 20_000).await;
    let unheard = Refund { transaction: Some("TKL0000000".into()), ..refund.clone() };
    desk.provider.refund(&unheard).await.unwrap();
    let failed = result(&desk).await.1;
    let RefundOutcome::Failed(Decline { code: why, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!(why, "unknown_transaction");

    let untold = Refund { transaction: None, ..refund.clone() };
    assert_eq!(code(desk.provider.refund(&untold).await), "receipt_unknown");
    let cents = Refund { amount: kes(50), ..refund };
    assert_eq!(code(desk.provider.refund(&cents).await), "whole_shillings_only");
    assert_eq!((desk.booked().refunded_minor, desk.peer.calls()), (0, 2));
}

#[tokio::test]
async fn nobody_reverses_without_the_initiators_secret() {
    let desk = Desk::open().await;
    let refund = paid(&desk, 20_000).await;
    let mut credentials = desk.peer.credentials();
    let clock = &desk.clock;
    let tokens = Tokens::in_process(std::sync::Arc::new(clock.clone()));
    credentials["initiatorPassword"] = json!("guessed");
    let other = open(&desk.peer.url(), &credentials, tokens.clone(), clock);
    other.refund(&refund).await.unwrap();
    let failed = result(&desk).await.1;
    let RefundOutcome::Failed(Decline { code: why, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!(why, "initiator_unknown");

    for secret in ["initiator", "certificate", "initiatorPassword"] {
        credentials.as_object_mut().unwrap().remove(secret);
    }
    let none = open(&desk.peer.url(), &credentials, tokens, clock);
    assert_eq!(code(none.refund(&refund).await), "reversal_not_set_up");
    assert_eq!(desk.booked().refunded_minor, 0);
}
