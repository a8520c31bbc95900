//! What is over leaves: codes that were sent, first answers, and old events, which leave their table, in small steps, and never before every durable reader has read them.

use chrono::Duration;
use entity::{
    Id, consumer, event,
    idempotency::{self, IdempotencyId},
    one_time_code, stream_head,
    tenant::TenantId,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use super::{dead, store};
use crate::{ctx::App, error::Result, event::table, ids};

/// So many of the newest stay, however old they are.
const KEPT: i64 = 100_000;
const BATCH: i64 = 1_000;

pub(super) async fn run(app: &App) -> Result<()> {
    let mut outcome = Ok(());
    for head in stream_head::Entity::all().all(app.db.survey()).await? {
        outcome = outcome.and(prune(app, head.tenant_id).await);
    }
    outcome.and(store::forget_ended(app.db.worker()).await)
}

async fn prune(app: &App, tenant: TenantId) -> Result<()> {
    while step(app, tenant).await? {}
    while forget_answers(app, tenant).await? {}
    forget_codes(app, tenant).await?;
    dead::forget_old(app, tenant).await
}

/// Codes are good for minutes; the addresses that they were asked for are nobody's business afterwards.
const CODES_KEPT: Duration = Duration::days(1);

async fn forget_codes(app: &App, tenant: TenantId) -> Result<()> {
    let ctx = app.system(tenant, "prune");
    ctx.write(|tx| async move {
        one_time_code::Entity::delete_of(tenant)
            .filter(one_time_code::Column::ExpiresAt.lt(tx.now() - CODES_KEPT))
            .exec(&*tx)
            .await?;
        Ok(())
    })
    .await
}

/// Nobody repeats a call after this long.
const ANSWERS_KEPT: Duration = Duration::days(30);

/// By their ids, which sort by when they were made and are indexed.
async fn forget_answers(app: &App, tenant: TenantId) -> Result<bool> {
    let ctx = app.system(tenant, "prune");
    let oldest_kept = IdempotencyId::from_uuid(ids::first_of(app.now() - ANSWERS_KEPT));
    ctx.write(|tx| async move {
        let old: Vec<IdempotencyId> = idempotency::Entity::of(tenant)
            .filter(idempotency::Column::Id.lt(oldest_kept))
            .order_by_asc(idempotency::Column::Id)
            .limit(BATCH.unsigned_abs())
            .select_only()
            .column(idempotency::Column::Id)
            .into_tuple()
            .all(&*tx)
            .await?;
        let Some(last) = old.last() else { return Ok(false) };
        let some = idempotency::Column::Id.lte(*last);
        idempotency::Entity::delete_of(tenant).filter(some).exec(&*tx).await?;
        Ok(true)
    })
    .await
}

/// True when there may be more.
async fn step(app: &App, tenant: TenantId) -> Result<bool> {
    let ctx = app.system(tenant, "prune");
    let oldest_kept = app.now() - app.event_retention;
    ctx.write(|tx| async move {
        let head = table::head(&*tx, tenant).await?;
        let slowest =
            consumer::Entity::of(tenant).order_by_asc(consumer::Column::AckedSeq).one(&*tx).await?;
        let read_by_all = slowest.map_or(0, |consumer| consumer.acked_seq);
        let up_to = (head.first_seq + BATCH - 1).min(head.last_seq - KEPT).min(read_by_all);
        if up_to < head.first_seq {
            return Ok(false);
        }
        let newest =
            event::Entity::of(tenant).filter(event::Column::Seq.eq(up_to)).one(&*tx).await?;
        if newest.is_none_or(|event| event.occurred_at >= oldest_kept) {
            return Ok(false);
        }
        event::Entity::delete_of(tenant).filter(event::Column::Seq.lte(up_to)).exec(&*tx).await?;
        stream_head::Entity::update_of(tenant)
            .col_expr(stream_head::Column::FirstSeq, Expr::value(up_to + 1))
            // Never back: an earlier run that was thought dead may have come further.
            .filter(stream_head::Column::FirstSeq.lt(up_to + 1))
            .exec(&*tx)
            .await?;
        Ok(true)
    })
    .await
}
