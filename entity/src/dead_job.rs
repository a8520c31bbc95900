//! A job that was given up: kept until somebody runs it again or says that nobody has to.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::tenant::TenantId;

id_type!(DeadJobId, "dead_job");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "dead_job")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeadJobId,
    /// Its number in the queue.
    pub job_id: String,
    pub queue: String,
    /// What it does: `mark_overdue`.
    pub name: String,
    /// What it was told, as JSON: ids.
    pub payload: String,
    /// The global id of what it is about.
    pub subject: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last attempt failed, in words without secrets.
    pub error: String,
    pub first_failed_at: DateTime<Utc>,
    pub last_failed_at: DateTime<Utc>,
    /// When it became a new job.
    pub retried_at: Option<DateTime<Utc>>,
    pub discarded_at: Option<DateTime<Utc>>,
    pub discard_reason: Option<String>,
}

of_tenant!();

impl Model {
    /// Whether nobody has looked after it yet.
    pub fn is_open(&self) -> bool {
        self.retried_at.is_none() && self.discarded_at.is_none()
    }
}
