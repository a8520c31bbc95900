//! What goes wrong between us and Stripe: nothing is paid twice, and nothing stays unknown.

use std::time::Duration;

use super::*;
use tests::provider::Fault;

#[tokio::test]
async fn a_lost_answer_is_found_again_and_paid_once() {
    for fault in [Fault::CutBefore, Fault::CutAfter, Fault::ErrorBefore, Fault::ErrorAfter] {
        let account = Account::open().await;
        let charge = account.charge(1_250, Script::Succeeds);
        account.stripe.faults().next([fault]);

        let lost = account.provider.charge(&charge).await;
        assert!(matches!(lost, Err(ProviderError::Lost(_))), "{fault:?}: {lost:?}");
        let found = account.provider.fetch(&charge, None).await.unwrap();

        assert_eq!((found.outcome, found.amount), (Outcome::Completed, Some(charge.amount)));
        let books = account.stripe.books();
        assert_eq!((books.len(), books[0].captured_minor), (1, 1_250), "{fault:?}");
    }
}

#[tokio::test]
async fn what_was_lost_is_found_as_it_stands_now() {
    let account = Account::open().await;
    let charge = account.charge(1_250, Script::AsksForAction);
    account.stripe.faults().next([Fault::CutAfter]);
    account.provider.charge(&charge).await.unwrap_err();
    account.stripe.act(&account.stripe.books()[0].reference, true).await;

    // Under the key, Stripe repeats the answer of that time.
    let found = account.provider.fetch(&charge, None).await.unwrap();
    assert_eq!(found.outcome, Outcome::Completed);
}

#[tokio::test]
async fn an_error_that_is_repeated_stays_unknown_until_the_payment_is_found() {
    let account = Account::open().await;
    let charge = account.charge(1_250, Script::Succeeds);
    account.stripe.search_is_late(true);
    account.stripe.faults().next([Fault::ErrorAfter]);
    account.provider.charge(&charge).await.unwrap_err();

    let unknown = account.provider.fetch(&charge, None).await;
    assert!(matches!(unknown, Err(ProviderError::Lost(_))), "{unknown:?}");
    account.stripe.search_is_late(false);
    let found = account.provider.fetch(&charge, None).await.unwrap();
    assert_eq!((found.outcome, account.stripe.books().len()), (Outcome::Completed, 1));
}

#[tokio::test]
async fn after_a_day_nothing_is_asked_for_again() {
    for (fault, outcome, paid) in
        [(Fault::CutBefore, Outcome::Expired, 0), (Fault::CutAfter, Outcome::Completed, 1)]
    {
        let account = Account::open().await;
        let charge = account.charge(1_250, Script::Succeeds);
        account.stripe.faults().next([fault]);
        account.provider.charge(&charge).await.unwrap_err();
        account.clock.advance(TimeDelta::hours(23));
        account.stripe.forget_keys();

        let found = account.provider.fetch(&charge, None).await.unwrap();
        assert_eq!((found.outcome, account.stripe.books().len()), (outcome, paid), "{fault:?}");
        assert_eq!(account.stripe.calls(), 1);
    }
}

#[tokio::test]
async fn what_was_certainly_not_done_may_be_done_again() {
    let account = Account::open().await;
    let charge = account.charge(1_250, Script::Succeeds);
    account.stripe.faults().next([Fault::Busy]);
    let busy = account.provider.charge(&charge).await;
    assert!(matches!(busy, Err(ProviderError::Unavailable(_))), "{busy:?}");
    assert_eq!(account.stripe.books().len(), 0);
    assert_eq!(account.provider.charge(&charge).await.unwrap().outcome, Outcome::Completed);

    let nowhere =
        stripe::open(Http::new().unwrap(), "http://127.0.0.1:1", &account.stripe.credentials());
    let away = nowhere.unwrap().charge(&charge).await;
    assert!(matches!(away, Err(ProviderError::Unavailable(_))), "{away:?}");
}

#[tokio::test]
async fn stripe_says_when_a_call_may_be_repeated_at_once() {
    let account = Account::open().await;
    let charge = account.charge(1_250, Script::Succeeds);
    account.stripe.hint(Some(true));
    account.stripe.faults().next([Fault::Busy, Fault::ErrorBefore]);
    assert_eq!(account.provider.charge(&charge).await.unwrap().outcome, Outcome::Completed);
    assert_eq!((account.stripe.calls(), account.stripe.books().len()), (3, 1));

    let charge = account.charge(1_250, Script::Succeeds);
    account.stripe.faults().next([Fault::Busy, Fault::Busy, Fault::Busy]);
    account.provider.charge(&charge).await.unwrap_err();
    assert_eq!(account.stripe.calls(), 6);
}

