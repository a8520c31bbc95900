//! Vehicles where their last ride left them: new ones are put there, known ones are brought there.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    rental,
    station::StationId,
    vehicle::{Entity, Model, State, VehicleId},
};
use sea_orm::{ColumnTrait, QuerySelect};

use super::fleet::Fleet;
use crate::{
    bayarea::{self, Ride},
    ctx::Ctx,
    error::{Error, Result},
    refusal::Refusal,
    station,
    vehicle::{
        self, CreateVehicle, Destination,
        service::{MoveVehicles, move_vehicles},
    },
    vehicle_type,
    write::Tx,
};

const AT_ONCE: usize = 50;
/// A van that finds a full station comes back when others have left it.
const ROUNDS: usize = 2;

/// What became of the vehicles that the new rides are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    pub added: u64,
    /// Of the added ones, those whose last station had no dock.
    pub in_warehouse: u64,
    pub moved: u64,
    /// They have been rented since, or cannot be moved now, or there is no dock.
    pub left_alone: u64,
}

pub(super) async fn each(
    ctx: &Ctx,
    fleet: &mut Fleet,
    last: BTreeMap<u32, Ride>,
) -> Result<Placed> {
    let (known, new): (Vec<_>, Vec<_>) =
        last.into_iter().partition(|(bike, _)| fleet.vehicles.contains_key(bike));
    let mut placed = add(ctx, fleet, new).await?;
    bring(ctx, fleet, known, &mut placed).await?;
    Ok(placed)
}

async fn add(ctx: &Ctx, fleet: &mut Fleet, new: Vec<(u32, Ride)>) -> Result<Placed> {
    let mut placed = Placed::default();
    let mut wanted: Vec<(StationId, u32)> = new
        .iter()
        .filter_map(|(bike, ride)| Some((fleet.stations.get(&ride.trip.to)?.id, *bike)))
        .collect();
    // By station, because stations are locked in the order of their ids.
    wanted.sort();
    for some in wanted.chunks(AT_ONCE) {
        let bike = fleet.bike;
        let added = ctx.write(|tx| async move {
            // Before the stations, as whoever makes a vehicle does.
            vehicle_type::open(&tx, bike).await?;
            let mut added = Vec::with_capacity(some.len());
            for (station, number) in some {
                let at = free(&tx, *station).await?;
                let input = CreateVehicle {
                    number: bayarea::number(*number),
                    vehicle_type: bike,
                    at,
                    battery_percent: None,
                    odometer_meters: 0,
                };
                added.push((*number, vehicle::insert(&tx, input).await?));
            }
            Ok(added)
        });
        for (bike, vehicle) in added.await? {
            placed.added += 1;
            placed.in_warehouse += u64::from(vehicle.state == State::Removed);
            fleet.vehicles.insert(bike, vehicle.id);
        }
    }
    Ok(placed)
}

/// The station if it has a dock, and nobody takes it meanwhile.
async fn free(tx: &Tx, id: StationId) -> Result<Option<Destination>> {
    let station = station::lock(tx, id).await?;
    Ok(station.has_room().then_some(Destination::Station(id)))
}

async fn bring(
    ctx: &Ctx,
    fleet: &Fleet,
    known: Vec<(u32, Ride)>,
    placed: &mut Placed,
) -> Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    let vehicles: HashMap<VehicleId, Model> = Entity::of(ctx.tenant)
        .all(ctx.reader())
        .await?
        .into_iter()
        .map(|vehicle| (vehicle.id, vehicle))
        .collect();
    let rented = last_rented(ctx).await?;
    let mut waiting = Vec::new();
    for (bike, ride) in known {
        let vehicle = fleet.vehicles.get(&bike).and_then(|id| vehicles.get(id));
        let stop = fleet.stations.get(&ride.trip.to);
        let (Some(vehicle), Some(stop)) = (vehicle, stop) else { continue };
        if rented.get(&vehicle.id).is_some_and(|start| *start > ride.trip.start) {
            placed.left_alone += 1;
        } else if vehicle.station_id != Some(stop.id) {
            waiting.push((vehicle.id, stop.id));
        }
    }
    for _ in 0..ROUNDS {
        let mut refused = Vec::new();
        for (vehicle, station) in waiting {
            if moved(ctx, vehicle, station).await? {
                placed.moved += 1;
            } else {
                refused.push((vehicle, station));
            }
        }
        waiting = refused;
    }
    placed.left_alone += waiting.len() as u64;
    Ok(())
}

async fn moved(ctx: &Ctx, vehicle: VehicleId, station: StationId) -> Result<bool> {
    let input = MoveVehicles {
        vehicles: vec![vehicle],
        to: Destination::Station(station),
        reason: Some("where its last imported ride ended".to_owned()),
    };
    match move_vehicles(ctx, input).await {
        Ok(_) => Ok(true),
        Err(Error::Refused(Refusal::StationFull | Refusal::VehicleStateConflict { .. })) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// When each vehicle was last rented, here or in records.
async fn last_rented(ctx: &Ctx) -> Result<HashMap<VehicleId, DateTime<Utc>>> {
    let starts: Vec<(VehicleId, DateTime<Utc>)> = rental::Entity::of(ctx.tenant)
        .select_only()
        .column(rental::Column::VehicleId)
        .column_as(rental::Column::StartedAt.max(), "started_at")
        .group_by(rental::Column::VehicleId)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    Ok(starts.into_iter().collect())
}
