//! What ended before its time: a token holds no longer than its session, and nobody calls in a suspended tenant.

use chrono::{DateTime, Duration, Utc};
use entity::{
    session::{Column, Entity, SessionId},
    tenant::{self, TenantId},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::{
    ctx::App,
    error::{Error, Result},
};

/// More than the clocks of two nodes differ, and than a transaction takes.
const LATELY: Duration = Duration::minutes(1);

/// What a call of this session may count on; `Unauthenticated` once it has ended.
pub(super) struct Standing {
    pub lacks_second_factor: bool,
}

pub(super) async fn standing(app: &App, tenant: TenantId, session: SessionId) -> Result<Standing> {
    let found = Entity::of(tenant)
        .filter(Column::Id.eq(session))
        .filter(Column::RevokedAt.is_null())
        .select_only()
        .column(Column::LacksSecondFactor)
        .into_tuple::<bool>()
        .one(&app.db.reader_of(tenant))
        .await?;
    let lacks_second_factor = found.ok_or(Error::Unauthenticated)?;
    Ok(Standing { lacks_second_factor })
}

/// What sockets have to be closed for.
#[derive(Debug, Default)]
pub struct Ended {
    pub sessions: Vec<SessionId>,
    pub tenants: Vec<TenantId>,
}

/// Of all tenants, what has ended since then, and `LATELY` before that.
#[expect(clippy::disallowed_methods, reason = "a node serves sockets of all tenants")]
pub async fn lately(app: &App, since: DateTime<Utc>) -> Result<Ended> {
    let since = since - LATELY;
    let sessions = Entity::find()
        .filter(Column::RevokedAt.gt(since))
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(app.db.feed())
        .await?;
    let tenants = tenant::Entity::all()
        .filter(tenant::Column::SuspendedAt.gt(since))
        .select_only()
        .column(tenant::Column::Id)
        .into_tuple()
        .all(app.db.feed())
        .await?;
    Ok(Ended { sessions, tenants })
}
