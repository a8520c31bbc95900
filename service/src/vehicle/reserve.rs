//! Holding a vehicle for a customer for a while, and letting it go.

use chrono::{DateTime, Duration, Utc};
use entity::{
    customer::CustomerId,
    vehicle::{Column, Entity, EventType, Model, State, VehicleId},
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::change::{self, Change};
use crate::{
    ctx::{App, Ctx},
    customer,
    error::{Error, Result, Subject},
    idempotency::Once,
    permission::Permission,
    refusal::Refusal,
    station::counters::Rules,
    vehicle_type,
    write::Tx,
};

#[derive(Clone, Debug, Serialize)]
pub struct ReserveVehicle {
    pub vehicle: VehicleId,
    /// Staff name the customer; a customer holds for itself.
    pub customer: Option<CustomerId>,
}

/// Holds the vehicle for as long as its type says.
pub async fn reserve(ctx: &Ctx, input: ReserveVehicle, key: &str) -> Result<Model> {
    let customer = rider(ctx, input.customer)?;
    let input = &input;
    let once = Once { operation: "reserve_vehicle", key, input };
    ctx.write_once(once, |tx| async move {
        customer::who_may_rent(&tx, customer, Some(input.vehicle)).await?;
        let vehicle = super::usable(&tx, input.vehicle).await?;
        rentable(&vehicle, customer)?;
        let minutes = vehicle_type::of_vehicle(&tx, &vehicle).await?.default_reserve_minutes;
        if minutes == 0 {
            return Err(Refusal::VehicleNotReservable.into());
        }
        if vehicle.state == State::Reserved {
            // Asked again by the one who holds it: the first hold stands.
            return Ok(vehicle);
        }
        let hold = Change::along(&[(EventType::ReservationStart, State::Reserved)])
            .held_by(customer, tx.now() + Duration::minutes(minutes.into()))
            .under(Rules { must_rent: true, ..Rules::default() });
        change::act(&tx, "vehicle.reserve", vehicle, hold).await
    })
    .await
}

/// Lets a vehicle go before its time. Customers let go what they hold; staff, anything.
pub async fn cancel(ctx: &Ctx, id: VehicleId) -> Result<Model> {
    if ctx.own_customer()?.is_some() {
        ctx.require(Permission::Ride)?
    } else {
        ctx.require(Permission::ManageRentals)?
    }
    ctx.write(|tx| async move {
        let vehicle = super::usable(&tx, id).await?;
        if vehicle.state != State::Reserved {
            return Err(Refusal::VehicleNotReserved.into());
        }
        if tx.ctx().own_customer()?.is_some_and(|own| vehicle.reserved_by != Some(own)) {
            return Err(Refusal::VehicleReserved.into());
        }
        let after = release(&tx, vehicle.clone(), None).await?;
        tx.audit("vehicle.cancel_reservation", Some(&vehicle), Some(&after))?;
        Ok(after)
    })
    .await
}

/// Ends the hold if it has run out by now. Safe to run twice, early or late.
pub async fn expire(app: &App, tenant: entity::tenant::TenantId, id: VehicleId) -> Result<()> {
    let ctx = app.system(tenant, "expire_hold");
    ctx.write(|tx| async move {
        match super::lock(&tx, id).await {
            Err(Error::NotFound(Subject::Vehicle)) => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    })
    .await
}

/// Holds that have run out and that nobody has met, oldest first.
pub(crate) async fn run_out(ctx: &Ctx, now: DateTime<Utc>, limit: u64) -> Result<Vec<VehicleId>> {
    let ids = Entity::of(ctx.tenant)
        .filter(Column::State.eq(State::Reserved))
        .filter(Column::ReservedUntil.lte(now))
        .order_by_asc(Column::ReservedUntil)
        .select_only()
        .column(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    Ok(ids)
}

pub(crate) async fn release(tx: &Tx, vehicle: Model, reason: Option<&str>) -> Result<Model> {
    let release = Change::along(&[(EventType::ReservationCancel, State::Available)])
        .reason(reason.map(ToOwned::to_owned));
    change::apply(tx, vehicle, release).await
}

/// For whom: customers for themselves, staff for whom they name.
pub(crate) fn rider(ctx: &Ctx, named: Option<CustomerId>) -> Result<CustomerId> {
    if let Some(own) = ctx.own_customer()? {
        ctx.require(Permission::Ride)?;
        return if named.is_none_or(|named| named == own) {
            Ok(own)
        } else {
            Err(Error::NotFound(Subject::Customer))
        };
    }
    ctx.require(Permission::ManageRentals)?;
    named.ok_or_else(|| Refusal::CustomerRequired.into())
}

/// Whether this customer may have this vehicle now: it is free, or held by them.
pub(crate) fn rentable(vehicle: &Model, customer: CustomerId) -> Result<()> {
    match vehicle.state {
        State::Available => Ok(()),
        State::Reserved if vehicle.reserved_by == Some(customer) => Ok(()),
        State::Reserved => Err(Refusal::VehicleReserved.into()),
        State::OnTrip => Err(Refusal::VehicleTaken.into()),
        State::Removed
        | State::NonOperational
        | State::NonContactable
        | State::Missing
        | State::Elsewhere
        | State::OnLease => {
            Err(Refusal::VehicleNotAvailable { state: super::words(vehicle.state) }.into())
        }
    }
}
