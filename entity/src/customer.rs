//! A person who rents vehicles of one tenant.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::tenant::TenantId;

id_type!(CustomerId, "customer");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    pub name: String,
    pub email: Option<String>,
    /// E.164, such as `+254700123456`.
    pub phone: Option<String>,
    /// Set while the customer may not start or reserve anything.
    pub blocked_at: Option<DateTime<Utc>>,
    /// None: the tenant's limit.
    pub rental_limit: Option<i32>,
    pub archived_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

of_tenant!();
