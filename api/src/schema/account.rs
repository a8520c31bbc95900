//! Accounts of the ledger, as accountants see them, and the trial balance.

mod statement;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::{account, account::Side, customer::CustomerId};
use service::ledger::{
    account::{Filter, SortBy},
    trial_balance,
};

pub use statement::AccountStatement;

use super::{
    connection::{connection, counted, nodes, page, sort},
    customer::Customer,
    money::Money,
    scalar::{CurrencyCode, Date, DateTime, Gid},
};
use crate::{context::Call, error::Result};

/// One account of the ledger.
#[derive(Clone)]
pub struct Account(pub account::Model);

impl From<account::Model> for Account {
    fn from(model: account::Model) -> Self {
        Self(model)
    }
}

/// What an account is for. New values may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::Kind")]
pub enum AccountKind {
    /// What a customer has paid in, to pay with later. Grows by credits, and is never overdrawn.
    CustomerWallet,
    /// What a customer has left as security. Grows by credits, and is never overdrawn.
    DepositsHeld,
    /// What a customer owes; negative when they have paid too much. Grows by debits.
    CustomerReceivable,
    /// Revenue from unlocking. Grows by credits.
    RevenueUnlock,
    /// Revenue from time. Grows by credits.
    RevenueMinutes,
    /// Revenue from distance. Grows by credits.
    RevenueDistance,
    /// Revenue from overdue rentals. Grows by credits.
    RevenuePenalty,
    /// Revenue from vehicles that did not come back. Grows by credits.
    RevenueLostVehicle,
    /// What daily caps take off the revenue. Grows by debits.
    Discounts,
    /// Tax that customers were charged. Grows by credits.
    Tax,
    /// What a payment provider, or the cash desk, has taken in and not paid out. Grows by debits.
    ProviderClearing,
    /// What payment providers keep for themselves. Grows by debits.
    Fees,
    /// Revenue that was given back. Grows by debits.
    Refunds,
    /// What the tenant gives away. Grows by debits.
    Promotions,
    /// What customers owe and will not pay. Grows by debits.
    BadDebt,
}

/// On which side of an account something is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Side")]
pub enum LedgerSide {
    /// The left side.
    Debit,
    /// The right side.
    Credit,
}

/// One account of the ledger, in one currency. Made on its first use; its balance is what its transfers come to.
#[Object]
impl Account {
    /// Global id, `account_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What it is for.
    async fn kind(&self) -> AccountKind {
        self.0.kind.into()
    }

    /// Its one currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// Whose it is: a customer's global id, or a payment provider's name such as `stripe`; null when it is the tenant's own.
    async fn holder(&self) -> Option<&str> {
        Some(self.0.holder.as_str()).filter(|holder| !holder.is_empty())
    }

    /// The customer whose it is; null when it is no customer's.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let Some(id) = self.0.customer_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Customer))
    }

    /// On which side it grows: a balance on that side is positive.
    async fn normal_side(&self) -> LedgerSide {
        self.0.kind.side().into()
    }

    /// What is posted on the side on which it grows, less the other side. So what a customer owes, a wallet holds, or the
    /// tenant has earned is positive.
    async fn balance(&self) -> Money {
        self.0.balance().into()
    }

    /// The balance less what holds have reserved of it.
    async fn available(&self) -> Money {
        self.0.available().into()
    }

    /// All that was ever posted to its left side.
    async fn debits(&self) -> Money {
        self.money(self.0.debits_posted)
    }

    /// All that was ever posted to its right side.
    async fn credits(&self) -> Money {
        self.money(self.0.credits_posted)
    }

    /// What open holds reserve on its left side; in no balance.
    async fn pending_debits(&self) -> Money {
        self.money(self.0.debits_pending)
    }

    /// What open holds reserve on its right side; in no balance.
    async fn pending_credits(&self) -> Money {
        self.money(self.0.credits_pending)
    }

    /// When it was first used.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// The account over these days of the tenant's time zone, both included.
    async fn statement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first day.")] from: Date,
        #[graphql(desc = "The last day.")] to: Date,
    ) -> Result<AccountStatement> {
        AccountStatement::of(ctx, self.0.id, from, to).await
    }
}

