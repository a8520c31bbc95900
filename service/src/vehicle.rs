//! Vehicles: making, changing, archiving and finding them.

pub(crate) mod change;
pub mod history;
mod list;
pub mod reserve;
pub mod service;

use std::collections::HashMap;

use entity::{
    Position, rental,
    station::StationId,
    vehicle::{Column, Entity, EventType, Model, State, VehicleId},
    vehicle_type::VehicleTypeId,
};
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect, sea_query::SelectStatement,
};
use serde::Serialize;

pub use list::{Filter, SortBy, count, list, visible_to};

use change::{Change, Place, Story};

use crate::{
    ctx::Ctx,
    error::{Constraint, Error, Invalid, OnConstraint, Result, Subject},
    event::Event,
    permission::Permission,
    refusal::Refusal,
    station::counters::{self, Locked, Rules},
    text, vehicle_type,
    write::{ROW, Tx},
};

pub const NUMBER: Constraint =
    Constraint { name: "vehicle_number", columns: "vehicle.tenant_id, vehicle.number" };

/// Where a vehicle is put: at a station, or somewhere on the street.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Destination {
    Station(StationId),
    Position(Position),
}

#[derive(Clone, Debug)]
pub struct CreateVehicle {
    pub number: String,
    pub vehicle_type: VehicleTypeId,
    /// None: in the warehouse, state `removed`.
    pub at: Option<Destination>,
    pub battery_percent: Option<i32>,
    pub odometer_meters: i64,
}

/// What is None stays as it is.
#[derive(Clone, Debug)]
pub struct UpdateVehicle {
    pub id: VehicleId,
    pub number: Option<String>,
    pub vehicle_type: Option<VehicleTypeId>,
    pub battery_percent: Option<Option<i32>>,
    pub odometer_meters: Option<i64>,
}

pub async fn create(ctx: &Ctx, input: CreateVehicle) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let input = &input;
    ctx.write(|tx| async move { insert(&tx, input.clone()).await }).await
}

pub(crate) async fn insert(tx: &Tx, input: CreateVehicle) -> Result<Model> {
    let vehicle_type = vehicle_type::open(tx, input.vehicle_type).await?;
    let mut vehicle = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        number: text::required("number", &input.number, 40)?,
        vehicle_type_id: vehicle_type.id,
        state: State::Removed,
        prior_state: None,
        station_id: None,
        latitude: None,
        longitude: None,
        battery_percent: battery(input.battery_percent)?,
        odometer_meters: odometer(input.odometer_meters)?,
        reserved_by: None,
        reserved_until: None,
        out_of_service_reason: None,
        archived_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    let mut event_types = Vec::new();
    let place = input.at.map_or(Place::Off, Place::At);
    let stations = Locked::of(tx, [place.station(), None]).await?;
    if input.at.is_some() {
        vehicle.state = State::Available;
        change::put(&stations, &mut vehicle, place)?;
        event_types.push(EventType::ProviderDropOff);
    }
    let row = vehicle.into_active_model().reset_all();
    let vehicle = row.insert(&**tx).await.on_constraint(NUMBER, Refusal::NumberTaken)?;
    counters::apply(tx, stations, None, &vehicle, Rules::default()).await?;
    tx.audit("vehicle.create", None, Some(&vehicle))?;
    change::remember(tx, None, &vehicle, Story { event_types, ..Story::default() }).await?;
    Ok(vehicle)
}

pub async fn update(ctx: &Ctx, input: UpdateVehicle) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let input = &input;
    ctx.write(|tx| async move {
        let before = usable(&tx, input.id).await?;
        let mut after = before.clone();
        if let Some(number) = &input.number {
            after.number = text::required("number", number, 40)?;
        }
        if let Some(id) = input.vehicle_type {
            after.vehicle_type_id = vehicle_type::open(&tx, id).await?.id;
        }
        if let Some(percent) = input.battery_percent {
            after.battery_percent = battery(percent)?;
        }
        if let Some(meters) = input.odometer_meters {
            after.odometer_meters = odometer(meters)?;
        }
        let stations = Locked::of(&tx, [before.station_id, None]).await?;
        let after = store(&tx, after).await?;
        counters::apply(&tx, stations, Some(&before), &after, Rules::default()).await?;
        tx.audit("vehicle.update", Some(&before), Some(&after))?;
        tx.record(changed(&before, &after));
        Ok(after)
    })
    .await
}

