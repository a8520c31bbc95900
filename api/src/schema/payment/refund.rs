//! Money on its way back.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, Object, dataloader::Loader};
use entity::{
    payment::PaymentId,
    refund::{self, State},
};

use super::Payment;
use crate::{
    context::Call,
    error::{Error, Result},
    schema::{
        loader::{Batch, ReceiptOfRefund},
        money::Money,
        receipt::Receipt,
        scalar::DateTime,
    },
};

/// How far a refund has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub enum RefundState {
    /// With the provider, or on its way there.
    Pending,
    /// The customer has the money, as far as the provider says.
    Completed,
    /// The provider said no: what it was to give back is free again.
    Failed,
    /// The provider's answer was lost; it is asked until it is known.
    Unknown,
}

/// Money on its way back to a customer.
#[derive(Clone)]
pub struct Refund(pub refund::Model);

impl From<refund::Model> for Refund {
    fn from(model: refund::Model) -> Self {
        Self(model)
    }
}

/// Money on its way back to a customer, or there already.
#[Object]
impl Refund {
    /// Global id, `refund_…`: the provider's idempotency key.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// How far it has come.
    async fn state(&self) -> RefundState {
        self.0.state.into()
    }

    /// How much.
    async fn amount(&self) -> Money {
        self.0.amount().into()
    }

    /// Of which payment.
    async fn payment(&self, ctx: &Context<'_>) -> Result<Option<Payment>> {
        Ok(ctx.load()?.load_one(self.0.payment_id).await?.map(Payment))
    }

    /// The receipt; null until the money is back.
    async fn receipt(&self, ctx: &Context<'_>) -> Result<Option<Receipt>> {
        Ok(ctx.load()?.load_one(ReceiptOfRefund(self.0.id)).await?.map(Receipt::from))
    }

    /// Why, in staff's words; null when they gave none.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The provider's name for it; null until it has answered.
    async fn provider_reference(&self) -> Option<&str> {
        self.0.provider_reference.as_deref()
    }

    /// The provider's reason in lower case; null when it did not fail.
    async fn failure_code(&self) -> Option<&str> {
        self.0.failure_code.as_deref()
    }

    /// The same for people; null when it did not fail.
    async fn failure_message(&self) -> Option<&str> {
        self.0.failure_message.as_deref()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When the provider had given it back; null until then.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(DateTime)
    }
}

/// Those of one payment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RefundsOf(pub PaymentId);

impl Loader<RefundsOf> for Batch {
    type Value = Vec<refund::Model>;
    type Error = Error;

    async fn load(&self, keys: &[RefundsOf]) -> Result<HashMap<RefundsOf, Self::Value>, Error> {
        let ids: Vec<_> = keys.iter().map(|RefundsOf(id)| *id).collect();
        let found = service::payment::refunds_of(&self.0, &ids).await?;
        Ok(found.into_iter().map(|(id, refunds)| (RefundsOf(id), refunds)).collect())
    }
}
