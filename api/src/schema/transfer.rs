//! Transfers of the ledger, as accountants see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{account::AccountId, customer::CustomerId, rental::RentalId, transfer};
use service::ledger::transfer::Filter;

use super::{
    account::Account,
    connection::{SortDirection, connection, counted, nodes, page},
    customer::Customer,
    money::Money,
    rental::Rental,
    scalar::{DateTime, Gid},
};
use crate::{context::Call, error::Result};

/// One movement of money.
#[derive(Clone)]
pub struct Transfer(pub transfer::Model);

impl From<transfer::Model> for Transfer {
    fn from(model: transfer::Model) -> Self {
        Self(model)
    }
}

/// Why money moves. New values may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "transfer::Kind")]
pub enum TransferKind {
    /// A line of a rental's price.
    Charge,
    /// A customer pays through a provider what they owe.
    Payment,
    /// A customer pays into their wallet.
    TopUp,
    /// A customer pays from their wallet.
    WalletPayment,
    /// A customer leaves security, or gets it back.
    Deposit,
    /// What was paid goes back.
    Refund,
    /// A payment that was thought complete was not.
    Reversal,
    /// A provider keeps a part.
    Fee,
    /// The tenant gives something away.
    Promotion,
    /// The tenant gives up what it is owed.
    WriteOff,
    /// Staff put something right.
    Correction,
}

/// How far a movement is. Only `SINGLE` and `POSTED` are in balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "transfer::Phase")]
pub enum TransferPhase {
    /// In one step.
    Single,
    /// Reserves, until another transfer ends it.
    Pending,
    /// Posts what was reserved, or a part; the rest is free again.
    Posted,
    /// Frees what was reserved.
    Voided,
    /// Frees what was reserved, because its time has passed.
    Expired,
}

/// One movement of money from one account to another. Never changed, never deleted: what was wrong is put right by another.
#[Object]
impl Transfer {
    /// Global id, `transfer_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What the business calls it; no two have the same, ever.
    async fn reference(&self) -> &str {
        &self.0.reference
    }

    /// The same for those that were made together.
    async fn group_id(&self) -> String {
        self.0.group_id.simple().to_string()
    }

    /// Why money moves.
    async fn kind(&self) -> TransferKind {
        self.0.kind.into()
    }

    /// How far it is.
    async fn phase(&self) -> TransferPhase {
        self.0.phase.into()
    }

    /// How much; never negative.
    async fn amount(&self) -> Money {
        self.0.amount().into()
    }

    /// The account on whose left side it is booked.
    async fn debit_account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        Ok(ctx.load()?.load_one(self.0.debit_account_id).await?.map(Account))
    }

    /// The account on whose right side it is booked.
    async fn credit_account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        Ok(ctx.load()?.load_one(self.0.credit_account_id).await?.map(Account))
    }

    /// The id of the pending transfer that this one ends; null when it ends none.
    async fn pending_id(&self) -> Option<ID> {
        self.0.pending_id.map(|id| id.to_string().into())
    }

    /// The customer whose account it touches; null when it touches none.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let Some(id) = self.0.customer_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Customer))
    }

    /// The rental that it is about; null when it is about none.
    async fn rental(&self, ctx: &Context<'_>) -> Result<Option<Rental>> {
        let Some(id) = self.0.rental_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Rental))
    }

    /// The id of the payment that it is about; null when it is about none.
    async fn payment_id(&self) -> Option<ID> {
        self.0.payment_id.map(|id| id.to_string().into())
    }

    /// When it was booked.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

connection!(TransferConnection, TransferEdge, Transfer, "transfers");

/// Which transfers; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct TransferFilter {
    /// Of any of these kinds.
    kinds: Option<Vec<TransferKind>>,
    /// On either side of this account.
    account_id: Option<Gid<AccountId>>,
    /// Touching this customer's accounts.
    customer_id: Option<Gid<CustomerId>>,
    /// About this rental.
    rental_id: Option<Gid<RentalId>>,
    /// Exactly this reference.
    reference: Option<String>,
    /// Booked at or after.
    created_from: Option<DateTime>,
    /// Booked before.
    created_before: Option<DateTime>,
}

impl From<TransferFilter> for Filter {
    fn from(filter: TransferFilter) -> Self {
        Self {
            kinds: filter.kinds.unwrap_or_default().into_iter().map(Into::into).collect(),
            account: filter.account_id.map(|Gid(id)| id),
            customer: filter.customer_id.map(|Gid(id)| id),
            rental: filter.rental_id.map(|Gid(id)| id),
            payment: None,
            reference: filter.reference,
            created_from: filter.created_from.map(|DateTime(from)| from),
            created_before: filter.created_before.map(|DateTime(before)| before),
        }
    }
}

#[derive(Default)]
pub struct TransferQuery;

#[Object]
impl TransferQuery {
    /// The transfers of the ledger by time, the newest first when not said otherwise. For owners, administrators and
    /// accountants.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only transfers that match.")] filter: Option<TransferFilter>,
        #[graphql(desc = "Which way, by time.", default_with = "SortDirection::Desc")]
        direction: SortDirection,
    ) -> Result<TransferConnection> {
        let filter = Arc::new(Filter::from(filter.unwrap_or_default()));
        let args = page(first, after, last, before);
        let by = direction.into();
        let found = service::ledger::transfer::list(ctx.call()?, &filter, by, &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { service::ledger::transfer::count(&call, &filter).await }
        });
        Ok(TransferConnection { page: nodes(found), count })
    }
}