#[tokio::test]
async fn a_key_in_use_may_mean_that_it_happens() {
    let account = Account::open().await;
    let charge = account.charge(1_250, Script::Succeeds);
    account.stripe.hint(Some(false));
    account.stripe.hold_key(&charge.attempt.to_string());
    let lost = account.provider.charge(&charge).await;
    assert!(matches!(lost, Err(ProviderError::Lost(_))), "{lost:?}");
    assert_eq!(account.stripe.calls(), 1);
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let account = Account::open().await;
    let charge = account.charge(1_250, Script::Succeeds);
    account.stripe.faults().next([Fault::Slow(Duration::from_millis(50))]);
    assert_eq!(account.provider.charge(&charge).await.unwrap().outcome, Outcome::Completed);
}

#[tokio::test]
async fn every_other_verb_is_lost_and_repeated_too() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let account = Account::open().await;
        let held = account.provider.charge(&account.held(15_000)).await.unwrap();
        let capture = Capture { attempt: id(), reference: reference(&held), amount: euros(4_000) };
        account.stripe.faults().next([fault]);
        let lost = account.provider.capture(&capture).await;
        assert!(matches!(lost, Err(ProviderError::Lost(_))), "{fault:?}: {lost:?}");
        let captured = account.provider.capture(&capture).await.unwrap();
        assert_eq!((captured.outcome, captured.captured_minor), (Outcome::Completed, Some(4_000)));

        let back = refund(&held, 1_000);
        account.stripe.faults().next([fault]);
        let lost = account.provider.refund(&back).await;
        assert!(matches!(lost, Err(ProviderError::Lost(_))), "{fault:?}: {lost:?}");
        let found = account.provider.fetch_refund(&back, None).await.unwrap();
        assert_eq!(found.outcome, RefundOutcome::Completed);
        assert_eq!(account.stripe.books()[0].refunded_minor, 1_000, "{fault:?}");

        let held = account.provider.charge(&account.held(15_000)).await.unwrap();
        let cancel = Cancel { attempt: id(), reference: reference(&held) };
        account.stripe.faults().next([fault]);
        let lost = account.provider.cancel(&cancel).await;
        assert!(matches!(lost, Err(ProviderError::Lost(_))), "{fault:?}: {lost:?}");
        assert_eq!(account.provider.cancel(&cancel).await.unwrap().outcome, Outcome::Canceled);
    }
}

#[tokio::test]
async fn a_refund_whose_error_is_repeated_is_found_in_the_list() {
    let account = Account::open().await;
    let paid = account.pay(1_000).await;
    // More than a page of others in front of it.
    let back = refund(&paid, 100);
    account.stripe.faults().next([Fault::ErrorAfter]);
    account.provider.refund(&back).await.unwrap_err();
    for _ in 0..100 {
        account.provider.refund(&refund(&paid, 1)).await.unwrap();
    }
    let found = account.provider.fetch_refund(&back, None).await.unwrap();
    assert_eq!(found.outcome, RefundOutcome::Completed);
    assert_eq!(account.stripe.books()[0].refunded_minor, 200);
}

#[tokio::test]
async fn a_wrong_key_is_told_apart_and_never_repeated() {
    let account = Account::open().await;
    let mut credentials = account.stripe.credentials();
    let wrong = format!("rk_{}_wrong", "test");
    credentials["secretKey"] = wrong.clone().into();
    let other = stripe::open(Http::new().unwrap(), &account.stripe.url(), &credentials).unwrap();
    let charge = account.charge(1_250, Script::Succeeds);
    let error = other.charge(&charge).await.unwrap_err();
    assert!(matches!(error, ProviderError::Credentials), "{error:?}");
    assert!(!format!("{error:?} {error}").contains(&wrong));

    for reference in ["pi_of_somebody_else", "../balance", ""] {
        let nothing = account.provider.fetch(&charge, Some(reference)).await;
        assert_eq!(refusal(nothing), "resource_missing");
    }
}

#[tokio::test]
async fn credentials_say_what_is_wrong_and_not_what_they_are() {
    let open = |credentials| {
        let opened = stripe::open(Http::new().unwrap(), stripe::URL, &credentials);
        opened.err().map(|invalid| (invalid.field.join("."), invalid.message))
    };
    let key = format!("sk_{}_1", "test");
    let secret = format!("whsec_{}", "0123");
    assert_eq!(open(serde_json::json!({ "secretKey": key })), None);
    let cases = [
        (serde_json::json!([key]), "credentials"),
        (serde_json::json!({}), "credentials.secretKey"),
        (serde_json::json!({ "secretKey": secret }), "credentials.secretKey"),
        (serde_json::json!({ "secretKey": format!("{key}\n") }), "credentials.secretKey"),
        (serde_json::json!({ "secretKey": key, "apiKey": key }), "credentials.apiKey"),
        (
            serde_json::json!({ "secretKey": key, "webhookSecrets": secret }),
            "credentials.webhookSecrets",
        ),
        (
            serde_json::json!({ "secretKey": key, "webhookSecrets": [secret, secret, secret] }),
            "credentials.webhookSecrets",
        ),
    ];
    for (credentials, field) in cases {
        let (found, message) = open(credentials).unwrap();
        assert_eq!(found, field);
        assert!(!message.contains(&key) && !message.contains(&secret), "{message}");
    }
}
