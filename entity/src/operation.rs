//! A GraphQL document that was registered, and so can be called by its hash.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{manifest::ManifestId, tenant::TenantId};

id_type!(OperationId, "operation");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Kind {
    Query,
    Mutation,
    Subscription,
}

/// It never changes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "operation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OperationId,
    pub manifest_id: ManifestId,
    /// Of the exact text.
    pub sha256: Vec<u8>,
    pub name: String,
    pub kind: Kind,
    pub document: String,
    /// The most that a call can cost, with the largest pages.
    pub cost: i32,
    pub created_at: DateTime<Utc>,
}

of_tenant!();
