//! What a provider has told us without being asked, each once.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::{payment::Provider, tenant::TenantId};

id_type!(WebhookId, "webhook");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    pub provider: Provider,
    /// The provider's name for it; a second one of this name is dropped.
    pub event_id: String,
    /// In the provider's words.
    pub event_type: String,
    /// What was read from it, sealed: it may name people.
    pub sealed_notice: Vec<u8>,
    pub received_at: DateTime<Utc>,
    pub processed_at: Option<DateTime<Utc>>,
}

of_tenant!();
