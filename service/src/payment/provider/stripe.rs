//! Stripe: cards and what else a Stripe account offers, by PaymentIntents and SetupIntents.

mod ask;
mod call;
mod credentials;
mod currency;
mod intent;
mod refund;
mod set_up;
mod webhook;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use chrono::{NaiveDate, TimeDelta};
use serde_json::Value;

use self::{
    call::{Api, Form, Said, refused},
    credentials::Credentials,
    intent::{Decided, Dispute, Intent},
    refund::BalanceTransaction,
    set_up::{Customer, SetupIntent},
    wire::{Page, Problem},
};
use super::{
    Answer, Cancel, Capture, Charge, Confirm, Decline, Delivery, Listing, Notice, Outcome,
    PaymentProvider, Provider, ProviderError, Refund, RefundAnswer, Result, SetUp, SetUpAnswer,
    WebhookError, http::Http,
};
use crate::error::Invalid;

/// For test keys too: the key says which of the two worlds is meant.
pub const URL: &str = "https://api.stripe.com";

/// Stripe may forget a key after 24 hours; then the same call would be another payment.
const KEYS_ARE_KEPT: TimeDelta = TimeDelta::hours(23);

struct Stripe {
    api: Api,
    webhook_secrets: Vec<hmac::Key>,
}

pub fn open(
    http: Http,
    base_url: &str,
    credentials: &Value,
) -> Result<Arc<dyn PaymentProvider>, Invalid> {
    let Credentials { secret_key, webhook_secrets } = Credentials::read(credentials)?;
    Ok(Arc::new(Stripe { api: Api::new(http, base_url, secret_key), webhook_secrets }))
}

#[async_trait]
impl PaymentProvider for Stripe {
    fn kind(&self) -> Provider {
        Provider::Stripe
    }

