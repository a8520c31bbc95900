//! Rides into the database, a batch in a write, while the rows of the next batch are made.

use std::{collections::HashSet, sync::Arc};

use entity::{price_line, rental, rental::RentalId, tenant::TenantId, vehicle_event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::task::JoinHandle;

use super::{Added, Step, fleet::Fleet, riders::nothing, rows::Rows};
use crate::{
    bayarea::Ride,
    ctx::Ctx,
    error::{Error, Result},
    write::Tx,
};

/// Short enough that nobody else waits long for SQLite's one writer.
const BATCH: usize = 1_000;
/// Rows of one statement: SQLite takes 32,766 values, and a rental has 23.
const AT_ONCE: usize = 500;

/// The imported rentals that are there.
pub(super) async fn known(ctx: &Ctx) -> Result<HashSet<RentalId>> {
    let ids: Vec<RentalId> = rental::Entity::of(ctx.tenant)
        .filter(rental::Column::ImportedFrom.is_not_null())
        .select_only()
        .column(rental::Column::Id)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    Ok(ids.into_iter().collect())
}

pub(super) async fn all(
    ctx: &Ctx,
    fleet: Fleet,
    rides: Vec<Ride>,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Added> {
    let (of, fleet) = (rides.len() as u64, Arc::new(fleet));
    let (mut added, mut done) = (Added::default(), 0);
    tell(Step::Rides { done, of, rows: 0 });
    let mut batches = rides.chunks(BATCH);
    let mut next = batches.next().map(|rides| rows(ctx.tenant, &fleet, rides));
    while let Some(rows_made) = next.take() {
        let rows_now = rows_made.await.map_err(Error::internal)??;
        next = batches.next().map(|rides| rows(ctx.tenant, &fleet, rides));
        let rows_now = &rows_now;
        let new = ctx.write(|tx| async move { insert(&tx, rows_now).await }).await?;
        added.rentals += new.rentals;
        added.price_lines += new.price_lines;
        added.history += new.history;
        done += rows_now.rentals.len() as u64;
        tell(Step::Rides { done, of, rows: added.rows() });
    }
    Ok(added)
}

fn rows(tenant: TenantId, fleet: &Arc<Fleet>, rides: &[Ride]) -> JoinHandle<Result<Rows>> {
    let (fleet, rides) = (Arc::clone(fleet), rides.to_vec());
    tokio::task::spawn_blocking(move || Rows::of(tenant, &fleet, &rides))
}

/// What another import has brought in meanwhile stays as it is.
async fn insert(tx: &Tx, rows: &Rows) -> Result<Added> {
    let mut added = Added::default();
    for some in rows.rentals.chunks(AT_ONCE) {
        let insert = rental::Entity::insert_many(some.to_vec()).on_conflict(nothing());
        added.rentals += insert.exec_without_returning(&**tx).await?;
    }
    for some in rows.lines.chunks(AT_ONCE) {
        let insert = price_line::Entity::insert_many(some.to_vec()).on_conflict(nothing());
        added.price_lines += insert.exec_without_returning(&**tx).await?;
    }
    for some in rows.history.chunks(AT_ONCE) {
        let insert = vehicle_event::Entity::insert_many(some.to_vec()).on_conflict(nothing());
        added.history += insert.exec_without_returning(&**tx).await?;
    }
    Ok(added)
}
