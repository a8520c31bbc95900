//! Stripe as a provider, against a stand-in that is as strict as Stripe: every verb, and what each answer means.

mod fault;
mod foreign;
mod refund;
mod webhook;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{Id, money::Money, payment::NextAction};
use service::{
    clock::{Clock, ManualClock},
    payment::provider::{
        Answer, Cancel, Capture, Charge, Confirm, Outcome, PaymentProvider, ProviderError, Refund,
        RefundOutcome, SetUp, SetUpOutcome, http::Http, stripe,
    },
};
use tests::provider::{Peer, Script, stripe::Stripe};
use uuid::Uuid;

/// A tenant's account, with a clock that stands until it is moved.
struct Account {
    stripe: Stripe,
    provider: Arc<dyn PaymentProvider>,
    clock: ManualClock,
}

impl Account {
    async fn open() -> Self {
        let clock = ManualClock::starting_at("2035-01-01T12:00:00Z".parse().unwrap());
        let stripe = Stripe::start_at(Arc::new(clock.clone())).await;
        let provider = opened(&clock, &stripe);
        Self { stripe, provider, clock }
    }

    fn charge(&self, amount: i64, script: Script) -> Charge {
        Charge { method: self.stripe.method(script), ..charge(amount, "EUR", self.clock.now()) }
    }

    fn held(&self, amount: i64) -> Charge {
        Charge { manual_capture: true, ..self.charge(amount, Script::Succeeds) }
    }

    async fn pay(&self, amount: i64) -> Answer {
        self.provider.charge(&self.charge(amount, Script::Succeeds)).await.unwrap()
    }

    async fn capture(&self, answer: &Answer, amount: i64) -> Result<Answer, ProviderError> {
        let capture =
            Capture { attempt: id(), reference: reference(answer), amount: euros(amount) };
        self.provider.capture(&capture).await
    }

    async fn cancel(&self, answer: &Answer) -> Result<Answer, ProviderError> {
        self.provider.cancel(&Cancel { attempt: id(), reference: reference(answer) }).await
    }

    async fn fetch(&self, charge: &Charge, answer: &Answer) -> Answer {
        self.provider.fetch(charge, answer.reference.as_deref()).await.unwrap()
    }
}

fn opened(clock: &ManualClock, stripe: &Stripe) -> Arc<dyn PaymentProvider> {
    let http = Http::new().unwrap().with_clock(Arc::new(clock.clone()));
    stripe::open(http, &stripe.url(), &stripe.credentials()).unwrap()
}

fn id<T: Id>() -> T {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    T::from_uuid(Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into()))
}

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn charge(amount: i64, currency: &str, asked_at: DateTime<Utc>) -> Charge {
    Charge {
        payment: id(),
        attempt: id(),
        customer: id(),
        amount: Money::new(amount, currency.parse().unwrap()),
        manual_capture: false,
        method: Some("pm_card_visa".into()),
        off_session: false,
        return_url: None,
        callback_url: "https://bikes.example/webhooks/stripe/1".into(),
        description: "Ride of 12 minutes".into(),
        account_reference: "RIDE12".into(),
        asked_at,
    }
}

fn refund(answer: &Answer, amount: i64) -> Refund {
    Refund {
        refund: id(),
        payment: id(),
        reference: reference(answer),
        transaction: answer.transaction.clone(),
        amount: euros(amount),
        total: euros(amount),
        reason: Some("the chain was off".into()),
        callback_url: String::new(),
    }
}

fn reference(answer: &Answer) -> String {
    answer.reference.clone().unwrap()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ProviderError>) -> String {
    match result {
        Err(ProviderError::Refused(decline)) => decline.code,
        other => panic!("{other:?} is no refusal"),
    }
}

fn decline(answer: &Answer) -> &str {
    match &answer.outcome {
        Outcome::Declined(decline) => &decline.code,
        other => panic!("{other:?} is no decline"),
    }
}

#[tokio::test]
async fn a_card_pays_and_stripe_knows_what_for() {
    let account = Account::open().await;
    let charge = account.charge(1250, Script::Succeeds);

    let answer = account.provider.charge(&charge).await.unwrap();

    assert_eq!(answer.outcome, Outcome::Completed);
    assert_eq!((answer.amount, answer.captured_minor), (Some(euros(1250)), Some(1250)));
    assert!(answer.transaction.as_ref().unwrap().starts_with("ch_"));
    let intent = account.stripe.object(&reference(&answer));
    assert_eq!(intent["metadata"]["payment_id"], charge.payment.to_string());
    assert_eq!(intent["metadata"]["attempt_id"], charge.attempt.to_string());
    assert_eq!(intent["description"], "Ride of 12 minutes");
    assert_eq!(account.stripe.books()[0].key, Some(charge.attempt.to_string()));
    assert_eq!(account.fetch(&charge, &answer).await, answer);
}

