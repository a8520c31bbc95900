//! Who may do something that must not be done twice at once, and until when.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenant::TenantId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_lease")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// A number of the holder's own.
    pub owner: Uuid,
    /// After this, anybody may take it.
    pub held_until: DateTime<Utc>,
    /// One more for each holder: who has an older number holds nothing.
    pub fence: i64,
}

of_tenant!();
