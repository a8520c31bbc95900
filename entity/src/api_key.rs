//! What an API client shows to be let in. It is told once; only its hash is kept.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::{api_client::ClientId, scope::Scopes, tenant::TenantId};

id_type!(KeyId, "key");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: KeyId,
    pub client_id: ClientId,
    /// 1 or 2: a client has two that work at most, so that it can change from one to the other.
    pub slot: i16,
    /// How it begins, for people to tell it by. Of no use without the rest.
    pub prefix: String,
    pub sha256: Vec<u8>,
    /// Less than its client may; None is as much.
    pub scopes: Option<Scopes>,
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    pub fn works_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}
