//! The first answer to a request that may come twice.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenant::TenantId;

id_type!(IdempotencyId, "idempotency");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IdempotencyId,
    pub principal: String,
    pub operation: String,
    pub key: String,
    /// SHA-256 of the input; the same key with another input is an error.
    pub input_sha256: Vec<u8>,
    /// None only inside the transaction that made the row.
    #[sea_orm(column_type = "Text", nullable)]
    pub answer: Option<String>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();
