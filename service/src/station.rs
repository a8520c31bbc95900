//! Stations: making, changing and archiving them. Their counters change with the vehicles.

pub(crate) mod counters;
mod list;

use std::collections::HashMap;

use entity::{
    Position,
    station::{Column, Entity, Model, StationId, TypeCounts},
    vehicle,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

pub use list::{Filter, Near, SortBy, count, list};

use crate::{
    ctx::Ctx,
    error::{Constraint, Error, Invalid, OnConstraint, Result, Subject},
    event::Event,
    permission::Permission,
    refusal::Refusal,
    text,
    write::{ROW, Tx},
};

pub const SHORT_CODE: Constraint =
    Constraint { name: "station_short_code", columns: "station.tenant_id, station.short_code" };

const LARGEST: i32 = 10_000;

#[derive(Clone, Debug)]
pub struct CreateStation {
    pub name: String,
    pub short_code: String,
    pub position: Position,
    pub address: Option<String>,
    pub region: Option<String>,
    pub capacity: i32,
    pub is_virtual: bool,
    pub is_charging: bool,
}

/// What is None stays as it is; `Some(None)` empties it.
#[derive(Clone, Debug)]
pub struct UpdateStation {
    pub id: StationId,
    pub name: Option<String>,
    pub short_code: Option<String>,
    pub position: Option<Position>,
    pub address: Option<Option<String>>,
    pub region: Option<Option<String>>,
    pub capacity: Option<i32>,
    pub is_charging: Option<bool>,
    pub is_installed: Option<bool>,
    pub is_renting: Option<bool>,
    pub is_returning: Option<bool>,
}

pub async fn create(ctx: &Ctx, input: CreateStation) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let input = &input;
    ctx.write(|tx| async move { insert(&tx, input.clone()).await }).await
}

pub(crate) async fn insert(tx: &Tx, input: CreateStation) -> Result<Model> {
    let mut station = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        name: text::required("name", &input.name, 200)?,
        short_code: text::required("shortCode", &input.short_code, 40)?,
        address: text::optional("address", input.address.as_deref(), 500)?,
        region: text::optional("region", input.region.as_deref(), 100)?,
        latitude: input.position.latitude(),
        longitude: input.position.longitude(),
        capacity: capacity(input.capacity)?,
        is_virtual: input.is_virtual,
        is_charging: input.is_charging,
        is_installed: true,
        is_renting: true,
        is_returning: true,
        vehicles_available: 0,
        vehicles_reserved: 0,
        vehicles_disabled: 0,
        available_by_type: TypeCounts::default(),
        docks_available: 0,
        archived_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    station.recount_docks();
    let row = station.into_active_model().reset_all();
    let station = row.insert(&**tx).await.on_constraint(SHORT_CODE, Refusal::ShortCodeTaken)?;
    tx.audit("station.create", None, Some(&station))?;
    tx.record(Event::StationChanged { before: None, after: Box::new(station.clone()) });
    Ok(station)
}

pub async fn update(ctx: &Ctx, input: UpdateStation) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let input = &input;
    ctx.write(|tx| async move {
        if input.position.is_some() {
            // Before the station, as the order of locks wants it.
            docked(&tx, input.id).await?;
        }
        let before = lock(&tx, input.id).await?;
        if before.archived_at.is_some() {
            return Err(Refusal::Archived { what: "station" }.into());
        }
        let mut after = changed(before.clone(), input)?;
        if let Some(new) = input.capacity {
            after.capacity = capacity(new)?;
            if !after.is_virtual && after.occupied() > after.capacity {
                let message =
                    format!("must be at least {}: so many vehicles stand here", after.occupied());
                return Err(Invalid::new("capacity", message).into());
            }
            after.recount_docks();
        }
        if after.position() != before.position() {
            take_along(&tx, &after).await?;
        }
        let after = save(&tx, before.clone(), after).await?;
        tx.audit("station.update", Some(&before), Some(&after))?;
        Ok(after)
    })
    .await
}

