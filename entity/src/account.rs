//! One account of the ledger: what was booked to its two sides, in one currency.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{
    customer::CustomerId,
    money::{Currency, Money},
    tariff::LineKind,
    tenant::TenantId,
};

id_type!(AccountId, "account");

/// What an account is for. Those that nobody may overdraw come first: in this order accounts are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Kind {
    /// What a customer has paid in, to pay with later.
    CustomerWallet,
    /// What a customer has left as security.
    DepositsHeld,
    /// What a customer owes.
    CustomerReceivable,
    RevenueUnlock,
    RevenueMinutes,
    RevenueDistance,
    RevenuePenalty,
    RevenueLostVehicle,
    /// What caps take off the revenue.
    Discounts,
    /// Owed to the state.
    Tax,
    /// What a payment provider has taken in, and has not paid out.
    ProviderClearing,
    /// What a payment provider keeps for itself.
    Fees,
    /// Revenue that was given back.
    Refunds,
    /// Money that the tenant gives away.
    Promotions,
    /// What customers owe and will not pay.
    BadDebt,
}

/// On which side an account grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Debit,
    Credit,
}

impl Kind {
    /// As it is kept: `customer_wallet`.
    pub fn word(self) -> String {
        self.to_value()
    }

    /// Where a line of a price goes.
    pub fn of_line(line: LineKind) -> Self {
        match line {
            LineKind::Unlock => Self::RevenueUnlock,
            LineKind::Minutes => Self::RevenueMinutes,
            LineKind::Distance => Self::RevenueDistance,
            LineKind::Cap => Self::Discounts,
            LineKind::Penalty => Self::RevenuePenalty,
            LineKind::LostVehicle => Self::RevenueLostVehicle,
            LineKind::Tax => Self::Tax,
        }
    }

    /// What the tenant owns or spends grows by debits, what it owes or earns by credits.
    pub fn side(self) -> Side {
        match self {
            Self::CustomerReceivable
            | Self::Discounts
            | Self::ProviderClearing
            | Self::Fees
            | Self::Refunds
            | Self::Promotions
            | Self::BadDebt => Side::Debit,
            Self::CustomerWallet
            | Self::DepositsHeld
            | Self::RevenueUnlock
            | Self::RevenueMinutes
            | Self::RevenueDistance
            | Self::RevenuePenalty
            | Self::RevenueLostVehicle
            | Self::Tax => Side::Credit,
        }
    }

    /// Whether no more may be taken than was put in, what is reserved included.
    pub fn is_limited(self) -> bool {
        matches!(self, Self::CustomerWallet | Self::DepositsHeld)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    pub kind: Kind,
    pub currency: Currency,
    /// The customer's global id, a provider's name, or empty: with kind and currency it names the account.
    pub holder: String,
    pub customer_id: Option<CustomerId>,
    /// Minor units, as all four.
    pub debits_posted: i64,
    pub credits_posted: i64,
    /// Reserved by holds, and not in the posted sums.
    pub debits_pending: i64,
    pub credits_pending: i64,
    pub created_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    /// What is booked on the side on which the account grows, less the other side.
    pub fn balance(&self) -> Money {
        self.kind.balance(self.debits_posted, self.credits_posted, self.currency)
    }

    /// What can be taken: the balance less what holds have reserved.
    pub fn available(&self) -> Money {
        let reserved = match self.kind.side() {
            Side::Debit => self.credits_pending,
            Side::Credit => self.debits_pending,
        };
        Money::new(self.balance().minor().saturating_sub(reserved), self.currency)
    }
}

impl Kind {
    pub fn balance(self, debits: i64, credits: i64, currency: Currency) -> Money {
        let minor = match self.side() {
            Side::Debit => debits.saturating_sub(credits),
            Side::Credit => credits.saturating_sub(debits),
        };
        Money::new(minor, currency)
    }
}
