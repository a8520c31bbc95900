//! A program that calls the API: a partner's, with keys of its own, or one of the tenant's.

use chrono::{DateTime, Utc};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{scope::Scopes, tenant::TenantId};

id_type!(ClientId, "client");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Kind {
    /// Somebody else's. Only its own keys run its operations.
    Partner,
    /// The tenant's own, such as its web app. Whoever may call the tenant may run its operations, with their own rights.
    FirstParty,
}

/// As browsers write them: `https://app.example`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Origins(pub Vec<String>);

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "api_client")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClientId,
    pub name: String,
    pub kind: Kind,
    /// The most that its keys may do.
    pub scopes: Scopes,
    /// How much its operations may cost in a minute; None is no limit.
    pub cost_per_minute: Option<i32>,
    /// Pages of which sites may use its keys; those that are not pages send no origin.
    #[sea_orm(column_type = "JsonBinary")]
    pub allowed_origins: Origins,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    /// Without an origin the caller is no page of a browser.
    pub fn allows(&self, origin: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        self.allowed_origins.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }
}
