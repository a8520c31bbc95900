//! Bank debits by GoCardless: every verb, every fault, every message, against its stand-in.

mod asking;
mod collecting;
mod lost;
mod message;
mod refund;
mod schedule;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::NaiveDate;
use entity::{Id, customer::CustomerId, money::Money, payment::PaymentId};
use service::payment::provider::{
    Answer, Cancel, Charge, Outcome, PaymentProvider, ProviderError, Refund, SetUp, bank_api,
    http::Http,
};
use tests::provider::{Peer, bank_api::GoCardless};
use uuid::Uuid;

/// A tenant with an account.
struct Shop {
    peer: GoCardless,
    provider: Arc<dyn PaymentProvider>,
}

const RETURN: &str = "https://shop.example/back";

impl Shop {
    async fn open() -> Self {
        let peer = GoCardless::start().await;
        let provider = bank_api::open(Http::new().unwrap(), &peer.url(), &peer.credentials());
        Self { provider: provider.unwrap(), peer }
    }

    /// Under a mandate in pounds that takes its time.
    async fn charged(&self) -> (Charge, String) {
        let charge = charge(1_250, "GBP", self.peer.method(tests::provider::Script::TakesTime));
        let answer = self.provider.charge(&charge).await.unwrap();
        (charge, answer.reference.unwrap())
    }

    async fn fetch(&self, charge: &Charge, reference: &str) -> Answer {
        self.provider.fetch(charge, Some(reference)).await.unwrap()
    }

    async fn outcome(&self, charge: &Charge, reference: &str) -> Outcome {
        self.fetch(charge, reference).await.outcome
    }
}

fn charge(minor: i64, currency: &str, method: Option<String>) -> Charge {
    Charge {
        payment: id(),
        attempt: id(),
        customer: id(),
        amount: money(minor, currency),
        manual_capture: false,
        method,
        off_session: false,
        return_url: Some(RETURN.to_owned()),
        callback_url: "https://shop.example/webhooks/gocardless/one".to_owned(),
        description: "Ride of 12 minutes".to_owned(),
        account_reference: "RIDE12".to_owned(),
        asked_at: "2035-01-01T12:00:00Z".parse().unwrap(),
    }
}

fn set_up(currency: &str) -> SetUp {
    SetUp {
        attempt: id(),
        customer: id::<CustomerId>(),
        currency: currency.parse().unwrap(),
        email: Some("ann@example.com".to_owned()),
        name: "Ann van Dyke".to_owned(),
        return_url: Some(RETURN.to_owned()),
    }
}

fn refund(payment: PaymentId, reference: &str, minor: i64, total: i64) -> Refund {
    Refund {
        refund: id(),
        payment,
        reference: reference.to_owned(),
        transaction: None,
        amount: money(minor, "GBP"),
        total: money(total, "GBP"),
        reason: None,
        callback_url: "https://shop.example/webhooks/gocardless/one".to_owned(),
    }
}

fn cancel(reference: &str) -> Cancel {
    Cancel { attempt: id(), reference: reference.to_owned() }
}

fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, currency.parse().unwrap())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn id<T: Id>() -> T {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    T::from_uuid(Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into()))
}

fn code(error: ProviderError) -> String {
    match error {
        ProviderError::Refused(decline) => decline.code,
        other => panic!("{other:?}"),
    }
}