impl Account {
    fn money(&self, minor: i64) -> Money {
        entity::money::Money::new(minor, self.0.currency).into()
    }
}

connection!(AccountConnection, AccountEdge, Account, "accounts");

/// Which accounts; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct AccountFilter {
    /// Of any of these kinds.
    kinds: Option<Vec<AccountKind>>,
    /// In this currency.
    currency: Option<CurrencyCode>,
    /// This customer's.
    customer_id: Option<Gid<CustomerId>>,
    /// Those with a balance, or those without.
    has_balance: Option<bool>,
}

impl From<AccountFilter> for Filter {
    fn from(filter: AccountFilter) -> Self {
        Self {
            kinds: filter.kinds.unwrap_or_default().into_iter().map(Into::into).collect(),
            currency: filter.currency.map(|CurrencyCode(currency)| currency),
            customer: filter.customer_id.map(|Gid(id)| id),
            has_balance: filter.has_balance,
        }
    }
}

/// What accounts can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "SortBy")]
pub enum AccountSortField {
    /// By the name of the kind.
    #[default]
    Kind,
    /// By balance, in minor units: filter by currency too.
    Balance,
    /// By first use.
    Created,
}

sort!(AccountSort, AccountSortField, "accounts");

/// All accounts of the tenant in one currency. Both sides come to the same.
#[derive(SimpleObject)]
pub struct TrialBalance {
    /// The currency.
    currency: CurrencyCode,
    /// All that was posted to the left sides.
    debits: Money,
    /// All that was posted to the right sides; the same amount.
    credits: Money,
    /// By kind of account; kinds without a movement are left out.
    lines: Vec<TrialBalanceLine>,
}

/// All accounts of one kind in one currency.
#[derive(SimpleObject)]
pub struct TrialBalanceLine {
    /// The kind.
    kind: AccountKind,
    /// What was posted to their left sides.
    debits: Money,
    /// What was posted to their right sides.
    credits: Money,
    /// What is posted on the side on which the kind grows, less the other side.
    balance: Money,
}

impl From<trial_balance::TrialBalance> for TrialBalance {
    fn from(all: trial_balance::TrialBalance) -> Self {
        Self {
            currency: CurrencyCode(all.currency),
            debits: all.debits.into(),
            credits: all.credits.into(),
            lines: all.lines.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<trial_balance::Line> for TrialBalanceLine {
    fn from(line: trial_balance::Line) -> Self {
        let (debits, credits) = (line.debits, line.credits);
        let balance = line.kind.balance(debits.minor(), credits.minor(), debits.currency());
        Self {
            kind: line.kind.into(),
            debits: debits.into(),
            credits: credits.into(),
            balance: balance.into(),
        }
    }
}

#[derive(Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// The accounts of the ledger, by kind when not sorted otherwise. For owners, administrators and accountants.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only accounts that match.")] filter: Option<AccountFilter>,
        #[graphql(desc = "Their order.")] sort: Option<AccountSort>,
    ) -> Result<AccountConnection> {
        let filter = Arc::new(Filter::from(filter.unwrap_or_default()));
        let by = sort.map_or((SortBy::Kind, service::page::Direction::Ascending), |sort| {
            (sort.field.into(), sort.direction.into())
        });
        let args = page(first, after, last, before);
        let found = service::ledger::account::list(ctx.call()?, &filter, by, &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { service::ledger::account::count(&call, &filter).await }
        });
        Ok(AccountConnection { page: nodes(found), count })
    }

    /// All accounts summed up, for each currency. For owners, administrators and accountants.
    #[graphql(complexity = "20 + child_complexity")]
    async fn trial_balance(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "As it was at the end of this day in the tenant's time zone; as it is now when not given."
        )]
        as_of: Option<Date>,
    ) -> Result<Vec<TrialBalance>> {
        let day = as_of.map(|Date(day)| day);
        let all = trial_balance::get(ctx.call()?, day).await?;
        Ok(all.into_iter().map(Into::into).collect())
    }
}
