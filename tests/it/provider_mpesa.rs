//! M-Pesa against a stand-in of Daraja, over loopback: what each verb promises after everything that may go wrong.

mod desk;
mod refund;
mod token;
mod unasked;

use std::time::Duration;

use rstest::rstest;
use service::payment::provider::{About, Decline, Outcome, ProviderError, mpesa as daraja};
use tests::provider::{Fault, Peer, mpesa};

use self::desk::{Desk, code, kes};

#[tokio::test]
async fn a_payer_answers_the_phone_and_a_query_confirms_it() {
    let desk = Desk::open().await;
    let charge = desk.charge(mpesa::PAYS, 12_000);
    let answer = desk.provider.charge(&charge).await.unwrap();
    let reference = answer.reference.clone().unwrap();
    assert!(matches!(answer.outcome, Outcome::ActionRequired(_)));

    let notice = desk.told().await;
    let About::Payment { reference: about, claims } = notice.about else { panic!("{notice:?}") };
    assert_eq!((about, claims.amount), (reference.clone(), Some(kes(12_000))));
    assert_eq!(claims.payer, charge.method);
    assert_eq!(claims.transaction.map(|receipt| receipt.len()), Some(10));

    let fetched = desk.provider.fetch(&charge, Some(&reference)).await.unwrap();
    assert_eq!((fetched.outcome, fetched.reference), (Outcome::Completed, Some(reference)));
    let booked = desk.booked();
    assert_eq!((booked.amount_minor, booked.captured_minor), (12_000, 12_000));
    assert_eq!((booked.currency.as_str(), desk.peer.calls()), ("KES", 1));
}

#[rstest]
#[case::canceled(mpesa::CANCELS, "canceled_by_payer")]
#[case::no_money(mpesa::LACKS_MONEY, "insufficient_funds")]
#[case::wrong_pin(mpesa::MISTYPES, "wrong_pin")]
#[tokio::test]
async fn a_payer_says_no(#[case] phone: &str, #[case] expected: &str) {
    let desk = Desk::open().await;
    let charge = desk.charge(phone, 100);
    let reference = desk.pushed(&charge).await;
    let About::Payment { claims, .. } = desk.told().await.about else { panic!("a prompt's end") };
    assert_eq!(claims, Default::default());
    let outcome = desk.fetched(&charge, &reference).await;
    assert!(matches!(&outcome, Outcome::Declined(Decline { code, .. }) if code == expected));
    assert_eq!(desk.booked().captured_minor, 0);
}

#[rstest]
#[case::late(mpesa::EXPIRES, true)]
#[case::off(mpesa::UNREACHABLE, false)]
#[tokio::test]
async fn a_prompt_that_nobody_answers_expires(#[case] phone: &str, #[case] is_told: bool) {
    let desk = Desk::open().await;
    let charge = desk.charge(phone, 100);
    let reference = desk.pushed(&charge).await;
    assert_eq!(desk.fetched(&charge, &reference).await, Outcome::Expired);
    assert_eq!(desk.all_told().await.len(), usize::from(is_told));
}

#[rstest]
#[case::agrees(true)]
#[case::refuses(false)]
#[tokio::test]
async fn an_open_prompt_is_open_however_daraja_says_it(#[case] agrees: bool) {
    let desk = Desk::open().await;
    let charge = desk.charge(mpesa::WAITS, 100);
    let reference = desk.pushed(&charge).await;
    for _ in 0..4 {
        assert_eq!(desk.fetched(&charge, &reference).await, Outcome::Processing);
    }
    desk.peer.act(&reference, agrees).await;
    desk.told().await;
    let outcome = desk.fetched(&charge, &reference).await;
    assert_eq!(matches!(outcome, Outcome::Completed), agrees, "{outcome:?}");
    // Once answered, the prompt is gone.
    desk.peer.act(&reference, !agrees).await;
    assert_eq!(desk.fetched(&charge, &reference).await, outcome);
}

#[rstest]
#[case::succeeds(true)]
#[case::fails(false)]
#[tokio::test]
async fn what_takes_its_time_comes_to_an_end(#[case] succeeds: bool) {
    let desk = Desk::open().await;
    let charge = desk.charge(mpesa::TAKES_TIME, 100);
    let reference = desk.pushed(&charge).await;
    assert_eq!(desk.fetched(&charge, &reference).await, Outcome::Processing);
    desk.peer.settle(&reference, succeeds).await;
    let outcome = desk.fetched(&charge, &reference).await;
    assert_eq!(matches!(outcome, Outcome::Completed), succeeds, "{outcome:?}");
}

