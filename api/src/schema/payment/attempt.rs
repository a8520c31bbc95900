//! The calls to a provider for a payment.

use std::collections::HashMap;

use async_graphql::{Enum, ID, Object, dataloader::Loader};
use entity::{
    payment::PaymentId,
    payment_attempt::{self, State, Verb},
};

use crate::{
    error::Error,
    schema::{loader::Batch, scalar::DateTime},
};

/// What the provider was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Verb")]
pub enum PaymentVerb {
    /// To take the money, or hold it.
    Charge,
    /// To go on after the payer has acted.
    Confirm,
    /// To take what is held.
    Capture,
    /// To call it off.
    Cancel,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub enum PaymentAttemptState {
    /// About to be made, or under way.
    Pending,
    /// The provider took it.
    Accepted,
    /// The provider said no.
    Failed,
    /// The answer was lost; the provider is asked what became of it.
    Unknown,
}

/// One call to a provider.
#[derive(Clone)]
pub struct PaymentAttempt(pub payment_attempt::Model);

impl From<payment_attempt::Model> for PaymentAttempt {
    fn from(model: payment_attempt::Model) -> Self {
        Self(model)
    }
}

/// One call to a provider for a payment. Its id is what the provider knows it by.
#[Object]
impl PaymentAttempt {
    /// Global id, `payment_attempt_…`: the provider's idempotency key.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Counted from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// What was asked for.
    async fn verb(&self) -> PaymentVerb {
        self.0.verb.into()
    }

    /// What became of it.
    async fn state(&self) -> PaymentAttemptState {
        self.0.state.into()
    }

    /// The provider's reason in lower case; null when it did not fail.
    async fn failure_code(&self) -> Option<&str> {
        self.0.failure_code.as_deref()
    }

    /// The same for people; null when it did not fail.
    async fn failure_message(&self) -> Option<&str> {
        self.0.failure_message.as_deref()
    }

    /// When it was written down.
    async fn started_at(&self) -> DateTime {
        DateTime(self.0.started_at)
    }

    /// When its answer was applied; null until then.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }
}

/// Those of one payment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptsOf(pub PaymentId);

impl Loader<AttemptsOf> for Batch {
    type Value = Vec<payment_attempt::Model>;
    type Error = Error;

    async fn load(&self, keys: &[AttemptsOf]) -> Result<HashMap<AttemptsOf, Self::Value>, Error> {
        let ids: Vec<_> = keys.iter().map(|AttemptsOf(id)| *id).collect();
        let found = service::payment::attempt::by_payments(&self.0, &ids).await?;
        Ok(found.into_iter().map(|(id, attempts)| (AttemptsOf(id), attempts)).collect())
    }
}