/// What stands there, locked.
async fn docked(tx: &Tx, id: StationId) -> Result<Vec<vehicle::Model>> {
    let standing = vehicle::Entity::of(tx.tenant())
        .filter(vehicle::Column::StationId.eq(id))
        .order_by_asc(vehicle::Column::Id);
    Ok(standing.lock(ROW).all(&**tx).await?)
}

/// A docked vehicle is where its station is.
async fn take_along(tx: &Tx, station: &Model) -> Result<()> {
    for before in docked(tx, station.id).await? {
        let mut after = before.clone();
        after.latitude = Some(station.latitude);
        after.longitude = Some(station.longitude);
        after.updated_at = tx.now();
        let after = after.into_active_model().reset_all().update(&**tx).await?;
        let (before, after) = (Some(Box::new(before)), Box::new(after));
        tx.record(Event::VehicleChanged { event_types: Vec::new(), before, after, rental: None });
    }
    Ok(())
}

fn changed(mut station: Model, input: &UpdateStation) -> Result<Model> {
    if let Some(name) = &input.name {
        station.name = text::required("name", name, 200)?;
    }
    if let Some(code) = &input.short_code {
        station.short_code = text::required("shortCode", code, 40)?;
    }
    if let Some(position) = input.position {
        station.latitude = position.latitude();
        station.longitude = position.longitude();
    }
    if let Some(address) = &input.address {
        station.address = text::optional("address", address.as_deref(), 500)?;
    }
    if let Some(region) = &input.region {
        station.region = text::optional("region", region.as_deref(), 100)?;
    }
    station.is_charging = input.is_charging.unwrap_or(station.is_charging);
    station.is_installed = input.is_installed.unwrap_or(station.is_installed);
    station.is_renting = input.is_renting.unwrap_or(station.is_renting);
    station.is_returning = input.is_returning.unwrap_or(station.is_returning);
    Ok(station)
}

/// Refused with `STATION_IN_USE` while vehicles stand here.
pub async fn archive(ctx: &Ctx, id: StationId) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    ctx.write(|tx| async move {
        let before = lock(&tx, id).await?;
        if before.archived_at.is_some() {
            return Ok(before);
        }
        if before.occupied() > 0 {
            return Err(
                Refusal::StationInUse { by: format!("{} vehicles", before.occupied()) }.into()
            );
        }
        let closed =
            Model { is_installed: false, is_renting: false, is_returning: false, ..before.clone() };
        let closed = Model { archived_at: Some(tx.now()), ..closed };
        let after = save(&tx, before.clone(), closed).await?;
        tx.audit("station.archive", Some(&before), Some(&after))?;
        Ok(after)
    })
    .await
}

pub async fn get(ctx: &Ctx, id: StationId) -> Result<Model> {
    ctx.require(Permission::ViewBoard)?;
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Station))
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[StationId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewBoard)?;
    Ok(by_ids(ctx, ids).await?.into_values().collect())
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[StationId]) -> Result<HashMap<StationId, Model>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

pub(crate) async fn lock(tx: &Tx, id: StationId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::Station))
}

pub(crate) async fn save(tx: &Tx, before: Model, mut after: Model) -> Result<Model> {
    after.updated_at = tx.now();
    let row = after.into_active_model().reset_all();
    let after = row.update(&**tx).await.on_constraint(SHORT_CODE, Refusal::ShortCodeTaken)?;
    tx.record(Event::StationChanged {
        before: Some(Box::new(before)),
        after: Box::new(after.clone()),
    });
    Ok(after)
}

fn capacity(capacity: i32) -> Result<i32> {
    if (0..=LARGEST).contains(&capacity) {
        return Ok(capacity);
    }
    Err(Invalid::new("capacity", format!("must be between 0 and {LARGEST}")).into())
}