#[rstest]
#[case::error(Fault::ErrorBefore)]
#[case::cut(Fault::CutBefore)]
#[tokio::test]
async fn what_was_lost_on_the_way_is_never_sent_again(#[case] fault: Fault) {
    let desk = Desk::open().await;
    desk.peer.faults().next([fault]);
    let charge = desk.charge(mpesa::PAYS, 100);
    let lost = desk.provider.charge(&charge).await;
    assert!(matches!(lost, Err(ProviderError::Lost(_))), "{lost:?}");
    let fetched = desk.provider.fetch(&charge, None).await.unwrap();
    assert_eq!((fetched.outcome, fetched.reference), (Outcome::Processing, None));
    assert_eq!((desk.peer.calls(), desk.peer.books().len()), (1, 0));
    desk.clock.advance(chrono::Duration::minutes(60));
    let fetched = desk.provider.fetch(&charge, None).await.unwrap();
    assert_eq!(fetched.outcome, Outcome::Expired);
    assert_eq!(desk.peer.calls(), 1);
}

#[rstest]
#[case::error(Fault::ErrorAfter)]
#[case::cut(Fault::CutAfter)]
#[tokio::test]
async fn a_lost_answer_is_found_by_its_message_exactly_once(#[case] fault: Fault) {
    let desk = Desk::open().await;
    desk.peer.faults().next([fault]);
    let charge = desk.charge(mpesa::PAYS, 100);
    let lost = desk.provider.charge(&charge).await;
    assert!(matches!(lost, Err(ProviderError::Lost(_))), "{lost:?}");
    let About::Payment { reference, .. } = desk.told().await.about else { panic!("its end") };
    assert_eq!(desk.fetched(&charge, &reference).await, Outcome::Completed);
    assert_eq!((desk.peer.calls(), desk.booked().captured_minor), (1, 100));
}

#[tokio::test]
async fn what_was_turned_away_may_be_asked_again() {
    let desk = Desk::open().await;
    desk.peer.faults().next([Fault::Busy]);
    let charge = desk.charge(mpesa::PAYS, 100);
    let busy = desk.provider.charge(&charge).await;
    assert!(matches!(busy, Err(ProviderError::Unavailable(_))), "{busy:?}");
    desk.pushed(&charge).await;
    let spike = desk.provider.charge(&desk.charge(mpesa::SPIKES, 100)).await;
    assert!(matches!(spike, Err(ProviderError::Unavailable(_))), "{spike:?}");
    let nowhere = Desk::calling("http://127.0.0.1:1").await;
    let unreached = nowhere.provider.charge(&charge).await;
    assert!(matches!(unreached, Err(ProviderError::Unavailable(_))), "{unreached:?}");
    assert_eq!(desk.booked().captured_minor, 100);
}

#[tokio::test]
async fn messages_may_be_missing_slow_or_many() {
    let desk = Desk::open().await;
    let faults = [Fault::NoWebhook, Fault::Slow(Duration::from_millis(20)), Fault::Webhooks(3)];
    desk.peer.faults().next(faults);
    for _ in faults {
        let charge = desk.charge(mpesa::PAYS, 100);
        let reference = desk.pushed(&charge).await;
        assert_eq!(desk.fetched(&charge, &reference).await, Outcome::Completed);
    }
    let mut told: Vec<_> = desk.all_told().await.into_iter().map(|told| told.event_id).collect();
    assert_eq!(told.len(), 4);
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 2, "a repetition is known by its name");
    desk.peer.repeat_webhooks().await;
    for again in desk.all_told().await {
        assert!(told.contains(&again.event_id));
    }
}

#[tokio::test]
async fn one_phone_has_one_prompt() {
    let desk = Desk::open().await;
    let first = desk.charge(mpesa::WAITS, 100);
    desk.pushed(&first).await;
    assert_eq!(code(desk.provider.charge(&first).await), "subscriber_locked");
    assert_eq!(desk.peer.books().len(), 1);
}

#[tokio::test]
async fn what_daraja_cannot_take_is_refused_before_any_call() {
    let desk = Desk::open().await;
    for (minor, expected) in
        [(150, "whole_shillings_only"), (0, "amount_too_small"), (25_000_100, "amount_too_large")]
    {
        let refused = desk.provider.charge(&desk.charge(mpesa::PAYS, minor)).await;
        assert_eq!(code(refused), expected);
    }
    let mut charge = desk.charge(mpesa::PAYS, 100);
    charge.manual_capture = true;
    let held = desk.provider.charge(&charge).await;
    assert!(matches!(held, Err(ProviderError::Unsupported)), "{held:?}");
    assert_eq!((desk.peer.calls(), desk.peer.tokens_issued()), (0, 0));
}

#[tokio::test]
async fn what_daraja_refuses_is_told_with_a_code() {
    let desk = Desk::open().await;
    let mut charge = desk.charge(mpesa::PAYS, 100);
    charge.callback_url = charge.callback_url.replace("webhooks", "WEBHOOKS");
    assert_eq!(code(desk.provider.charge(&charge).await), "invalid_call_back_url");
    let unheard = desk.fetched(&charge, "ws_CO_unheard_of").await;
    assert_eq!(unheard, Outcome::Processing, "the same words as for an open prompt");
    assert!(desk.peer.books().is_empty());
}

#[test]
fn credentials_say_where_daraja_is() {
    let sandbox = serde_json::json!({"environment": "sandbox"});
    assert_eq!(daraja::default_url(&sandbox), Ok(daraja::SANDBOX_URL));
}
