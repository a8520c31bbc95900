//! Money that a customer is asked for: what for, by which provider, and how far it has come.

mod state;

use chrono::{DateTime, Utc};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

pub use state::{Refused, State, Step};

use crate::{
    customer::CustomerId,
    money::{Currency, Money},
    rental::RentalId,
    tenant::TenantId,
};

id_type!(PaymentId, "payment");

/// Who moves the money.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Pretends, by a script; for demos and development.
    Demo,
    Stripe,
    /// M-Pesa by Safaricom's Daraja.
    Mpesa,
    /// Direct debit by GoCardless.
    BankApi,
    /// Into the hands of staff.
    Cash,
    /// From the customer's own balance.
    Wallet,
}

/// What the money is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// What a rental came to.
    Rental,
    /// Held as security while a vehicle is out.
    Deposit,
    /// Into the customer's wallet.
    TopUp,
    /// Off what the customer owes in all.
    Balance,
}

/// What the payer has to do before it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NextAction {
    /// Open this page, which comes back to the `returnUrl`.
    Redirect { url: String },
    /// Let the provider's own library go on with this secret.
    UseSdk { client_secret: String },
    /// Answer the prompt on the phone.
    AnswerPhone,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    pub customer_id: CustomerId,
    /// None: for no single rental.
    pub rental_id: Option<RentalId>,
    pub purpose: Purpose,
    pub provider: Provider,
    pub state: State,
    /// Authorized first, and captured or canceled later.
    pub manual_capture: bool,
    pub currency: Currency,
    pub amount_minor: i64,
    /// Held and not captured yet.
    pub authorized_minor: i64,
    pub captured_minor: i64,
    /// Given back; never more than was captured, with what is on its way.
    pub refunded_minor: i64,
    /// Refunds that have not ended.
    pub refunding_minor: i64,
    /// The provider's name for it; None until the provider has answered.
    pub provider_reference: Option<String>,
    /// The provider's name for the movement of money itself: a charge, an M-Pesa receipt number.
    pub provider_transaction: Option<String>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub next_action: Option<NextAction>,
    /// Why it failed, as the provider says it, in lower case.
    pub failure_code: Option<String>,
    /// For people.
    pub failure_message: Option<String>,
    /// Counts every change: what was read from the provider before another change came is read again.
    pub version: i64,
    /// When the provider is asked again; None when nothing is open.
    pub check_at: Option<DateTime<Utc>>,
    /// How often it was asked without an end.
    pub checks: i32,
    /// When a payment that nobody answers is given up, or a hold lapses.
    pub expires_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    pub fn amount(&self) -> Money {
        self.of(self.amount_minor)
    }

    pub fn captured(&self) -> Money {
        self.of(self.captured_minor)
    }

    pub fn refunded(&self) -> Money {
        self.of(self.refunded_minor)
    }

    /// What can still be given back.
    pub fn refundable(&self) -> Money {
        self.of(self.captured_minor - self.refunded_minor - self.refunding_minor)
    }

    pub fn of(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// Takes a step, unless it leads back.
    pub fn step(mut self, step: Step, at: DateTime<Utc>) -> Result<Self, Refused> {
        self.state = self.state.after(step)?;
        if self.state == State::Completed {
            self.completed_at = self.completed_at.or(Some(at));
        }
        if self.state != State::RequiresAction {
            self.next_action = None;
        }
        Ok(self)
    }
}
