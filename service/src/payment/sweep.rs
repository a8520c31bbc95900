//! The janitor: looks for payments and refunds that nobody asks about any more.

use chrono::Duration;
use entity::{payment, refund, tenant::TenantId};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::check;
use crate::{ctx::App, error::Result, tenant};

/// More than this is left to the next round.
const AT_ONCE: u64 = 200;
/// Each has a job of its own for its time; what is this late has lost it.
const LATE: Duration = Duration::seconds(30);

/// Goes on after a failure, so that nobody waits for somebody else's trouble; the first failure is the outcome.
pub async fn run(app: &App) -> Result<()> {
    let mut outcome = Ok(());
    for tenant in tenant::all(app).await? {
        outcome = outcome.and(one(app, tenant.id).await);
    }
    outcome
}

async fn one(app: &App, tenant: TenantId) -> Result<()> {
    let (ctx, late) = (app.system(tenant, "payment_janitor"), app.now() - LATE);
    let payments: Vec<payment::PaymentId> = payment::Entity::of(tenant)
        .filter(payment::Column::CheckAt.lte(late))
        .order_by_asc(payment::Column::CheckAt)
        .limit(AT_ONCE)
        .select_only()
        .column(payment::Column::Id)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    let refunds: Vec<refund::RefundId> = refund::Entity::of(tenant)
        .filter(refund::Column::CheckAt.lte(late))
        .order_by_asc(refund::Column::CheckAt)
        .limit(AT_ONCE)
        .select_only()
        .column(refund::Column::Id)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    let mut outcome = Ok(());
    for id in payments {
        outcome = outcome.and(check::run(app, tenant, id).await);
    }
    for id in refunds {
        outcome = outcome.and(super::refund::check(app, tenant, id).await);
    }
    outcome
}
