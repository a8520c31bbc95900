//! One place where a user is signed in, by its refresh token.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::{tenant::TenantId, user::UserId};

id_type!(SessionId, "session");

/// As text for the audit log only, which leaves its secrets out.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub user_id: UserId,
    /// SHA-256 of the refresh token that works now; each use replaces it.
    pub refresh_sha256: Vec<u8>,
    /// The one before: whoever shows it again has a stolen copy.
    pub previous_sha256: Option<Vec<u8>>,
    pub rotated_at: Option<DateTime<Utc>>,
    /// Signed in without the second factor that the tenant asks for: it may only set one up.
    pub lacks_second_factor: bool,
    /// What the client called itself, shortened.
    pub user_agent: Option<String>,
    /// From where it was used last.
    pub address: Option<String>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

of_tenant!();
