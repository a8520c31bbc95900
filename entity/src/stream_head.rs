//! The last number of a tenant's stream, and the epoch in which its numbers hold.

use sea_orm::entity::prelude::*;

use crate::tenant::TenantId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stream_head")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    pub last_seq: i64,
    /// The oldest number that is still in the table.
    pub first_seq: i64,
    /// Renewed when a backup was restored, so that cursors from before do not lie.
    pub epoch: Uuid,
}

of_tenant!();

impl Entity {
    /// Of all tenants: for the feed and the worker, which serve them all.
    #[expect(clippy::disallowed_methods, reason = "the platform's own bookkeeping")]
    pub fn all() -> sea_orm::Select<Self> {
        Self::find()
    }
}
