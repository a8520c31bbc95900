//! Rentals: starting, ending and cancelling them, and what they cost.

pub mod cancel;
pub mod end;
mod list;
pub mod overdue;
pub mod pricing;
pub mod quote;
pub mod start;

use std::collections::HashMap;

use entity::{
    price_line,
    rental::{Column, Entity, Model, RentalId},
    vehicle::VehicleId,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
};

pub use list::{Filter, count, list};

use crate::{
    ctx::Ctx,
    error::{Constraint, Error, Result, Subject},
    permission::Permission,
    write::{ROW, Tx},
};

/// The guarantee behind `VEHICLE_TAKEN`.
pub const ONE_OPEN_PER_VEHICLE: Constraint = Constraint {
    name: "rental_one_open_per_vehicle",
    columns: "rental.tenant_id, rental.vehicle_id",
};

/// Customers see their own, staff all.
pub async fn get(ctx: &Ctx, id: RentalId) -> Result<Model> {
    let found = list::visible(ctx)?.filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Rental))
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[RentalId]) -> Result<Vec<Model>> {
    let rows =
        list::visible(ctx)?.filter(Column::Id.is_in(ids.iter().copied())).all(ctx.reader()).await?;
    Ok(rows)
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[RentalId]) -> Result<HashMap<RentalId, Model>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The open rental of each vehicle that has one.
pub async fn open_by_vehicles(ctx: &Ctx, ids: &[VehicleId]) -> Result<HashMap<VehicleId, Model>> {
    ctx.require(Permission::ViewRentals)?;
    let rows = Entity::of(ctx.tenant)
        .filter(Column::VehicleId.is_in(ids.iter().copied()))
        .filter(Column::EndedAt.is_null())
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.vehicle_id, row)).collect())
}

/// The lines of what ended rentals cost, in their order.
pub async fn lines_of(
    ctx: &Ctx,
    ids: &[RentalId],
) -> Result<HashMap<RentalId, Vec<price_line::Model>>> {
    let rows = price_line::Entity::of(ctx.tenant)
        .filter(price_line::Column::RentalId.is_in(ids.iter().copied()))
        .order_by_asc(price_line::Column::RentalId)
        .order_by_asc(price_line::Column::Position)
        .all(ctx.reader())
        .await?;
    let mut lines: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        lines.entry(row.rental_id).or_default().push(row);
    }
    Ok(lines)
}

/// The rental with its vehicle, locked in that order: vehicle, then rental.
pub(crate) async fn lock(tx: &Tx, id: RentalId) -> Result<(Model, entity::vehicle::Model)> {
    // Which vehicle it is never changes, so that the rental itself is read once only, under both locks.
    let vehicle_id = list::within_reach(tx.ctx())?
        .filter(Column::Id.eq(id))
        .select_only()
        .column(Column::VehicleId)
        .into_query();
    let vehicle = crate::vehicle::lock_only(tx, vehicle_id).await?;
    let vehicle = vehicle.ok_or(Error::NotFound(Subject::Rental))?;
    let rental = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    Ok((rental.ok_or(Error::NotFound(Subject::Rental))?, vehicle))
}

pub(crate) async fn store(tx: &Tx, rental: Model) -> Result<Model> {
    Ok(rental.into_active_model().reset_all().update(&**tx).await?)
}

pub(crate) async fn keep_lines(tx: &Tx, rental: &Model, lines: &[pricing::Line]) -> Result<()> {
    use sea_orm::ActiveValue::Set;
    if lines.is_empty() {
        return Ok(());
    }
    let rows = (0..).zip(lines).map(|(position, line)| price_line::ActiveModel {
        tenant_id: Set(rental.tenant_id),
        id: Set(tx.new_id()),
        rental_id: Set(rental.id),
        position: Set(position),
        kind: Set(line.kind),
        amount_minor: Set(line.amount_minor),
        quantity: Set(line.quantity),
    });
    price_line::Entity::insert_many(rows).exec_without_returning(&**tx).await?;
    Ok(())
}