#[tokio::test]
async fn the_same_attempt_pays_once() {
    let account = Account::open().await;
    let charge = account.charge(1250, Script::Succeeds);

    let first = account.provider.charge(&charge).await.unwrap();
    let second = account.provider.charge(&charge).await.unwrap();

    assert_eq!(first, second);
    assert_eq!((account.stripe.calls(), account.stripe.books().len()), (2, 1));
    let other = Charge { amount: euros(1300), ..charge };
    let other = account.provider.charge(&other).await;
    assert!(matches!(other, Err(ProviderError::Lost(_))), "{other:?}");
    assert_eq!(account.stripe.books().len(), 1);
}

#[tokio::test]
async fn a_no_of_the_bank_is_final_and_says_why() {
    let account = Account::open().await;
    let charge = account.charge(1250, Script::Declines);

    let answer = account.provider.charge(&charge).await.unwrap();

    assert_eq!(decline(&answer), "insufficient_funds");
    assert_eq!(answer.amount, Some(euros(1250)));
    // Closed by who looks at it again, so that nobody pays it later; it stays a no.
    for _ in 0..2 {
        assert_eq!(decline(&account.fetch(&charge, &answer).await), "insufficient_funds");
        assert_eq!(account.stripe.object(&reference(&answer))["status"], "canceled");
    }
}

#[tokio::test]
async fn a_thief_is_not_told_why() {
    let account = Account::open().await;
    let stolen = Some("pm_card_visa_chargeDeclinedStolenCard".to_owned());
    let charge = Charge { method: stolen, ..account.charge(1250, Script::Declines) };
    let answer = account.provider.charge(&charge).await.unwrap();
    assert_eq!(decline(&answer), "generic_decline");
}

#[tokio::test]
async fn three_d_secure_is_done_by_the_payer() {
    let account = Account::open().await;
    let charge = account.charge(1250, Script::AsksForAction);
    let asked = account.provider.charge(&charge).await.unwrap();
    let Outcome::ActionRequired(NextAction::UseSdk { client_secret }) = &asked.outcome else {
        panic!("{asked:?}");
    };
    assert_eq!(*client_secret, account.stripe.object(&reference(&asked))["client_secret"]);

    account.stripe.act(&reference(&asked), true).await;
    assert_eq!(account.fetch(&charge, &asked).await.outcome, Outcome::Completed);

    let back = Some("https://bikes.example/paid".to_owned());
    let charge = Charge { return_url: back, ..account.charge(1250, Script::AsksForAction) };
    let asked = account.provider.charge(&charge).await.unwrap();
    let Outcome::ActionRequired(NextAction::Redirect { url }) = &asked.outcome else {
        panic!("{asked:?}");
    };
    assert!(url.starts_with("https://hooks.stripe.example/"), "{url}");
    account.stripe.act(&reference(&asked), false).await;
    let answer = account.fetch(&charge, &asked).await;
    assert_eq!(decline(&answer), "payment_intent_authentication_failure");
    assert_eq!(account.stripe.object(&reference(&asked))["status"], "canceled");
}

#[tokio::test]
async fn with_nobody_there_a_card_that_asks_says_no() {
    let account = Account::open().await;
    let charge = Charge { off_session: true, ..account.charge(1250, Script::AsksForAction) };
    let answer = account.provider.charge(&charge).await.unwrap();
    assert_eq!(decline(&answer), "authentication_required");
}

