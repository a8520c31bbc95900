//! What a rental costs: a GBFS pricing plan, with overdue, tax and collateral rules beside it.

mod line_kind;
mod terms;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

pub use line_kind::LineKind;
pub use terms::{Penalty, PenaltyBasis, Segment, Terms, TermsError, TermsRule};

use crate::tenant::TenantId;

id_type!(TariffId, "tariff");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "tariff")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TariffId,
    pub name: String,
    pub description: String,
    /// A rental keeps the terms of its start, whatever becomes of the tariff.
    #[sea_orm(column_type = "JsonBinary")]
    pub terms: Terms,
    /// For rentals that name no tariff, of a vehicle whose type has none.
    pub is_default: bool,
    pub archived_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

of_tenant!();
