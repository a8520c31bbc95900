//! One numbered change in a tenant's stream. It may be pruned; what must be kept has a table of its own.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenant::TenantId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// 1, 2, 3 … in the order of commits, without a gap.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    pub kind: String,
    /// What changed, before and after, as JSON.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    pub actor: String,
    pub occurred_at: DateTime<Utc>,
}

of_tenant!();
