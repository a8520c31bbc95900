//! Jobs that were given up: told once, and run again or discarded by whoever looks after them.

mod bury;

pub(super) use bury::bury;

use chrono::Duration;
use entity::{
    Id,
    dead_job::{ActiveModel, Column, DeadJobId, Entity, Model},
    tenant::TenantId,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ExprTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

use super::{
    Job,
    queue::Queue,
    store::{self, Addition},
};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    event::Event,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    refusal::Refusal,
    text,
    write::{ROW, Tx},
};

/// More than this is left to the next call.
pub const AT_ONCE: u64 = 100;
/// Those that somebody has looked after are kept for so long.
const KEPT: Duration = Duration::days(90);

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub queue: Option<Queue>,
    pub name: Option<String>,
    /// Whether nobody has looked after them yet; None: both.
    pub open: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct DiscardDeadJob {
    pub id: DeadJobId,
    pub reason: String,
}

/// What came of running many again.
#[derive(Clone, Debug)]
pub struct Retried {
    pub jobs: Vec<Model>,
    /// Open ones of the same filter that are left.
    pub left: u64,
}

/// Newest first.
pub async fn list(ctx: &Ctx, filter: &Filter, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ManageJobs)?;
    let sort = Sort {
        name: "last_failed_at".into(),
        direction: Direction::Descending,
        by: Some(sea_orm::sea_query::Expr::col(Column::LastFailedAt)),
        id: sea_orm::sea_query::Expr::col(Column::Id),
        key: Box::new(|job: &Model| (Key::Time(job.last_failed_at), job.id.uuid())),
    };
    page::fetch(ctx, "dead_jobs", filtered(ctx.tenant, filter), sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ManageJobs)?;
    page::count(filtered(ctx.tenant, filter), ctx.reader()).await
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[DeadJobId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ManageJobs)?;
    let some = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    Ok(some.all(ctx.reader()).await?)
}

/// Makes a new job of it, exactly one however often it is asked for.
pub async fn retry(ctx: &Ctx, id: DeadJobId) -> Result<Model> {
    ctx.require(Permission::ManageJobs)?;
    ctx.write(|tx| async move {
        let dead = lock(&tx, id).await?;
        if dead.retried_at.is_some() {
            return Ok(dead);
        }
        if dead.discarded_at.is_some() {
            return Err(Refusal::DeadJobDiscarded.into());
        }
        revive(&tx, dead).await
    })
    .await
}

/// As `retry`, the oldest of those that are open.
pub async fn retry_many(ctx: &Ctx, filter: &Filter) -> Result<Retried> {
    ctx.require(Permission::ManageJobs)?;
    let filter = &Filter { open: Some(true), ..filter.clone() };
    ctx.write(|tx| async move {
        let some = filtered(tx.tenant(), filter)
            .order_by_asc(Column::LastFailedAt)
            .order_by_asc(Column::Id)
            .limit(AT_ONCE)
            .lock(ROW)
            .all(&*tx)
            .await?;
        let mut jobs = Vec::with_capacity(some.len());
        for dead in some {
            jobs.push(revive(&tx, dead).await?);
        }
        let left = filtered(tx.tenant(), filter).count(&*tx).await?;
        Ok(Retried { jobs, left })
    })
    .await
}

/// Says that it does not have to run any more.
pub async fn discard(ctx: &Ctx, input: DiscardDeadJob) -> Result<Model> {
    ctx.require(Permission::ManageJobs)?;
    let reason = &text::required("reason", &input.reason, 500)?;
    ctx.write(|tx| async move {
        let before = lock(&tx, input.id).await?;
        if before.retried_at.is_some() {
            return Err(Refusal::DeadJobRetried.into());
        }
        if before.discarded_at.is_some() {
            return Ok(before);
        }
        let after = Model {
            discarded_at: Some(tx.now()),
            discard_reason: Some(reason.clone()),
            ..before.clone()
        };
        let after = store(&tx, after).await?;
        tx.audit("dead_job.discard", Some(&before), Some(&after))?;
        Ok(after)
    })
    .await
}

async fn revive(tx: &Tx, before: Model) -> Result<Model> {
    let queue = before.queue.parse().unwrap_or(Queue::Default);
    let payload = before.payload.clone().into_bytes();
    let job: Option<Job> = serde_json::from_slice(&payload).ok();
    let attempts = job.map_or(queue.retry(), |job: Job| job.retry()).attempts;
    let (key, at) = (before.id.to_string(), tx.now());
    let addition = Addition { queue, payload, attempts, key: &key, at };
    store::add_raw(&**tx, &tx.ctx().app, addition).await?;
    let after = Model { retried_at: Some(at), ..before.clone() };
    let after = store(tx, after).await?;
    tx.audit("dead_job.retry", Some(&before), Some(&after))?;
    Ok(after)
}

async fn store(tx: &Tx, dead: Model) -> Result<Model> {
    let row: ActiveModel = dead.into_active_model().reset_all();
    let dead = row.update(&**tx).await?;
    tx.record(Event::DeadJobChanged { id: dead.id });
    Ok(dead)
}

async fn lock(tx: &Tx, id: DeadJobId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::DeadJob))
}

fn filtered(tenant: TenantId, filter: &Filter) -> Select<Entity> {
    let mut query = Entity::of(tenant);
    if let Some(queue) = filter.queue {
        query = query.filter(Column::Queue.eq(queue.as_str()));
    }
    if let Some(name) = &filter.name {
        query = query.filter(Column::Name.eq(name));
    }
    let open = Column::RetriedAt.is_null().and(Column::DiscardedAt.is_null());
    match filter.open {
        Some(true) => query.filter(open),
        Some(false) => query.filter(open.not()),
        None => query,
    }
}

/// Takes out those that somebody has looked after long ago.
pub(super) async fn forget_old(app: &App, tenant: TenantId) -> Result<()> {
    let ctx = app.system(tenant, "prune");
    ctx.write(|tx| async move {
        let then = tx.now() - KEPT;
        Entity::delete_of(tenant)
            .filter(Column::RetriedAt.lt(then).or(Column::DiscardedAt.lt(then)))
            .exec(&*tx)
            .await?;
        Ok(())
    })
    .await
}
