//! The one durable reader of events: what follows from them becomes a job, exactly once.

use chrono::{DateTime, Utc};
use entity::{
    consumer::{ActiveModel, Column, Entity},
    tenant::TenantId,
    vehicle,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement,
    sea_query::{Expr, OnConflict},
};

use super::{Job, queue};
use crate::{
    ctx::App,
    error::{Error, Result},
    event::{Event, Recorded, table},
    write::{ROW, Tx},
};

const NAME: &str = "jobs";

/// Reads everything that there is now; gives the number of events. A tenant that fails does not hold up the others.
pub async fn drain(app: &App) -> Result<usize> {
    let mut read = Ok(0);
    for tenant in behind(app).await? {
        let more = catch_up(app, tenant).await;
        if let Err(error) = &more {
            tracing::error!(?error, %tenant, "a tenant's events wait to become jobs");
        }
        read = read.and_then(|read| Ok(read + more?));
    }
    read
}

/// The tenants with events that are not read yet.
async fn behind(app: &App) -> Result<Vec<TenantId>> {
    let statement = Statement::from_sql_and_values(
        app.db.backend(),
        "SELECT h.tenant_id FROM stream_head h LEFT JOIN consumer c ON c.tenant_id = h.tenant_id AND c.name = $1
         WHERE h.last_seq > coalesce(c.acked_seq, 0)",
        [NAME.into()],
    );
    let rows = app.db.survey().query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get("", "tenant_id")).collect::<Result<_, _>>()?)
}

async fn catch_up(app: &App, tenant: TenantId) -> Result<usize> {
    let mut read = 0;
    loop {
        match step(app, tenant).await? {
            0 => return Ok(read),
            step => read += step,
        }
    }
}

/// One page: its jobs and how far it came are one transaction, and its row is locked, so that two nodes take turns.
async fn step(app: &App, tenant: TenantId) -> Result<usize> {
    let ctx = app.system(tenant, "consumer");
    ctx.write(|tx| async move {
        let acked = acked(&tx).await?;
        let head = table::head(&*tx, tenant).await?;
        if head.last_seq <= acked {
            return Ok(0);
        }
        let events = match table::read(&*tx, &head, acked, head.last_seq).await {
            Err(Error::ResyncRequired) => {
                tracing::error!(%tenant, acked, first = head.first_seq, "events were pruned before their jobs were made");
                table::read(&*tx, &head, head.first_seq - 1, head.last_seq).await?
            }
            events => events?,
        };
        for event in &events {
            if let Some((job, at)) = follow_up(event) {
                let key = format!("{}:{tenant}:{}", job.name(), event.seq);
                tx.execute_raw(queue::addition(tx.get_database_backend(), &job, key, at)?).await?;
            }
        }
        let last = events.last().map_or(acked, |event| event.seq);
        Entity::update_of(tenant)
            .col_expr(Column::AckedSeq, Expr::value(last))
            .filter(Column::Name.eq(NAME))
            .exec(&*tx)
            .await?;
        Ok(events.len())
    })
    .await
}

async fn acked(tx: &Tx) -> Result<i64> {
    let new =
        ActiveModel { tenant_id: Set(tx.tenant()), name: Set(NAME.to_owned()), acked_seq: Set(0) };
    let same = OnConflict::columns([Column::TenantId, Column::Name]).do_nothing().to_owned();
    Entity::insert(new).on_conflict(same).exec_without_returning(&**tx).await?;
    let row = Entity::of(tx.tenant()).filter(Column::Name.eq(NAME)).lock(ROW).one(&**tx).await?;
    row.map(|consumer| consumer.acked_seq)
        .ok_or_else(|| Error::internal("a consumer's row is gone"))
}

/// What has to happen because of an event, and when.
fn follow_up(recorded: &Recorded) -> Option<(Job, DateTime<Utc>)> {
    let tenant = recorded.tenant;
    match &recorded.event {
        Event::VehicleChanged { after, .. } if after.state == vehicle::State::Reserved => {
            Some((Job::ExpireHold { tenant, vehicle: after.id }, after.reserved_until?))
        }
        Event::RentalStarted { rental } => {
            Some((Job::MarkOverdue { tenant, rental: rental.id }, rental.due_at?))
        }
        Event::ReceiptIssued { id, .. } => {
            Some((Job::SendReceipt { tenant, receipt: *id }, recorded.occurred_at))
        }
        _ => None,
    }
}
