//! What staff do with vehicles: move them, take them out of service and back, report them missing, find them.

use entity::vehicle::{EventType, Model, State, Step, VehicleId};

use super::{
    Destination,
    change::{self, Change, Place},
};
use crate::{
    ctx::Ctx,
    error::{Invalid, Result},
    permission::Permission,
    refusal::Refusal,
    text,
    write::Tx,
};

/// A truck holds fewer.
const MOST_AT_ONCE: usize = 100;

#[derive(Clone, Debug)]
pub struct MoveVehicles {
    pub vehicles: Vec<VehicleId>,
    pub to: Destination,
    pub reason: Option<String>,
}

/// Why a vehicle cannot be rented, in MDS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfService {
    Maintenance,
    BatteryLow,
    OffHours,
    SystemSuspend,
}

/// Rebalances many at once: all or none. What was out of service stays so.
pub async fn move_vehicles(ctx: &Ctx, input: MoveVehicles) -> Result<Vec<Model>> {
    ctx.require(Permission::ManageFleet)?;
    let mut ids = input.vehicles.clone();
    ids.sort();
    ids.dedup();
    if ids.is_empty() || ids.len() > MOST_AT_ONCE {
        return Err(
            Invalid::new("vehicleIds", format!("must have 1 to {MOST_AT_ONCE} vehicles")).into()
        );
    }
    let reason = text::optional("reason", input.reason.as_deref(), 500)?;
    let (ids, reason, to) = (&ids, &reason, input.to);
    ctx.write(|tx| async move {
        // All vehicles before the first station, as the order of locks wants it.
        let mut locked = Vec::with_capacity(ids.len());
        for id in ids {
            locked.push(super::lock_as_it_is(&tx, *id).await?);
        }
        lock_stations(&tx, &locked, to).await?;
        let mut moved = Vec::with_capacity(locked.len());
        for vehicle in locked {
            if vehicle.archived_at.is_some() {
                return Err(Refusal::Archived { what: "vehicle" }.into());
            }
            let vehicle = super::end_expired_hold(&tx, vehicle).await?;
            let steps = rebalance(&vehicle)?;
            let change = Change::along(&steps).to(Place::At(to)).reason(reason.clone());
            moved.push(change::act(&tx, "vehicle.move", vehicle, change).await?);
        }
        Ok(moved)
    })
    .await
}

/// Nobody can rent it until it is returned to service; it keeps its dock.
pub async fn take_out_of_service(
    ctx: &Ctx,
    id: VehicleId,
    kind: OutOfService,
    reason: &str,
) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let reason = &text::required("reason", reason, 500)?;
    let event = match kind {
        OutOfService::Maintenance => EventType::Maintenance,
        OutOfService::BatteryLow => EventType::BatteryLow,
        OutOfService::OffHours => EventType::OffHours,
        OutOfService::SystemSuspend => EventType::SystemSuspend,
    };
    ctx.write(|tx| async move {
        let vehicle = super::usable(&tx, id).await?;
        let change = Change::along(&[(event, State::NonOperational)]).reason(Some(reason.clone()));
        change::act(&tx, "vehicle.take_out_of_service", vehicle, change).await
    })
    .await
}

/// Makes it rentable again: where it stands, or where it is dropped off from the warehouse.
pub async fn return_to_service(ctx: &Ctx, id: VehicleId, at: Option<Destination>) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    ctx.write(|tx| async move {
        let vehicle = super::usable(&tx, id).await?;
        let event = match vehicle.state {
            State::Removed | State::OnLease if at.is_none() => {
                return Err(Invalid::new(
                    "stationId",
                    "say where it is dropped off: a station or a position",
                )
                .into());
            }
            State::Removed | State::OnLease => EventType::ProviderDropOff,
            _ => EventType::Maintenance,
        };
        let back =
            Change::along(&[(event, State::Available)]).to(at.map_or(Place::Stay, Place::At));
        change::act(&tx, "vehicle.return_to_service", vehicle, back).await
    })
    .await
}

/// Takes it out of the fleet until it is found. A vehicle on a trip is reported by force-ending its rental as lost.
pub async fn report_missing(ctx: &Ctx, id: VehicleId, reason: Option<&str>) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let reason = &text::optional("reason", reason, 500)?;
    ctx.write(|tx| async move {
        let before = super::usable(&tx, id).await?;
        let vehicle = match before.state {
            State::OnTrip => {
                return Err(
                    Refusal::VehicleStateConflict { state: super::words(before.state) }.into()
                );
            }
            // A hold on something that is not there helps nobody.
            State::Reserved => {
                super::reserve::release(&tx, before.clone(), Some("missing")).await?
            }
            _ => before.clone(),
        };
        let change = Change::along(&lose(vehicle.state)).to(Place::Off).reason(reason.clone());
        let after = change::apply(&tx, vehicle, change).await?;
        tx.audit("vehicle.report_missing", Some(&before), Some(&after))?;
        Ok(after)
    })
    .await
}

/// It was found: it is available where it was found, or out of service as it was before.
pub async fn locate(ctx: &Ctx, id: VehicleId, at: Destination) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    ctx.write(|tx| async move {
        let vehicle = super::usable(&tx, id).await?;
        let back = if vehicle.prior_state == Some(State::NonOperational) {
            State::NonOperational
        } else {
            State::Available
        };
        let event = match vehicle.state {
            State::NonContactable => EventType::CommsRestored,
            _ => EventType::Located,
        };
        let found = Change::along(&[(event, back)]).to(Place::At(at));
        change::act(&tx, "vehicle.locate", vehicle, found).await
    })
    .await
}

/// Out of contact, then not found; a vehicle that is out of contact already needs the second only.
pub(crate) fn lose(state: State) -> Vec<Step> {
    let lost = (EventType::NotLocated, State::Missing);
    match state {
        State::NonContactable => vec![lost],
        _ => vec![(EventType::CommsLost, State::NonContactable), lost],
    }
}

fn rebalance(vehicle: &Model) -> Result<Vec<Step>> {
    let drop_off = (EventType::ProviderDropOff, State::Available);
    let pick_up = (EventType::RebalancePickUp, State::Removed);
    match vehicle.state {
        State::Available | State::Elsewhere => Ok(vec![pick_up, drop_off]),
        State::NonOperational => {
            Ok(vec![pick_up, drop_off, (EventType::Maintenance, State::NonOperational)])
        }
        State::Removed => Ok(vec![drop_off]),
        State::Reserved
        | State::OnTrip
        | State::NonContactable
        | State::Missing
        | State::OnLease => {
            Err(Refusal::VehicleStateConflict { state: super::words(vehicle.state) }.into())
        }
    }
}

async fn lock_stations(tx: &Tx, vehicles: &[Model], to: Destination) -> Result<()> {
    let mut ids: Vec<_> = vehicles.iter().filter_map(|vehicle| vehicle.station_id).collect();
    if let Destination::Station(id) = to {
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    for id in ids {
        crate::station::lock(tx, id).await?;
    }
    Ok(())
}
