//! GoCardless's own words for things, and what they mean here. What is not known is read over.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use entity::money::Money;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::failure::conflict;
use crate::payment::provider::{
    self, Answer, Charge, Decline, Outcome, RefundAnswer, RefundOutcome, Result, SetUpOutcome,
};

/// Something with an id of its own.
pub(super) trait Resource: DeserializeOwned {
    /// Where it lives, and what wraps it in bodies.
    const PATH: &'static str;
}

pub(super) struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins.
    pub after: Option<String>,
    pub linked: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Links {
    pub payment: Option<String>,
    pub refund: Option<String>,
    pub billing_request: Option<String>,
    pub instalment_schedule: Option<String>,
    pub payment_request_payment: Option<String>,
    pub mandate_request_mandate: Option<String>,
    /// Of an instalment schedule.
    pub payments: Vec<String>,
}

/// What we said when we made it.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Metadata(Option<HashMap<String, Value>>);

impl Metadata {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.as_ref()?.get(key)?.as_str()
    }

    pub fn is(&self, key: &str, value: &str) -> bool {
        self.get(key) == Some(value)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PaymentStatus {
    Confirmed,
    PaidOut,
    Cancelled,
    CustomerApprovalDenied,
    Failed,
    ChargedBack,
    /// It is under way: pending in one way or another, submitted, or of a kind that came later.
    #[serde(other)]
    UnderWay,
}

#[derive(Deserialize)]
pub(super) struct Payment {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    pub status: PaymentStatus,
    pub charge_date: Option<NaiveDate>,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub links: Links,
}

impl Resource for Payment {
    const PATH: &'static str = "payments";
}

impl Payment {
    pub fn money(&self) -> Option<Money> {
        money(self.amount, &self.currency)
    }

    pub fn is_for(&self, charge: &Charge) -> Result<()> {
        if self.money() == Some(charge.amount) { Ok(()) } else { Err(conflict()) }
    }

    pub fn answer(self, history: History) -> Answer {
        let outcome = match self.status {
            PaymentStatus::UnderWay => Outcome::Processing,
            PaymentStatus::Confirmed | PaymentStatus::PaidOut => Outcome::Completed,
            PaymentStatus::Cancelled => Outcome::Canceled,
            PaymentStatus::CustomerApprovalDenied => {
                Outcome::Declined(decline("customer_approval_denied"))
            }
            PaymentStatus::ChargedBack => Outcome::Reversed,
            PaymentStatus::Failed => history.outcome(),
        };
        let amount = self.money();
        let transaction = Some(self.id.clone());
        Answer { reference: Some(self.id), transaction, amount, ..without_reference(outcome) }
    }
}

#[derive(Deserialize)]
pub(super) struct Event {
    pub action: String,
    pub created_at: DateTime<Utc>,
    #[serde(default)]
    pub details: Details,
    #[serde(default)]
    pub links: Links,
}

impl Resource for Event {
    const PATH: &'static str = "events";
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    cause: Option<String>,
    description: Option<String>,
    will_attempt_retry: Option<bool>,
}

/// What a failed payment went through.
#[derive(Default)]
pub(super) struct History {
    /// It had come: what failed is its stay.
    confirmed: bool,
    failure: Details,
}

impl History {
    /// Of events with the newest first.
    pub fn of(events: &[Event]) -> Self {
        let came = |event: &Event| matches!(event.action.as_str(), "confirmed" | "paid_out");
        let failed = events.iter().find(|event| event.action == "failed");
        Self {
            confirmed: events.iter().any(came),
            failure: failed.map(|event| event.details.clone()).unwrap_or_default(),
        }
    }

    fn outcome(self) -> Outcome {
        let Details { cause, description, will_attempt_retry } = self.failure;
        if self.confirmed {
            Outcome::Reversed
        } else if will_attempt_retry == Some(true) {
            // GoCardless will submit it again: a no is for ever, and this is none yet.
            Outcome::Processing
        } else {
            let no = decline(cause.as_deref().unwrap_or("failed"));
            Outcome::Declined(Decline { message: description.unwrap_or(no.message), ..no })
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BillingStatus {
    /// The payer has something to do.
    Pending,
    Fulfilled,
    Cancelled,
    /// The payer is through, GoCardless is not.
    #[serde(other)]
    Other,
}

/// Something that a payer is asked to agree to.
#[derive(Deserialize)]
pub(super) struct BillingRequest {
    pub id: String,
    pub status: BillingStatus,
    payment_request: Option<PaymentRequest>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct PaymentRequest {
    amount: i64,
    currency: String,
}

impl Resource for BillingRequest {
    const PATH: &'static str = "billing_requests";
}

impl BillingRequest {
    pub fn payment(&self) -> Option<&str> {
        self.links.payment_request_payment.as_deref()
    }

    pub fn mandate(&self) -> Option<&str> {
        self.links.mandate_request_mandate.as_deref()
    }

    pub fn return_url(&self) -> Option<&str> {
        self.metadata.get("return_url")
    }

    fn money(&self) -> Option<Money> {
        let PaymentRequest { amount, currency } = self.payment_request.as_ref()?;
        money(*amount, currency)
    }

    pub fn is_for(&self, charge: &Charge) -> Result<()> {
        if self.money() == Some(charge.amount) { Ok(()) } else { Err(conflict()) }
    }

    pub fn answer(&self, outcome: Outcome) -> Answer {
        let amount = self.money();
        Answer { reference: Some(self.id.clone()), amount, ..without_reference(outcome) }
    }
}

/// The page on which a payer agrees.
#[derive(Deserialize)]
pub(super) struct Flow {
    pub authorisation_url: String,
}

impl Resource for Flow {
    const PATH: &'static str = "billing_request_flows";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MandateStatus {
    /// With the bank; payments may be asked for already.
    PendingSubmission,
    Submitted,
    Active,
    Failed,
    Cancelled,
    Expired,
    Consumed,
    Blocked,
    /// Waiting for a second signature, suspended, or of a kind that came later.
    #[serde(other)]
    Waiting,
}

#[derive(Deserialize)]
pub(super) struct Mandate {
    id: String,
    status: MandateStatus,
}

impl Resource for Mandate {
    const PATH: &'static str = "mandates";
}

impl Mandate {
    pub fn outcome(self) -> SetUpOutcome {
        match self.status {
            MandateStatus::PendingSubmission | MandateStatus::Submitted | MandateStatus::Active => {
                SetUpOutcome::Ready(self.id)
            }
            MandateStatus::Waiting => SetUpOutcome::Processing,
            MandateStatus::Failed => SetUpOutcome::Failed(decline("mandate_failed")),
            MandateStatus::Cancelled => SetUpOutcome::Failed(decline("mandate_cancelled")),
            MandateStatus::Expired => SetUpOutcome::Failed(decline("mandate_expired")),
            MandateStatus::Consumed => SetUpOutcome::Failed(decline("mandate_consumed")),
            MandateStatus::Blocked => SetUpOutcome::Failed(decline("mandate_blocked")),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Paid,
    Cancelled,
    Bounced,
    FundsReturned,
    /// Created, pending submission, submitted, or of a kind that came later.
    #[serde(other)]
    UnderWay,
}

#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    pub amount: i64,
    pub currency: String,
    status: RefundStatus,
    #[serde(default)]
    pub metadata: Metadata,
}

impl Resource for Refund {
    const PATH: &'static str = "refunds";
}

impl Refund {
    pub fn is_for(&self, refund: &provider::Refund) -> Result<()> {
        let money = money(self.amount, &self.currency);
        if money == Some(refund.amount) { Ok(()) } else { Err(conflict()) }
    }

    pub fn answer(self) -> RefundAnswer {
        let outcome = match self.status {
            RefundStatus::UnderWay => RefundOutcome::Processing,
            RefundStatus::Paid => RefundOutcome::Completed,
            RefundStatus::Cancelled => RefundOutcome::Failed(decline("refund_cancelled")),
            RefundStatus::Bounced => RefundOutcome::Failed(decline("refund_bounced")),
            RefundStatus::FundsReturned => RefundOutcome::Failed(decline("refund_returned")),
        };
        RefundAnswer { reference: Some(self.id), outcome }
    }
}

/// None for a currency that nobody pays with.
pub(super) fn money(minor: i64, currency: &str) -> Option<Money> {
    currency.parse().ok().map(|currency| Money::new(minor, currency))
}

/// A no of which GoCardless says nothing but its name.
pub(super) fn decline(code: &str) -> Decline {
    Decline { code: code.to_owned(), message: code.replace('_', " ") }
}

pub(super) fn without_reference(outcome: Outcome) -> Answer {
    Answer {
        reference: None,
        transaction: None,
        outcome,
        amount: None,
        captured_minor: None,
        expires_at: None,
    }
}
