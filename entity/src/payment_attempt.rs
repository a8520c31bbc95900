//! One call to a provider for a payment. Its row is there before the call is made.

use chrono::{DateTime, Utc};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    payment::{self, PaymentId},
    tenant::TenantId,
};

// What the provider is told to know a repeated call by.
id_type!(AttemptId, "payment_attempt");

/// What the provider was asked for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Charge,
    Confirm,
    Capture,
    Cancel,
}

/// The payment when a call had ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Answer(pub Box<payment::Model>);

/// What became of the call.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The call is about to be made, or under way.
    Pending,
    /// The provider took it.
    Accepted,
    /// The provider said no.
    Failed,
    /// The answer was lost, and the provider is asked what became of it.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "payment_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttemptId,
    pub payment_id: PaymentId,
    /// Counted from 1.
    pub number: i32,
    pub verb: Verb,
    pub amount_minor: i64,
    pub state: State,
    /// The rest of what the provider is asked for, sealed: it may name a card or a phone.
    #[serde(skip)]
    pub sealed_request: Vec<u8>,
    /// The call belongs to whoever made it until then; afterwards the provider is asked what became of it.
    pub locked_until: DateTime<Utc>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    /// The payment as the call left it: what whoever asked for it is told, however often.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    #[serde(skip)]
    pub answer: Option<Answer>,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

of_tenant!();
