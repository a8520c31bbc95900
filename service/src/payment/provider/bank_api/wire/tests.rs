//! What GoCardless says, as recorded, and what it means here.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{BillingRequest, BillingStatus, Event, History, Mandate, Payment, Refund};
use crate::payment::provider::{Outcome, RefundOutcome, SetUpOutcome};

fn payment(status: &str) -> Payment {
    let mut recorded: Value =
        serde_json::from_str(include_str!("../recorded/payment.json")).unwrap();
    recorded["status"] = json!(status);
    read(recorded)
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn history(change: impl Fn(&mut Value)) -> History {
    let mut events: Value = serde_json::from_str(include_str!("../recorded/events.json")).unwrap();
    change(&mut events);
    History::of(&read::<Vec<Event>>(events))
}

#[test]
fn a_status_is_an_outcome() {
    let outcome = |status| payment(status).answer(History::default()).outcome;
    for status in ["pending_customer_approval", "pending_submission", "submitted", "on_the_moon"] {
        assert_eq!(outcome(status), Outcome::Processing, "{status}");
    }
    for status in ["confirmed", "paid_out"] {
        assert_eq!(outcome(status), Outcome::Completed, "{status}");
    }
    assert_eq!(outcome("cancelled"), Outcome::Canceled);
    assert_eq!(outcome("charged_back"), Outcome::Reversed);
    let denied = outcome("customer_approval_denied");
    assert!(matches!(denied, Outcome::Declined(no) if no.code == "customer_approval_denied"));
}

#[test]
fn an_answer_has_the_amount_as_the_provider_has_it() {
    let answer = payment("submitted").answer(History::default());
    let amount = answer.amount.unwrap();
    assert_eq!((amount.minor(), amount.currency().code()), (1_250, "GBP"));
    assert_eq!(answer.reference.as_deref(), Some("PM00001078ZJJN"));
    assert_eq!(answer.transaction, answer.reference);
    let strange = Payment { currency: "XXX".to_owned(), ..payment("submitted") };
    assert_eq!(strange.answer(History::default()).amount, None);
}

#[test]
fn a_failure_is_a_no_unless_the_money_had_come_or_is_tried_for_again() {
    let outcome = |history| payment("failed").answer(history).outcome;
    let no = outcome(history(|_| {}));
    let Outcome::Declined(decline) = no else { panic!("{no:?}") };
    assert_eq!(decline.code, "refer_to_payer");
    assert!(decline.message.starts_with("The bank wishes"), "{}", decline.message);

    let late = history(|events| events[1]["action"] = json!("confirmed"));
    assert_eq!(outcome(late), Outcome::Reversed);
    let again = history(|events| events[0]["details"]["will_attempt_retry"] = json!(true));
    assert_eq!(outcome(again), Outcome::Processing);
    let silent = outcome(history(|events| *events = json!([])));
    assert!(matches!(silent, Outcome::Declined(no) if no.code == "failed"));
}

#[test]
fn a_refund_has_gone_when_it_is_paid() {
    let outcome = |status: &str| {
        let refund = json!({"id": "RF1", "amount": 1, "currency": "GBP", "status": status});
        read::<Refund>(refund).answer().outcome
    };
    for status in ["created", "pending_submission", "submitted", "on_the_moon"] {
        assert_eq!(outcome(status), RefundOutcome::Processing, "{status}");
    }
    assert_eq!(outcome("paid"), RefundOutcome::Completed);
    for status in ["cancelled", "bounced", "funds_returned"] {
        assert!(matches!(outcome(status), RefundOutcome::Failed(_)), "{status}");
    }
}

#[test]
fn a_mandate_can_be_charged_as_soon_as_the_payer_has_agreed() {
    let outcome = |status: &str| read::<Mandate>(json!({"id": "MD1", "status": status})).outcome();
    for status in ["pending_submission", "submitted", "active"] {
        assert_eq!(outcome(status), SetUpOutcome::Ready("MD1".to_owned()), "{status}");
    }
    for status in ["pending_customer_approval", "suspended_by_payer", "on_the_moon"] {
        assert_eq!(outcome(status), SetUpOutcome::Processing, "{status}");
    }
    for status in ["failed", "cancelled", "expired", "consumed", "blocked"] {
        let SetUpOutcome::Failed(no) = outcome(status) else { panic!("{status}") };
        assert_eq!(no.code, format!("mandate_{status}"));
    }
}

#[test]
fn what_is_null_or_missing_is_nothing() {
    let request: BillingRequest = read(json!({
        "id": "BRQ1",
        "status": "ready_to_fulfil",
        "payment_request": null,
        "metadata": null,
        "links": {"customer": "CU1"},
    }));
    assert_eq!(request.status, BillingStatus::Other);
    assert_eq!((request.payment(), request.mandate(), request.return_url()), (None, None, None));
    assert_eq!(request.answer(Outcome::Processing).amount, None);
}
