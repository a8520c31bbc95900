//! One line of the audit log: who changed what, from where, and how it was before. Never changed, never deleted.

use chrono::{DateTime, Utc};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{tenant::TenantId, user::Role};

id_type!(AuditEntryId, "audit_entry");

/// On whose side who did it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum ActorKind {
    /// A login of the tenant.
    Staff,
    /// A partner's software, by its API client.
    Partner,
    /// An administrator of the platform, who acted on the tenant.
    Platform,
}

/// One field before and after; null where there was no value. Personal data is masked, secrets are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// With the fields that it lies in: `blocked_at`, `terms.tax_rate`.
    pub field: String,
    pub before: Value,
    pub after: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Changes(pub Vec<Change>);

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEntryId,
    pub occurred_at: DateTime<Utc>,
    pub actor_kind: ActorKind,
    /// Global id of the login or the API client.
    pub actor_id: String,
    /// What the login was allowed then; only for staff.
    pub role: Option<Role>,
    /// Where the request came from; None where it came by no network.
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// The subject's kind and what was done to it: `vehicle.update`.
    pub action: String,
    pub subject_kind: String,
    /// Global id.
    pub subject_id: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub changes: Changes,
}

of_tenant!();
