//! What must be done in one place at a time, on all nodes: whoever holds the lease does it, and who has lost it writes nothing.

use std::time::Duration;

use entity::{
    job_lease::{Column, Entity},
    tenant::TenantId,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, Statement, Value, sea_query::Expr,
};
use uuid::Uuid;

use super::Reason;
use crate::{
    ctx::App,
    error::{Error, Result},
    keys,
    write::{ROW, Tx},
};

/// A lease that this process has, or had.
#[derive(Clone, Debug)]
pub struct Held {
    tenant: TenantId,
    name: &'static str,
    owner: Uuid,
    fence: i64,
}

/// Runs what must be done in one place at a time; None when somebody else is doing it.
///
/// The lease is renewed while this runs, and given back after. When its holder dies, others may take it after `time`. A
/// holder that was only slow does not know that: so each of its writes begins with `Held::check`.
pub async fn hold<T, F, Fut>(
    app: &App,
    tenant: TenantId,
    name: &'static str,
    time: Duration,
    run: F,
) -> Result<Option<T>>
where
    F: FnOnce(Held) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let Some(held) = take(app, tenant, name, time).await? else { return Ok(None) };
    let outcome = tokio::select! {
        outcome = run(held.clone()) => outcome,
        never = held.keep(app, time) => match never {},
    };
    if let Err(error) = held.set_end(app, Duration::ZERO).await {
        tracing::warn!(?error, name, "a lease was not given back; it ends by itself");
    }
    outcome.map(Some)
}

/// None while somebody else has it. What is taken is not renewed: `hold` does that.
pub async fn take(
    app: &App,
    tenant: TenantId,
    name: &'static str,
    time: Duration,
) -> Result<Option<Held>> {
    let owner = uuid::Builder::from_random_bytes(keys::random()?).into_uuid();
    let time = chrono::Duration::from_std(time).map_err(Error::internal)?;
    let ctx = app.system(tenant, "lease");
    ctx.write(|tx| async move {
        let values: [Value; 5] =
            [tenant.into(), name.into(), owner.into(), (tx.now() + time).into(), tx.now().into()];
        let statement = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "INSERT INTO job_lease (tenant_id, name, owner, held_until, fence) VALUES ($1, $2, $3, $4, 1)
             ON CONFLICT (tenant_id, name) DO UPDATE
                 SET owner = excluded.owner, held_until = excluded.held_until, fence = job_lease.fence + 1
                 WHERE job_lease.held_until <= $5
             RETURNING fence",
            values,
        );
        let taken = tx.query_one_raw(statement).await?;
        let fence = taken.map(|row| row.try_get("", "fence")).transpose()?;
        Ok(fence.map(|fence| Held { tenant, name, owner, fence }))
    })
    .await
}

impl Held {
    /// One more for each holder.
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// Fails when somebody else has the lease by now; nobody gets it before this write is over. Comes first in the write, so
    /// that the lease is locked before anything else.
    pub async fn check(&self, tx: &Tx) -> Result<()> {
        let mine = Entity::of(self.tenant)
            .filter(Column::Name.eq(self.name))
            .filter(Column::Owner.eq(self.owner))
            .filter(Column::Fence.eq(self.fence))
            .lock(ROW)
            .one(&**tx)
            .await?;
        let lost = || {
            let text = format!("somebody else has taken over {}", self.name);
            Error::internal(Reason(text))
        };
        mine.map(|_| ()).ok_or_else(lost)
    }

    /// Renews it for as long as it is polled.
    async fn keep(&self, app: &App, time: Duration) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(time / 3).await;
            if let Err(error) = self.set_end(app, time).await {
                tracing::warn!(?error, self.name, "a lease was not renewed");
            }
        }
    }

    /// Changes nothing when somebody else has it.
    async fn set_end(&self, app: &App, from_now: Duration) -> Result<()> {
        let from_now = chrono::Duration::from_std(from_now).map_err(Error::internal)?;
        let ctx = app.system(self.tenant, "lease");
        ctx.write(|tx| async move {
            Entity::update_of(self.tenant)
                .col_expr(Column::HeldUntil, Expr::value(tx.now() + from_now))
                .filter(Column::Name.eq(self.name))
                .filter(Column::Owner.eq(self.owner))
                .filter(Column::Fence.eq(self.fence))
                .exec(&*tx)
                .await?;
            Ok(())
        })
        .await
    }
}
