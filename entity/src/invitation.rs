//! Somebody whom a tenant expects to sign up.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::{
    customer::CustomerId,
    tenant::TenantId,
    user::{Role, UserId},
};

id_type!(InvitationId, "invitation");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub role: Role,
    /// For whom they will ride; None for a customer who is made when they accept.
    pub customer_id: Option<CustomerId>,
    pub secret_sha256: Vec<u8>,
    pub invited_by: Option<UserId>,
    pub expires_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();
