//! How far a durable reader has come in a tenant's stream.

use sea_orm::entity::prelude::*;

use crate::tenant::TenantId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consumer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub acked_seq: i64,
}

of_tenant!();

impl Entity {
    /// Of all tenants: for the feed and the worker, which serve them all.
    #[expect(clippy::disallowed_methods, reason = "the platform's own bookkeeping")]
    pub fn all() -> sea_orm::Select<Self> {
        Self::find()
    }
}
