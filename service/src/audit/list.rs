//! Reading the audit log: by who did it, what it was, what it was about, and when.

use chrono::{DateTime, Utc};
use entity::{
    Id,
    audit::{AuditEntryId, Column, Entity, Model},
};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::{
    ctx::Ctx,
    error::Result,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
};

/// Which lines; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Global id.
    pub actor: Option<String>,
    pub action: Option<String>,
    pub subject_kind: Option<String>,
    /// Global id.
    pub subject: Option<String>,
    pub request: Option<String>,
    /// Inclusive.
    pub occurred_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub occurred_before: Option<DateTime<Utc>>,
}

/// Newest first.
pub async fn list(ctx: &Ctx, filter: &Filter, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ViewAudit)?;
    let sort = Sort {
        name: "newest".into(),
        direction: Direction::Descending,
        by: None,
        id: Column::Id.into_expr(),
        key: Box::new(|line: &Model| (Key::None, line.id.uuid())),
    };
    page::fetch(ctx, "audit log", filtered(ctx, filter), sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ViewAudit)?;
    page::count(filtered(ctx, filter), ctx.reader()).await
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[AuditEntryId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewAudit)?;
    let some = Column::Id.is_in(ids.iter().copied());
    Ok(Entity::of(ctx.tenant).filter(some).all(ctx.reader()).await?)
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Select<Entity> {
    let mut query = Entity::of(ctx.tenant);
    for (column, wanted) in [
        (Column::ActorId, &filter.actor),
        (Column::Action, &filter.action),
        (Column::SubjectKind, &filter.subject_kind),
        (Column::SubjectId, &filter.subject),
        (Column::RequestId, &filter.request),
    ] {
        if let Some(wanted) = wanted {
            query = query.filter(column.eq(wanted));
        }
    }
    if let Some(from) = filter.occurred_from {
        query = query.filter(Column::OccurredAt.gte(from));
    }
    if let Some(before) = filter.occurred_before {
        query = query.filter(Column::OccurredAt.lt(before));
    }
    query
}
