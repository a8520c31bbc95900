//! What happened to a vehicle, since it came into the fleet.

use entity::{
    Id,
    vehicle::VehicleId,
    vehicle_event::{Column, Entity, Model, VehicleEventId},
};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::{
    ctx::Ctx,
    error::Result,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
};

/// Newest first.
pub async fn list(ctx: &Ctx, vehicle: VehicleId, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ViewFleet)?;
    let sort = Sort {
        name: "newest".into(),
        direction: Direction::Descending,
        by: None,
        id: Column::Id.into_expr(),
        key: Box::new(|event: &Model| (Key::None, event.id.uuid())),
    };
    page::fetch(ctx, &format!("history of {vehicle}"), of(ctx, vehicle), sort, page).await
}

pub async fn count(ctx: &Ctx, vehicle: VehicleId) -> Result<i64> {
    ctx.require(Permission::ViewFleet)?;
    page::count(of(ctx, vehicle), ctx.reader()).await
}

/// Those that there are, in no order.
pub async fn get_many(ctx: &Ctx, ids: &[VehicleEventId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewFleet)?;
    let found = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    Ok(found.all(ctx.reader()).await?)
}

fn of(ctx: &Ctx, vehicle: VehicleId) -> Select<Entity> {
    Entity::of(ctx.tenant).filter(Column::VehicleId.eq(vehicle))
}
