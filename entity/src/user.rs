//! A person who signs in to one tenant: staff, or a customer's login.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::{customer::CustomerId, tenant::TenantId};

id_type!(UserId, "user");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Of the platform itself, and of no tenant.
    Administrator,
    Owner,
    Admin,
    Staff,
    Accountant,
    Vendor,
    Broker,
    /// Rides for the customer company that it belongs to.
    Employee,
    Customer,
}

impl Role {
    /// Stands for a customer, and so has one.
    pub fn rides(self) -> bool {
        matches!(self, Self::Employee | Self::Customer)
    }
}

/// As text for the audit log only, which leaves its secrets out.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// Lower case; unique within the tenant. Who has none has a phone.
    pub email: Option<String>,
    /// E.164; unique within the tenant.
    pub phone: Option<String>,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub phone_verified_at: Option<DateTime<Utc>>,
    pub name: String,
    pub role: Role,
    /// Argon2id in PHC form. None: signs in by one-time codes.
    pub password_hash: Option<String>,
    /// The second factor's secret, sealed; it counts once it is confirmed.
    pub totp_secret: Option<Vec<u8>>,
    pub totp_confirmed_at: Option<DateTime<Utc>>,
    /// The last time step whose code was used: each code works once.
    pub totp_last_step: Option<i64>,
    /// Whose rentals this login starts; only for roles that ride.
    pub customer_id: Option<CustomerId>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();
