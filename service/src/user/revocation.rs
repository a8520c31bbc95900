//! Sessions that were ended before their time: a token holds no longer than its session.

use chrono::Duration;
use entity::{
    session::{Column, Entity, SessionId},
    tenant::TenantId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::{ctx::App, error::Result};

/// More than the clocks of two nodes differ, and than a transaction takes.
const LATELY: Duration = Duration::minutes(1);

pub(super) async fn holds(app: &App, tenant: TenantId, session: SessionId) -> Result<bool> {
    let ended = Entity::of(tenant)
        .filter(Column::Id.eq(session))
        .filter(Column::RevokedAt.is_not_null())
        .select_only()
        .column(Column::Id)
        .into_tuple::<SessionId>()
        .one(&app.db.reader_of(tenant))
        .await?;
    Ok(ended.is_none())
}

/// Of all tenants, the sessions that ended in the last minute: for nodes that ask more often than that.
#[expect(clippy::disallowed_methods, reason = "a node serves sockets of all tenants")]
pub async fn lately(app: &App) -> Result<Vec<SessionId>> {
    let ended = Entity::find()
        .filter(Column::RevokedAt.gt(app.now() - LATELY))
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(app.db.feed())
        .await?;
    Ok(ended)
}