/// Takes the vehicle out of the fleet for good. Refused with `VEHICLE_IN_USE` while somebody holds or rides it.
pub async fn archive(ctx: &Ctx, id: VehicleId) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    ctx.write(|tx| async move {
        let before = lock(&tx, id).await?;
        if before.archived_at.is_some() {
            return Ok(before);
        }
        let vehicle = match before.state {
            State::Reserved => {
                return Err(Refusal::VehicleInUse { by: "a reservation".into() }.into());
            }
            State::OnTrip | State::OnLease => {
                return Err(Refusal::VehicleInUse { by: "a customer".into() }.into());
            }
            State::Removed => before.clone(),
            State::Available
            | State::NonOperational
            | State::NonContactable
            | State::Missing
            | State::Elsewhere => {
                let leave =
                    Change::along(&[(EventType::Decommissioned, State::Removed)]).to(Place::Off);
                change::apply(&tx, before.clone(), leave).await?
            }
        };
        if rented(&tx, id).await? {
            return Err(Refusal::VehicleInUse { by: "an open rental".into() }.into());
        }
        let after = store(&tx, Model { archived_at: Some(tx.now()), ..vehicle.clone() }).await?;
        tx.audit("vehicle.archive", Some(&before), Some(&after))?;
        tx.record(changed(&vehicle, &after));
        Ok(after)
    })
    .await
}

/// Customers see what they could rent, and what they hold or ride.
pub async fn get(ctx: &Ctx, id: VehicleId) -> Result<Model> {
    ctx.require(Permission::ViewVehicles)?;
    let found = list::visible(ctx, true)?.filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Vehicle))
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[VehicleId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewVehicles)?;
    let rows = list::visible(ctx, true)?
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(ctx.reader())
        .await?;
    Ok(rows)
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[VehicleId]) -> Result<HashMap<VehicleId, Model>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The vehicle, locked; a hold that has run out is ended on the way.
pub(crate) async fn lock(tx: &Tx, id: VehicleId) -> Result<Model> {
    let vehicle = lock_as_it_is(tx, id).await?;
    end_expired_hold(tx, vehicle).await
}

/// The vehicle that a query of one id finds, as `lock` gives it.
pub(crate) async fn lock_only(tx: &Tx, id: SelectStatement) -> Result<Option<Model>> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.in_subquery(id));
    match found.lock(ROW).one(&**tx).await? {
        Some(vehicle) => end_expired_hold(tx, vehicle).await.map(Some),
        None => Ok(None),
    }
}

/// As `lock`, but not for an archived one.
pub(crate) async fn usable(tx: &Tx, id: VehicleId) -> Result<Model> {
    let vehicle = lock_as_it_is(tx, id).await?;
    if vehicle.archived_at.is_some() {
        return Err(Refusal::Archived { what: "vehicle" }.into());
    }
    end_expired_hold(tx, vehicle).await
}

/// Locks no station: for those who lock several vehicles before the first of them.
async fn lock_as_it_is(tx: &Tx, id: VehicleId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::Vehicle))
}

async fn end_expired_hold(tx: &Tx, vehicle: Model) -> Result<Model> {
    if vehicle.hold_has_expired(tx.now()) {
        reserve::release(tx, vehicle, Some("expired")).await
    } else {
        Ok(vehicle)
    }
}

pub(crate) async fn store(tx: &Tx, mut vehicle: Model) -> Result<Model> {
    vehicle.updated_at = tx.now();
    let row = vehicle.into_active_model().reset_all();
    row.update(&**tx).await.on_constraint(NUMBER, Refusal::NumberTaken)
}

async fn rented(tx: &Tx, id: VehicleId) -> Result<bool> {
    let open = rental::Entity::of(tx.tenant())
        .filter(rental::Column::VehicleId.eq(id))
        .filter(rental::Column::EndedAt.is_null());
    Ok(open.count(&**tx).await? > 0)
}

/// As people read it: `on trip`.
pub(crate) fn words(state: State) -> String {
    state.to_value().replace('_', " ")
}

fn changed(before: &Model, after: &Model) -> Event {
    Event::VehicleChanged {
        event_types: Vec::new(),
        before: Some(Box::new(before.clone())),
        after: Box::new(after.clone()),
        rental: None,
    }
}

fn battery(percent: Option<i32>) -> Result<Option<i32>> {
    if percent.is_some_and(|percent| !(0..=100).contains(&percent)) {
        return Err(Invalid::new("batteryPercent", "must be between 0 and 100").into());
    }
    Ok(percent)
}

fn odometer(meters: i64) -> Result<i64> {
    if (0..=1_000_000_000).contains(&meters) {
        return Ok(meters);
    }
    Err(Invalid::new("odometerMeters", "must be between 0 and 1000000000").into())
}