    async fn charge(&self, charge: &Charge) -> Result<Answer> {
        let form = ask::charge(charge)?;
        let decided = if charge.method.is_some() { Decided::Here } else { Decided::There };
        match self.api.post::<Intent>(INTENTS, &charge.attempt.to_string(), &form).await? {
            Ok(intent) => intent.answer(decided),
            Err(problem) => declined(&problem),
        }
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Answer> {
        let reference = &confirm.reference;
        if confirm.method.is_none() {
            let intent = self.intent(reference).await?;
            if intent.status != "requires_confirmation" {
                return self.settled(intent, Decided::There).await;
            }
        }
        let path = at(INTENTS, reference)? + "/confirm";
        let (key, form) = (confirm.attempt.to_string(), ask::confirm(confirm));
        match self.api.post::<Intent>(&path, &key, &form).await? {
            Ok(intent) => intent.answer(Decided::Here),
            Err(problem) if problem.is_decline || is_too_late(&problem) => {
                self.settled(self.intent(reference).await?, Decided::Here).await
            }
            Err(problem) => Err(refused(&problem)),
        }
    }

    async fn capture(&self, capture: &Capture) -> Result<Answer> {
        let form = ask::capture(capture)?;
        let key = capture.attempt.to_string();
        self.step(&capture.reference, "capture", &key, &form).await
    }

    async fn cancel(&self, cancel: &Cancel) -> Result<Answer> {
        let form = ask::cancel("requested_by_customer");
        self.step(&cancel.reference, "cancel", &cancel.attempt.to_string(), &form).await
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundAnswer> {
        let (key, form) = (refund.refund.to_string(), ask::refund(refund)?);
        let refund: refund::Refund = kept(self.api.post(REFUNDS, &key, &form).await?)?;
        Ok(refund.answer())
    }

    async fn fetch(&self, charge: &Charge, reference: Option<&str>) -> Result<Answer> {
        let decided = if charge.method.is_some() { Decided::Here } else { Decided::There };
        if let Some(reference) = reference {
            return self.settled(self.intent(reference).await?, decided).await;
        }
        let mut lost = None;
        if self.api.http.now() - charge.asked_at < KEYS_ARE_KEPT {
            match self.charge(charge).await {
                // The first answer once more, which may be old by now.
                Ok(Answer { reference: Some(reference), .. }) => {
                    return self.settled(self.intent(&reference).await?, decided).await;
                }
                // A failure is repeated as well; the payment may be there in spite of it.
                Err(ProviderError::Lost(error)) => lost = Some(error),
                known => return known,
            }
        }
        match (self.find(charge).await?, lost) {
            (Some(intent), _) => self.settled(intent, decided).await,
            (None, Some(error)) => Err(ProviderError::Lost(error)),
            (None, None) => Ok(nothing(Outcome::Expired)),
        }
    }

    async fn fetch_refund(&self, refund: &Refund, reference: Option<&str>) -> Result<RefundAnswer> {
        let found = match reference {
            Some(reference) => {
                Some(kept(self.api.get(&at(REFUNDS, reference)?, &Form::new()).await?)?)
            }
            None => self.find_refund(refund).await?,
        };
        match found {
            Some(refund) => Ok(refund.answer()),
            None => self.refund(refund).await,
        }
    }

    async fn list(&self, day: NaiveDate, after: Option<&str>) -> Result<Listing> {
        let query = ask::day(day, after);
        let page: Page<BalanceTransaction> =
            kept(self.api.get("/v1/balance_transactions", &query).await?)?;
        let last = page.data.last().map(|last| last.id.clone());
        let movements = page.data.into_iter().map(BalanceTransaction::movement);
        Ok(Listing {
            movements: movements.filter_map(Result::transpose).collect::<Result<_>>()?,
            next: last.filter(|_| page.has_more),
        })
    }

    async fn set_up(&self, set_up: &SetUp) -> Result<SetUpAnswer> {
        let key = set_up.attempt.to_string();
        let named = (format!("{key}-customer"), ask::customer(set_up));
        let customer: Customer = kept(self.api.post("/v1/customers", &named.0, &named.1).await?)?;
        let form = ask::set_up(set_up, &customer.id);
        let intent: SetupIntent = kept(self.api.post(SETUP_INTENTS, &key, &form).await?)?;
        intent.answer()
    }

    async fn fetch_set_up(&self, reference: &str) -> Result<SetUpAnswer> {
        let path = at(SETUP_INTENTS, reference)?;
        let intent: SetupIntent = kept(self.api.get(&path, &Form::new()).await?)?;
        intent.answer()
    }

    fn read_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Notice>, WebhookError> {
        webhook::read(&self.webhook_secrets, delivery)
    }
}

const INTENTS: &str = "/v1/payment_intents";
const SETUP_INTENTS: &str = "/v1/setup_intents";
const REFUNDS: &str = "/v1/refunds";

impl Stripe {
    async fn intent(&self, reference: &str) -> Result<Intent> {
        kept(self.api.get(&at(INTENTS, reference)?, &vec![ask::whole()]).await?)
    }

    /// Captures or cancels. Where it is too late for that, the payment says how it stands.
    async fn step(&self, reference: &str, verb: &str, key: &str, form: &Form) -> Result<Answer> {
        let path = format!("{}/{verb}", at(INTENTS, reference)?);
        match self.api.post::<Intent>(&path, key, form).await? {
            Ok(intent) => intent.answer(Decided::There),
            Err(problem) if is_too_late(&problem) => {
                self.intent(reference).await?.answer(Decided::There)
            }
            Err(problem) => Err(refused(&problem)),
        }
    }

    /// What became of it, for good: a payment that was declined is closed, so that nobody who has its secret pays it
    /// later, and one that is disputed is asked for the dispute.
    async fn settled(&self, intent: Intent, decided: Decided) -> Result<Answer> {
        let answer = intent.answer(decided)?;
        match answer.outcome {
            Outcome::Declined(_) if intent.is_declined() => self.close(&intent.id, answer).await,
            Outcome::Completed if intent.is_disputed() => self.with_disputes(answer).await,
            _ => Ok(answer),
        }
    }

    async fn close(&self, reference: &str, declined: Answer) -> Result<Answer> {
        let (key, form) = (format!("{reference}-close"), ask::cancel(intent::CLOSED));
        let answer = self.step(reference, "cancel", &key, &form).await?;
        Ok(if answer.outcome == Outcome::Canceled { declined } else { answer })
    }

    async fn with_disputes(&self, answer: Answer) -> Result<Answer> {
        let query = ask::disputes_of(answer.reference.as_deref().unwrap_or_default());
        let disputes: Page<Dispute> = kept(self.api.get("/v1/disputes", &query).await?)?;
        let taken = disputes.data.iter().any(Dispute::takes_money);
        Ok(if taken { Answer { outcome: Outcome::Reversed, ..answer } } else { answer })
    }

    /// By what we have written on it. The index behind this is up to an hour late.
    async fn find(&self, charge: &Charge) -> Result<Option<Intent>> {
        let path = format!("{INTENTS}/search");
        let found: Page<Intent> = kept(self.api.get(&path, &ask::search(charge)).await?)?;
        Ok(found.data.into_iter().next())
    }

    async fn find_refund(&self, refund: &Refund) -> Result<Option<refund::Refund>> {
        let id = refund.refund.to_string();
        let mut after = None;
        loop {
            let query = ask::refunds_of(&refund.reference, after.as_deref());
            let page: Page<refund::Refund> = kept(self.api.get(REFUNDS, &query).await?)?;
            after = page.data.last().filter(|_| page.has_more).map(|last| last.id.clone());
            let found = page.data.into_iter().find(|found| found.is(&id));
            if found.is_some() || after.is_none() {
                return Ok(found);
            }
        }
    }
}

/// Where an object is. A reference that is none of Stripe's leads nowhere else.
fn at(kind: &str, reference: &str) -> Result<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if reference.is_empty() || !reference.bytes().all(is_name) {
        let message = "Stripe has nothing of this name.".into();
        return Err(ProviderError::Refused(Decline { code: "resource_missing".into(), message }));
    }
    Ok(format!("{kind}/{reference}"))
}

fn is_too_late(problem: &Problem) -> bool {
    const CODES: &[&str] = &[
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_expired_for_capture",
    ];
    CODES.iter().any(|code| problem.is(code))
}

fn kept<T>(said: Said<T>) -> Result<T> {
    said.map_err(|problem| refused(&problem))
}

/// A bank's no is an outcome; any other is about how we asked.
fn declined(problem: &Problem) -> Result<Answer> {
    if !problem.is_decline {
        return Err(refused(problem));
    }
    let outcome = Outcome::Declined(problem.decline());
    match &problem.payment_intent {
        Some(intent) => Ok(Answer { outcome, ..intent.answer(Decided::Here)? }),
        None => Ok(nothing(outcome)),
    }
}

fn nothing(outcome: Outcome) -> Answer {
    Answer {
        reference: None,
        transaction: None,
        outcome,
        amount: None,
        captured_minor: None,
        expires_at: None,
    }
}

/// One of Stripe's own examples, with these fields in place of its own.
#[cfg(test)]
fn example<T: serde::de::DeserializeOwned>(name: &str, fields: Value) -> T {
    let objects = include_str!("../../../fixtures/stripe/objects.json");
    let mut objects: Value = serde_json::from_str(objects).unwrap();
    let object = &mut objects[name];
    for (field, value) in fields.as_object().unwrap() {
        object[field] = value.clone();
    }
    serde_json::from_value(object.take()).unwrap()
}
