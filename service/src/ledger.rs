//! The ledger: the one way to book money.
//!
//! Every movement is a transfer from one account to another, of the same tenant and currency. Balances are kept with it, in the
//! same write, and can be recomputed from it.

pub mod account;
mod booking;
mod change;
pub(crate) mod charge;
mod hold;
pub mod period;
mod purse;
pub mod statement;
pub mod transfer;
pub mod trial_balance;

use entity::{
    Id,
    account::{Entity, Model},
    money::{Currency, Money},
    payment::PaymentId,
    rental::RentalId,
    tenant::TenantId,
    transfer::Kind,
};
use sea_orm::{ConnectionTrait, QueryFilter};

pub use hold::{expire_hold, held, hold, settle_hold, void_hold};
pub use purse::Purse;

use crate::{
    error::{Constraint, Result},
    write::Tx,
};
use booking::{Draft, Second};

/// The guarantee behind `INSUFFICIENT_FUNDS`. SQLite reports the name of a `CHECK`.
pub const NO_OVERDRAFT: Constraint =
    Constraint { name: "account_no_overdraft", columns: "account_no_overdraft" };
/// No reference is posted twice.
pub const REFERENCE: Constraint =
    Constraint { name: "transfer_reference", columns: "transfer.tenant_id, transfer.reference" };
/// A hold ends once; the lock on it sees to it first.
pub const RESOLVED_ONCE: Constraint = Constraint {
    name: "transfer_resolved_once",
    columns: "transfer.tenant_id, transfer.pending_id",
};

/// A movement that is wanted: `amount` is booked to the debit of one account and to the credit of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub debit: Purse,
    pub credit: Purse,
    /// Never negative: what goes back goes in the other direction. Nothing is booked of zero.
    pub amount: Money,
    pub kind: Kind,
    /// Says which act of the business this is; permanent and unique in the tenant. See `reference`.
    pub reference: String,
    pub rental: Option<RentalId>,
    pub payment: Option<PaymentId>,
}

/// The name of an act upon an object: `rental:018f…:0`.
pub fn reference<I: Id>(id: I, act: impl std::fmt::Display) -> String {
    format!("{}:{}:{act}", I::PREFIX, id.uuid().simple())
}

/// Books all of these or none, as one group. Accounts are made on their first use.
///
/// A wallet or deposit that would be overdrawn is `INSUFFICIENT_FUNDS`; a reference that was posted before is a defect of the
/// caller. Goes after the locks on vehicle, rental and stations, and as late in a write as it can: all rentals of a tenant
/// meet at its revenue.
pub async fn post(tx: &Tx, entries: &[Entry]) -> Result<()> {
    let drafts = entries.iter().map(Draft::single).collect();
    booking::book(tx, drafts, Second::IsDefect).await
}

/// As `post`, but says false and does nothing when the first of the references was posted before: for what may be told twice,
/// such as a provider's answer.
pub async fn post_once(tx: &Tx, entries: &[Entry]) -> Result<bool> {
    let drafts: Vec<_> = entries.iter().map(Draft::single).collect();
    let Some(first) = drafts.iter().find(|draft| draft.amount.minor() != 0) else {
        return Ok(false);
    };
    // Whoever posts the same waits here, and finds it posted.
    booking::lock_first(tx, &drafts).await?;
    if booking::find(tx, &first.reference).await?.is_some() {
        return Ok(false);
    }
    booking::book(tx, drafts, Second::IsRace).await?;
    Ok(true)
}

/// Whether this reference was posted.
pub async fn is_posted(tx: &Tx, reference: &str) -> Result<bool> {
    Ok(booking::find(tx, reference).await?.is_some())
}

/// The account as it is; None before its first use.
pub async fn find(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    purse: Purse,
    currency: Currency,
) -> Result<Option<Model>> {
    Ok(Entity::of(tenant).filter(purse.name(currency).is()).one(db).await?)
}

/// What an account has, on the side on which its kind grows: what a customer owes, what a wallet holds.
pub async fn balance(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    purse: Purse,
    currency: Currency,
) -> Result<Money> {
    let account = find(db, tenant, purse, currency).await?;
    Ok(account.map_or(Money::new(0, currency), |account| account.balance()))
}
