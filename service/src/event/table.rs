//! The stream's table: its head, and a range of its rows.

use std::sync::Arc;

use entity::{event, stream_head, tenant::TenantId};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    error::{Error, Result},
    event::{Event, Recorded},
};

/// How many rows one read of a gap takes.
pub(crate) const READ: u64 = 500;

pub(crate) async fn head(
    db: &impl ConnectionTrait,
    tenant: TenantId,
) -> Result<stream_head::Model> {
    stream_head::Entity::of(tenant)
        .one(db)
        .await?
        .ok_or(Error::NotFound(crate::error::Subject::Tenant))
}

/// The events after one number up to another, at most `READ` of them. A missing first row means that it was pruned.
pub(crate) async fn read(
    db: &impl ConnectionTrait,
    head: &stream_head::Model,
    after: i64,
    up_to: i64,
) -> Result<Vec<Arc<Recorded>>> {
    let rows = event::Entity::of(head.tenant_id)
        .filter(event::Column::Seq.gt(after))
        .filter(event::Column::Seq.lte(up_to))
        .order_by_asc(event::Column::Seq)
        .limit(READ)
        .all(db)
        .await?;
    if rows.first().is_none_or(|row| row.seq != after + 1) {
        return Err(Error::ResyncRequired);
    }
    Ok(rows.into_iter().map(|row| recorded(row, head.epoch)).collect())
}

fn recorded(row: event::Model, epoch: uuid::Uuid) -> Arc<Recorded> {
    let event::Model { tenant_id: tenant, seq, actor, occurred_at, payload, .. } = row;
    let event = serde_json::from_str(&payload).unwrap_or_else(|error| {
        // It must not hold up those that come after it.
        tracing::error!(%error, %tenant, seq, "an event cannot be read");
        Event::Unknown
    });
    Arc::new(Recorded { tenant, epoch, seq, event, actor, occurred_at })
}
