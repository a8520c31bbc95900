//! One version of the operations that an API client has registered, all published at once.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::{api_client::ClientId, tenant::TenantId};

id_type!(ManifestId, "manifest");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "manifest")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ManifestId,
    pub client_id: ClientId,
    /// 1, 2, 3 … for each client.
    pub version: i32,
    /// Who, as events name it.
    pub published_by: String,
    pub published_at: DateTime<Utc>,
    /// Its operations cannot be called any more, unless another version has them too.
    pub retired_at: Option<DateTime<Utc>>,
}

of_tenant!();
