//! Marking a rental that is out for too long.

use chrono::{DateTime, Utc};
use entity::{
    rental::{Column, Entity, Model, RentalId, State},
    tenant::TenantId,
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use crate::{
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    event::Event,
};

/// Marks the rental if it is open and due by now. Safe to run twice, early or late.
pub async fn mark(app: &App, tenant: TenantId, id: RentalId) -> Result<()> {
    let ctx = app.system(tenant, "mark_overdue");
    ctx.write(|tx| async move {
        let rental = match super::lock(&tx, id).await {
            Err(Error::NotFound(Subject::Rental)) => return Ok(()),
            found => found?.0,
        };
        let due = rental.due_at.is_some_and(|due| due <= tx.now());
        if rental.state != State::Active || rental.overdue_at.is_some() || !due {
            return Ok(());
        }
        let rental = super::store(&tx, Model { overdue_at: Some(tx.now()), ..rental }).await?;
        tx.record(Event::RentalOverdue { rental: Box::new(rental) });
        Ok(())
    })
    .await
}

/// Open rentals that are due and not marked yet.
pub(crate) async fn unmarked(ctx: &Ctx, now: DateTime<Utc>, limit: u64) -> Result<Vec<RentalId>> {
    let ids = Entity::of(ctx.tenant)
        .filter(Column::EndedAt.is_null())
        .filter(Column::OverdueAt.is_null())
        .filter(Column::DueAt.lte(now))
        .select_only()
        .column(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    Ok(ids)
}
