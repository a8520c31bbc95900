//! A company that moves money for a tenant, behind one trait: what it is asked, and what it may answer.
//!
//! An implementation holds one tenant's credentials and keeps nothing else. It never touches the database: a call is made
//! outside of any transaction, after its attempt has been written down, and its answer is applied afterwards.

pub mod http;
pub mod stripe;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    customer::CustomerId,
    money::Money,
    payment::{NextAction, PaymentId, Provider},
    payment_attempt::AttemptId,
    refund::RefundId,
};
use serde::{Deserialize, Serialize};

use crate::error::BoxError;

pub type Result<T, E = ProviderError> = std::result::Result<T, E>;

/// One tenant's way to one provider.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    fn kind(&self) -> Provider;

    /// Takes the money, or holds it. Called again with the same attempt, it gives the first call's outcome wherever the
    /// provider has a key for that.
    async fn charge(&self, charge: &Charge) -> Result<Answer>;

    /// Goes on after the payer has acted, or with another method.
    async fn confirm(&self, _: &Confirm) -> Result<Answer> {
        Err(ProviderError::Unsupported)
    }

    /// Takes all or part of what is held; the rest is let go.
    async fn capture(&self, _: &Capture) -> Result<Answer> {
        Err(ProviderError::Unsupported)
    }

    /// Calls it off before money has moved, or lets go what is held.
    async fn cancel(&self, cancel: &Cancel) -> Result<Answer>;

    async fn refund(&self, refund: &Refund) -> Result<RefundAnswer>;

    /// What the provider itself says of a payment: what counts, whatever was heard of it.
    ///
    /// Without a reference the answer to `charge` was lost: a provider with idempotency keys is asked again by the attempt,
    /// one without says `Outcome::Processing` until its own message comes.
    async fn fetch(&self, charge: &Charge, reference: Option<&str>) -> Result<Answer>;

    async fn fetch_refund(&self, refund: &Refund, reference: Option<&str>) -> Result<RefundAnswer>;

    /// All that moved in a day (UTC), page by page, for reconciliation.
    async fn list(&self, _: NaiveDate, _after: Option<&str>) -> Result<Listing> {
        Err(ProviderError::Unsupported)
    }

    /// Lets a customer agree once to be charged later: a card on file, a mandate.
    async fn set_up(&self, _: &SetUp) -> Result<SetUpAnswer> {
        Err(ProviderError::Unsupported)
    }

    async fn fetch_set_up(&self, _reference: &str) -> Result<SetUpAnswer> {
        Err(ProviderError::Unsupported)
    }

    /// Collects a whole schedule at once.
    async fn schedule(&self, _: &Schedule) -> Result<Vec<ScheduledPayment>> {
        Err(ProviderError::Unsupported)
    }

    /// Checks that a message is the provider's, and reads it.
    fn read_webhook(&self, _: &Delivery<'_>) -> Result<Vec<Notice>, WebhookError> {
        Err(WebhookError::Unreadable("this provider sends no messages".into()))
    }

    /// What the provider wants to hear when its message was kept, or refused.
    fn reply(&self, verdict: &Verdict) -> Reply {
        match verdict {
            Verdict::Kept | Verdict::Allowed => Reply { status: 200, body: None },
            Verdict::Refused(_) => Reply { status: 400, body: None },
        }
    }
}

/// Money that is asked for. It is kept, sealed, with its attempt, so that it can be asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    pub payment: PaymentId,
    /// Names this call: the provider's idempotency key.
    pub attempt: AttemptId,
    pub customer: CustomerId,
    #[serde(with = "money")]
    pub amount: Money,
    /// Held until it is captured.
    pub manual_capture: bool,
    /// A provider's token for a card, a phone in E.164, a mandate. None: the payer chooses at the provider.
    pub method: Option<String>,
    /// Nobody is there to act.
    pub off_session: bool,
    /// Where the payer's browser comes back to.
    pub return_url: Option<String>,
    /// Where the provider tells what became of it: unguessable, and of this payment alone.
    pub callback_url: String,
    /// For the payer's statement.
    pub description: String,
    /// Short, for where a statement has little room: at most 12 letters and digits.
    pub account_reference: String,
    pub asked_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct Confirm {
    pub attempt: AttemptId,
    pub reference: String,
    pub method: Option<String>,
    pub return_url: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Capture {
    pub attempt: AttemptId,
    pub reference: String,
    pub amount: Money,
}

#[derive(Clone, Debug)]
pub struct Cancel {
    pub attempt: AttemptId,
    pub reference: String,
}

#[derive(Clone, Debug)]
pub struct Refund {
    /// Names this call: the provider's idempotency key.
    pub refund: RefundId,
    pub payment: PaymentId,
    pub reference: String,
    pub transaction: Option<String>,
    pub amount: Money,
    /// All refunds of the payment, with this one.
    pub total: Money,
    pub reason: Option<String>,
    pub callback_url: String,
}

/// How a payment stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub reference: Option<String>,
    pub transaction: Option<String>,
    pub outcome: Outcome,
    /// As the provider has it; None where it does not say. Another than was asked for is never taken for ours.
    pub amount: Option<Money>,
    /// What was taken so far, where a part can be.
    pub captured_minor: Option<i64>,
    /// When a hold lapses.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    ActionRequired(NextAction),
    Processing,
    Authorized,
    Completed,
    Declined(Decline),
    Canceled,
    /// The provider gave it up, or never heard of it.
    Expired,
    /// Taken back after it was completed.
    Reversed,
}