#[tokio::test]
async fn who_chooses_the_card_at_stripe_may_try_another() {
    let account = Account::open().await;
    let charge = Charge { method: None, ..account.charge(1250, Script::Succeeds) };
    let open = account.provider.charge(&charge).await.unwrap();
    assert!(matches!(open.outcome, Outcome::ActionRequired(NextAction::UseSdk { .. })));

    account.stripe.pay_with(&reference(&open), "pm_card_visa_chargeDeclined");
    let again = account.fetch(&charge, &open).await;
    assert!(
        matches!(again.outcome, Outcome::ActionRequired(NextAction::UseSdk { .. })),
        "{again:?}"
    );

    account.stripe.pay_with(&reference(&open), "pm_card_visa");
    assert_eq!(account.fetch(&charge, &open).await.outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_debit_that_fails_days_later_is_final() {
    let account = Account::open().await;
    let charge = Charge { method: None, ..account.charge(1250, Script::Succeeds) };
    let open = account.provider.charge(&charge).await.unwrap();
    account.stripe.pay_with(&reference(&open), "pm_usBankAccount");
    assert_eq!(account.fetch(&charge, &open).await.outcome, Outcome::Processing);

    account.stripe.settle(&reference(&open), false).await;
    assert_eq!(decline(&account.fetch(&charge, &open).await), "debit_not_authorized");
}

#[tokio::test]
async fn an_open_payment_is_confirmed_with_a_method() {
    let account = Account::open().await;
    let open = Charge { method: None, ..account.charge(1250, Script::Succeeds) };
    for (method, expected) in
        [("pm_card_visa", None), ("pm_card_visa_chargeDeclined", Some("generic_decline"))]
    {
        let open =
            account.provider.charge(&Charge { attempt: id(), ..open.clone() }).await.unwrap();
        let confirm = Confirm {
            attempt: id(),
            reference: reference(&open),
            amount: account.charge(1250, Script::Succeeds).amount,
            manual_capture: false,
            method: Some(method.into()),
            return_url: None,
        };
        let answer = account.provider.confirm(&confirm).await.unwrap();
        match expected {
            None => assert_eq!(answer.outcome, Outcome::Completed),
            Some(code) => assert_eq!(decline(&answer), code),
        }
        // Once more, after it has ended: it says how.
        let confirm = Confirm { attempt: id(), method: None, ..confirm };
        assert_eq!(account.provider.confirm(&confirm).await.unwrap().outcome, answer.outcome);
    }
}

#[tokio::test]
async fn a_hold_is_captured_in_part_and_the_rest_is_let_go() {
    let account = Account::open().await;
    let charge = account.held(15_000);
    let held = account.provider.charge(&charge).await.unwrap();
    assert_eq!((held.outcome.clone(), held.captured_minor), (Outcome::Authorized, Some(0)));
    assert_eq!(held.expires_at, Some(account.clock.now() + TimeDelta::days(7)));

    assert_eq!(refusal(account.capture(&held, 15_001).await), "amount_too_large");
    let captured = account.capture(&held, 4_000).await.unwrap();
    assert_eq!((captured.outcome, captured.captured_minor), (Outcome::Completed, Some(4_000)));
    assert_eq!((captured.amount, captured.expires_at), (Some(euros(15_000)), None));

    // Too late for either: the answer is how it stands.
    for late in [account.capture(&held, 1_000).await, account.cancel(&held).await] {
        let late = late.unwrap();
        assert_eq!((late.outcome, late.captured_minor), (Outcome::Completed, Some(4_000)));
    }
}

#[tokio::test]
async fn a_hold_is_let_go_by_us_by_time_or_by_hand() {
    let account = Account::open().await;
    let charge = account.held(15_000);
    let held = account.provider.charge(&charge).await.unwrap();
    assert_eq!(account.cancel(&held).await.unwrap().outcome, Outcome::Canceled);

    let charge = account.held(15_000);
    let held = account.provider.charge(&charge).await.unwrap();
    account.stripe.lapse(&reference(&held));
    assert_eq!(account.fetch(&charge, &held).await.outcome, Outcome::Expired);
    assert_eq!(account.capture(&held, 1_000).await.unwrap().outcome, Outcome::Expired);

    let charge = account.held(15_000);
    let held = account.provider.charge(&charge).await.unwrap();
    account.stripe.call_off(&reference(&held));
    assert_eq!(account.fetch(&charge, &held).await.outcome, Outcome::Canceled);
}

#[tokio::test]
async fn a_card_is_saved_once_and_charged_when_nobody_is_there() {
    let account = Account::open().await;
    let set_up = SetUp {
        attempt: id(),
        customer: id(),
        currency: "EUR".parse().unwrap(),
        email: Some("ann@example.com".into()),
        name: "Ann".into(),
        return_url: None,
    };
    let asked = account.provider.set_up(&set_up).await.unwrap();
    assert!(matches!(asked.outcome, SetUpOutcome::ActionRequired(NextAction::UseSdk { .. })));
    assert_eq!(account.provider.set_up(&set_up).await.unwrap(), asked);

    account.stripe.act(&asked.reference, true).await;
    let saved = account.provider.fetch_set_up(&asked.reference).await.unwrap();
    let SetUpOutcome::Ready(token) = saved.outcome else { panic!("{saved:?}") };

    let method = Some(token);
    let charge = Charge { method, off_session: true, ..account.charge(1_000, Script::Succeeds) };
    assert_eq!(account.provider.charge(&charge).await.unwrap().outcome, Outcome::Completed);
}

#[tokio::test]
async fn amounts_go_in_the_units_of_their_currency() {
    let account = Account::open().await;
    for (currency, minor, sent) in
        [("JPY", 1_200, 1_200), ("KWD", 1_230, 1_230), ("UGX", 3_500, 350_000)]
    {
        let charge = charge(minor, currency, account.clock.now());
        let answer = account.provider.charge(&charge).await.unwrap();
        assert_eq!((answer.amount, answer.captured_minor), (Some(charge.amount), Some(minor)));
        assert_eq!(account.stripe.object(&reference(&answer))["amount"], sent);
    }
    let calls = account.stripe.calls();
    let fine = account.provider.charge(&charge(1_234, "KWD", account.clock.now())).await;
    assert_eq!((refusal(fine).as_str(), account.stripe.calls()), ("invalid_amount", calls));
    let little = account.provider.charge(&account.charge(49, Script::Succeeds)).await;
    assert_eq!(refusal(little), "amount_too_small");
}
