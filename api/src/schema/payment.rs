//! Payments and refunds, as clients see them.

pub mod account;
mod attempt;
mod live;
mod mutation;
mod refund;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Union};
use entity::{
    customer::CustomerId,
    payment::{self, NextAction, Provider, Purpose, State},
    rental::RentalId,
};
use service::{
    page::{Direction, PageArgs},
    payment::Filter,
};

pub use attempt::{AttemptsOf, PaymentAttempt, PaymentAttemptState, PaymentVerb};
pub use live::PaymentSubscription;
pub use mutation::PaymentMutation;
pub use refund::{Refund, RefundState, RefundsOf};

use super::{
    connection::{SortDirection, connection, counted, nodes, page},
    customer::Customer,
    loader::ReceiptOf,
    money::Money,
    receipt::Receipt,
    rental::Rental,
    scalar::{DateTime, Gid},
};
use crate::{context::Call, error::Result};

/// Who moves the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Provider")]
pub enum PaymentProvider {
    /// Pretends; for demos and development, never in production.
    Demo,
    /// Cards and wallets by Stripe.
    Stripe,
    /// M-Pesa by Safaricom.
    Mpesa,
    /// Direct debit by GoCardless.
    BankApi,
    /// Into the hands of staff: see `recordCashPayment`.
    Cash,
    /// From the customer's own wallet: see `payFromWallet`.
    Wallet,
}

/// What the money is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Purpose")]
pub enum PaymentPurpose {
    /// What a rental came to.
    Rental,
    /// Held as security while a vehicle is out.
    Deposit,
    /// Into the customer's wallet.
    TopUp,
    /// Off what the customer owes in all.
    Balance,
}

/// How far a payment has come. New values may come: treat an unknown one as `PROCESSING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub enum PaymentState {
    /// The payer has something to do: see `nextAction`.
    RequiresAction,
    /// Written down, and on its way to the provider.
    Pending,
    /// With the provider, which will tell.
    Processing,
    /// The money is held, not taken: capture or cancel it.
    Authorized,
    /// The money is here.
    Completed,
    /// The provider said no, for ever: see `failureCode`. Another try is another payment.
    Failed,
    /// Called off before any money moved.
    Canceled,
    /// Nobody answered in time. A late success still makes it `COMPLETED`.
    Expired,
    /// The provider's answer was lost; it is asked until it is known. Do not pay again meanwhile.
    Unknown,
    /// Taken back by the payer's bank after it was completed.
    Reversed,
}

/// Open this page; the payer comes back to the `returnUrl`.
#[derive(Clone, SimpleObject)]
pub struct RedirectAction {
    /// Where to.
    url: String,
}

/// Let the provider's own library go on.
#[derive(Clone, SimpleObject)]
pub struct SdkAction {
    /// What that library asks for. Show it to nobody but the payer.
    client_secret: String,
}

/// Let the payer answer the prompt on the phone.
#[derive(Clone, SimpleObject)]
pub struct PhoneAction {
    /// What to tell the payer.
    message: String,
}

/// What the payer has to do before a payment goes on.
#[derive(Clone, Union)]
pub enum PaymentAction {
    Redirect(RedirectAction),
    Sdk(SdkAction),
    Phone(PhoneAction),
}

impl From<NextAction> for PaymentAction {
    fn from(action: NextAction) -> Self {
        match action {
            NextAction::Redirect { url } => Self::Redirect(RedirectAction { url }),
            NextAction::UseSdk { client_secret } => Self::Sdk(SdkAction { client_secret }),
            NextAction::AnswerPhone => {
                Self::Phone(PhoneAction { message: "answer the prompt on your phone".to_owned() })
            }
        }
    }
}

/// Money that a customer was asked for.
#[derive(Clone)]
pub struct Payment(pub payment::Model);

impl From<payment::Model> for Payment {
    fn from(model: payment::Model) -> Self {
        Self(model)
    }
}

/// Money that a customer was asked for: what for, by which provider, and how far it has come. Customers see their own, staff
/// all.
#[Object]
impl Payment {
    /// Global id, `payment_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// How far it has come.
    async fn state(&self) -> PaymentState {
        self.0.state.into()
    }

    /// What it is for.
    async fn purpose(&self) -> PaymentPurpose {
        self.0.purpose.into()
    }

    /// Who moves the money.
    async fn provider(&self) -> PaymentProvider {
        self.0.provider.into()
    }