/// A provider's no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// The provider's code in lower case: `insufficient_funds`.
    pub code: String,
    /// For people, without anything secret.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundAnswer {
    pub reference: Option<String>,
    pub outcome: RefundOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundOutcome {
    Processing,
    Completed,
    Failed(Decline),
}

/// Why a call has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It may have happened: ask before doing it again.
    #[error("the provider's answer was lost")]
    Lost(#[source] BoxError),
    /// It has certainly not happened: it may be done again.
    #[error("the provider cannot be reached")]
    Unavailable(#[source] BoxError),
    /// The tenant's credentials do not work.
    #[error("the provider does not accept the credentials")]
    Credentials,
    /// The provider refuses the call as it is.
    #[error("{}", .0.message)]
    Refused(Decline),
    #[error("the provider cannot do this")]
    Unsupported,
    /// The provider says what it should not.
    #[error("the provider's answer makes no sense")]
    Nonsense(#[source] BoxError),
}

/// One page of what moved at a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub movements: Vec<Movement>,
    /// Where the next page begins; None: this was the last.
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    pub kind: MovementKind,
    /// Of the payment or the refund.
    pub reference: String,
    pub amount: Money,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementKind {
    Charge,
    Refund,
}

#[derive(Clone, Debug)]
pub struct SetUp {
    /// Names this call.
    pub attempt: AttemptId,
    pub customer: CustomerId,
    pub currency: entity::money::Currency,
    pub email: Option<String>,
    pub name: String,
    pub return_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUpAnswer {
    pub reference: String,
    pub outcome: SetUpOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetUpOutcome {
    ActionRequired(NextAction),
    Processing,
    /// The method that can be charged from now on.
    Ready(String),
    Failed(Decline),
}

#[derive(Clone, Debug)]
pub struct Schedule {
    /// Names this call.
    pub attempt: AttemptId,
    pub name: String,
    pub method: String,
    /// Each with the date (of the payer's bank) on which it is collected.
    pub instalments: Vec<(NaiveDate, Money)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledPayment {
    pub reference: String,
    pub on: NaiveDate,
    pub amount: Money,
}

/// A message as it came in.
pub struct Delivery<'a> {
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
    pub received_at: DateTime<Utc>,
    /// For whose alone the address was that it came to; None: for any of the tenant's.
    pub payment: Option<PaymentId>,
}

impl Delivery<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Not the provider's, or too old.
    #[error("the signature does not fit")]
    Forged,
    #[error("cannot be read: {0}")]
    Unreadable(#[source] BoxError),
}

/// One thing that a provider tells: a hint where to look, never the truth itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The provider's name for this very message, by which a repetition is known.
    pub event_id: String,
    /// In the provider's words.
    pub event_type: String,
    pub about: About,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// Look it up by the provider's reference. What the message claims beside must fit what was asked for.
    Payment { reference: String, claims: Claims },
    /// Look it up; the outcome counts where the provider cannot be asked for it.
    Refund { reference: String, outcome: Option<RefundOutcome> },
    /// A customer has paid without having been asked.
    Unasked(Unasked),
    /// May a customer pay this? The answer changes nothing.
    Question(Unasked),
    /// Of a kind that we have no use for.
    Nothing,
}

/// What a message without a signature says of the payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub transaction: Option<String>,
    #[serde(with = "money::optional", default)]
    pub amount: Option<Money>,
    /// Who has paid, as the provider writes it.
    pub payer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unasked {
    pub transaction: String,
    #[serde(with = "money")]
    pub amount: Money,
    /// What the payer has typed as the account.
    pub account_reference: String,
    pub payer: Option<String>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Kept,
    /// The question's answer is yes.
    Allowed,
    Refused(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Forged,
    Unreadable,
    UnknownAccount,
    WrongAmount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: Option<serde_json::Value>,
}

/// An amount as the two fields that it is kept in.
mod money {
    use entity::money::{Currency, Money};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Fields {
        minor: i64,
        currency: Currency,
    }

    pub fn serialize<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
        Fields { minor: money.minor(), currency: money.currency() }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        Fields::deserialize(deserializer)
            .map(|Fields { minor, currency }| Money::new(minor, currency))
    }

    pub mod optional {
        use super::{Deserialize, Deserializer, Fields, Money, Serialize, Serializer};

        pub fn serialize<S: Serializer>(
            money: &Option<Money>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            money
                .map(|money| Fields { minor: money.minor(), currency: money.currency() })
                .serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Money>, D::Error> {
            let fields = Option::<Fields>::deserialize(deserializer)?;
            Ok(fields.map(|Fields { minor, currency }| Money::new(minor, currency)))
        }
    }
}
