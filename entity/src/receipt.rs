//! A numbered document of money that came or went back. Never changed, never deleted.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    customer::CustomerId,
    money::{Currency, Money},
    payment::{PaymentId, Provider},
    refund::RefundId,
    rental::RentalId,
    tariff,
    tenant::TenantId,
};

id_type!(ReceiptId, "receipt");

/// What happened to the money.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It came.
    Payment,
    /// It was given back.
    Refund,
    /// The provider took it back after it had come.
    Reversal,
    /// It came again: the provider had taken it back wrongly.
    Reinstatement,
}

/// What one line is for: the kinds of a price's lines, and those of money without a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    Unlock,
    Minutes,
    Distance,
    Cap,
    Penalty,
    LostVehicle,
    /// A part of a rental's price, without its tax.
    PartPayment,
    Deposit,
    TopUp,
    Balance,
    Refund,
    Reversal,
    Reinstatement,
    /// On the sum of all other lines.
    Tax,
}

impl From<tariff::LineKind> for LineKind {
    fn from(kind: tariff::LineKind) -> Self {
        match kind {
            tariff::LineKind::Unlock => Self::Unlock,
            tariff::LineKind::Minutes => Self::Minutes,
            tariff::LineKind::Distance => Self::Distance,
            tariff::LineKind::Cap => Self::Cap,
            tariff::LineKind::Penalty => Self::Penalty,
            tariff::LineKind::LostVehicle => Self::LostVehicle,
            tariff::LineKind::Tax => Self::Tax,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: LineKind,
    /// As it is printed.
    pub text: String,
    /// Begun minutes, begun kilometres, capped days or started hours; None where nothing is counted.
    pub quantity: Option<i64>,
    pub amount_minor: i64,
}

/// They sum to the total exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Lines(pub Vec<Line>);

/// What one rate of tax came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// 0.25 is 25 %.
    pub rate: Decimal,
    /// What it is on.
    pub net_minor: i64,
    pub amount_minor: i64,
}

/// One for each rate; they sum to the tax exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Taxes(pub Vec<Tax>);

/// Who stands on it, as they were called when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Party {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "receipt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReceiptId,
    /// Year and number, as `2026-000042`.
    pub number: String,
    /// Of the tenant's time zone.
    pub year: i32,
    /// Counted from 1 within the year, without a gap.
    pub seq: i64,
    pub kind: Kind,
    pub payment_id: PaymentId,
    /// Set for a refund, and only then.
    pub refund_id: Option<RefundId>,
    /// Counts reversals, and reinstatements, of one payment from 1; 0 for payments and refunds.
    pub round: i32,
    /// The number of the payment's own receipt; None where this is it.
    pub original_number: Option<String>,
    pub customer_id: CustomerId,
    pub rental_id: Option<RentalId>,
    pub issued_at: DateTime<Utc>,
    /// IANA name; the tenant's, in which its times are printed.
    pub time_zone: String,
    pub currency: Currency,
    /// Tax included; negative when money went back.
    pub total_minor: i64,
    pub tax_minor: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub taxes: Taxes,
    /// What the money was for, as it is printed.
    pub description: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub lines: Lines,
    #[sea_orm(column_type = "JsonBinary")]
    pub seller: Party,
    #[sea_orm(column_type = "JsonBinary")]
    pub buyer: Party,
    pub provider: Provider,
    /// The provider's name for the movement of the money.
    pub provider_reference: Option<String>,
}

of_tenant!();

impl Model {
    pub fn total(&self) -> Money {
        self.of(self.total_minor)
    }

    pub fn tax(&self) -> Money {
        self.of(self.tax_minor)
    }

    pub fn net(&self) -> Money {
        self.of(self.total_minor - self.tax_minor)
    }

    pub fn of(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}
