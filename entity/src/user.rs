//! A person who signs in to one tenant: staff, or a customer's login.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{customer::CustomerId, tenant::TenantId};

id_type!(UserId, "user");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Role {
    Owner,
    Staff,
    Customer,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// Lower case; unique within the tenant.
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// Whose rentals this login starts; only for the role `customer`.
    pub customer_id: Option<CustomerId>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();
