//! One movement between two accounts of the ledger. Never changed, never deleted.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use uuid::Uuid;

use crate::{
    account::AccountId,
    customer::CustomerId,
    money::{Currency, Money},
    payment::PaymentId,
    rental::RentalId,
    tenant::TenantId,
};

id_type!(TransferId, "transfer");

/// Why money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Kind {
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

/// How far a movement is. Only `Single` and `Posted` move money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Phase {
    /// In one step.
    Single,
    /// Reserves, until another one posts it in full or part, voids it, or lets it expire.
    Pending,
    /// Posts what was reserved; what it leaves is free again.
    Posted,
    /// Frees what was reserved.
    Voided,
    /// As voided, by the passing of time.
    Expired,
}

impl Kind {
    /// As it is kept: `top_up`.
    pub fn word(self) -> String {
        self.to_value()
    }
}

impl Phase {
    /// Those that are in balances.
    pub const MOVES: [Self; 2] = [Self::Single, Self::Posted];

    /// As it is kept.
    pub fn word(self) -> String {
        self.to_value()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "transfer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TransferId,
    /// The business's own name of it: no two have the same, ever.
    pub reference: String,
    /// Those that were made together have the same.
    pub group_id: Uuid,
    pub kind: Kind,
    pub phase: Phase,
    /// The pending one that this one ends.
    pub pending_id: Option<TransferId>,
    pub debit_account_id: AccountId,
    pub credit_account_id: AccountId,
    pub amount_minor: i64,
    pub currency: Currency,
    /// Whose account it touches.
    pub customer_id: Option<CustomerId>,
    pub rental_id: Option<RentalId>,
    pub payment_id: Option<PaymentId>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    pub fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }
}