    /// Who pays; null when removed in the meantime.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        Ok(ctx.load()?.load_one(self.0.customer_id).await?.map(Customer))
    }

    /// The rental that it pays or secures; null when it is for none.
    async fn rental(&self, ctx: &Context<'_>) -> Result<Option<Rental>> {
        let Some(id) = self.0.rental_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Rental))
    }

    /// What was asked for.
    async fn amount(&self) -> Money {
        self.0.amount().into()
    }

    /// What is held and not taken yet.
    async fn authorized(&self) -> Money {
        self.0.of(self.0.authorized_minor).into()
    }

    /// What was taken.
    async fn captured(&self) -> Money {
        self.0.captured().into()
    }

    /// What was given back; without refunds that are under way.
    async fn refunded(&self) -> Money {
        self.0.refunded().into()
    }

    /// What can still be given back; refunds that are under way are taken off.
    async fn refundable(&self) -> Money {
        self.0.refundable().into()
    }

    /// What the payer has to do; null when nothing.
    async fn next_action(&self) -> Option<PaymentAction> {
        self.0.next_action.clone().map(Into::into)
    }

    /// Why it failed, in the provider's words in lower case, such as `card_declined`; or `provider_unavailable`,
    /// `provider_misconfigured`, `amount_mismatch` in ours. Null when it did not.
    async fn failure_code(&self) -> Option<&str> {
        self.0.failure_code.as_deref()
    }

    /// The same for people; null when it did not fail.
    async fn failure_message(&self) -> Option<&str> {
        self.0.failure_message.as_deref()
    }

    /// The provider's name for it; null until the provider has answered.
    async fn provider_reference(&self) -> Option<&str> {
        self.0.provider_reference.as_deref()
    }

    /// The provider's name for the movement of money, such as an M-Pesa receipt number; null until it moved.
    async fn provider_transaction(&self) -> Option<&str> {
        self.0.provider_transaction.as_deref()
    }

    /// The calls to the provider, oldest first.
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Vec<PaymentAttempt>> {
        let attempts = ctx.load()?.load_one(AttemptsOf(self.0.id)).await?.unwrap_or_default();
        Ok(attempts.into_iter().map(PaymentAttempt).collect())
    }

    /// What was given back or is on its way, oldest first.
    async fn refunds(&self, ctx: &Context<'_>) -> Result<Vec<Refund>> {
        let refunds = ctx.load()?.load_one(RefundsOf(self.0.id)).await?.unwrap_or_default();
        Ok(refunds.into_iter().map(Refund).collect())
    }

    /// The receipt; null until the money has come.
    async fn receipt(&self, ctx: &Context<'_>) -> Result<Option<Receipt>> {
        Ok(ctx.load()?.load_one(ReceiptOf(self.0.id)).await?.map(Receipt::from))
    }

    /// When a hold lapses; null when nothing is held, or the provider does not say.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When the money came; null until then.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(DateTime)
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

connection!(PaymentConnection, PaymentEdge, Payment, "payments");

/// Which payments; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct PaymentFilter {
    /// In one of these states; every state when not given.
    #[graphql(default)]
    pub states: Vec<PaymentState>,
    /// Of this customer. A customer's login sees its own anyway.
    pub customer_id: Option<Gid<CustomerId>>,
    /// For this rental.
    pub rental_id: Option<Gid<RentalId>>,
    /// By this provider.
    pub provider: Option<PaymentProvider>,
    /// For this.
    pub purpose: Option<PaymentPurpose>,
    /// Created at or after.
    pub created_from: Option<DateTime>,
    /// Created before.
    pub created_before: Option<DateTime>,
}

impl PaymentFilter {
    fn filter(&self) -> Filter {
        Filter {
            states: self.states.iter().map(|state| (*state).into()).collect(),
            customer: self.customer_id.map(|Gid(id)| id),
            rental: self.rental_id.map(|Gid(id)| id),
            provider: self.provider.map(Into::into),
            purpose: self.purpose.map(Into::into),
            created_from: self.created_from.map(|DateTime(time)| time),
            created_before: self.created_before.map(|DateTime(time)| time),
        }
    }
}

#[derive(Default)]
pub struct PaymentQuery;

#[Object]
impl PaymentQuery {
    /// One payment. Fails with `NOT_FOUND` when there is none that you may see.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: Gid<payment::PaymentId>,
    ) -> Result<Payment> {
        Ok(service::payment::get(ctx.call()?, id.0).await?.into())
    }

    /// Payments, newest first unless told otherwise. Customers see their own, staff all.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only payments that match.")] filter: Option<PaymentFilter>,
        #[graphql(desc = "Which way by creation; newest first when not given.")] direction: Option<
            SortDirection,
        >,
    ) -> Result<PaymentConnection> {
        let filter = Arc::new(filter.unwrap_or_default().filter());
        let direction = direction.map_or(Direction::Descending, Direction::from);
        let args: PageArgs = page(first, after, last, before);
        let found = service::payment::list(ctx.call()?, &filter, direction, &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { service::payment::count(&call, &filter).await }
        });
        Ok(PaymentConnection { page: nodes(found), count })
    }
}
