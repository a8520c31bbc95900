//! The demo's stations and vehicles, made as staff would make them: counted, with their history, and told.

use std::collections::HashMap;

use entity::{
    station::StationId,
    vehicle::{EventType, Model, State},
    vehicle_type::VehicleTypeId,
};

use super::{
    Fleet,
    data::{self, Bike},
};
use crate::{
    bayarea::{self, STATIONS, Stations},
    error::{Error, Result},
    station,
    vehicle::{
        self, CreateVehicle, Destination,
        change::{self, Change},
    },
    write::Tx,
};

/// One in so many of the docked vehicles is out of service, for one of these reasons.
const OUT_OF_SERVICE_EVERY: usize = 40;
const REASONS: [&str; 4] =
    ["flat tyre", "brakes are worn", "chain is off", "front light is broken"];

/// Where the next vehicle finds a dock, by the data's `station_id`.
type Docks = HashMap<u32, Dock>;

struct Dock {
    station: StationId,
    free: i32,
}

pub(super) async fn add(tx: &Tx, vehicle_type: VehicleTypeId) -> Result<Fleet> {
    let mut docks = add_stations(tx).await?;
    let mut fleet = Fleet { stations: docks.len(), ..Fleet::default() };
    for bike in data::bikes()? {
        let at = dock(&mut docks, bike.terminal).map(Destination::Station);
        let vehicle = vehicle::insert(tx, created(&bike, vehicle_type, at)).await?;
        fleet.vehicles += 1;
        if at.is_none() {
            fleet.in_warehouse += 1;
        } else if (fleet.vehicles - fleet.in_warehouse).is_multiple_of(OUT_OF_SERVICE_EVERY) {
            take_out_of_service(tx, vehicle, REASONS[fleet.out_of_service % REASONS.len()]).await?;
            fleet.out_of_service += 1;
        }
    }
    Ok(fleet)
}

async fn add_stations(tx: &Tx) -> Result<Docks> {
    let mut docks = Docks::new();
    for (id, row) in Stations::read(&STATIONS).map_err(Error::internal)?.by_id {
        let free = row.docks;
        let station = station::insert(tx, row.placed()).await?;
        docks.insert(id, Dock { station: station.id, free });
    }
    Ok(docks)
}

/// None when the docks are full: the vehicle stays in the warehouse.
fn dock(docks: &mut Docks, terminal: u32) -> Option<StationId> {
    let dock = docks.get_mut(&terminal).filter(|dock| dock.free > 0)?;
    dock.free -= 1;
    Some(dock.station)
}

fn created(bike: &Bike, vehicle_type: VehicleTypeId, at: Option<Destination>) -> CreateVehicle {
    CreateVehicle {
        number: bayarea::number(bike.number),
        vehicle_type,
        at,
        battery_percent: None,
        odometer_meters: 0,
    }
}

async fn take_out_of_service(tx: &Tx, vehicle: Model, reason: &str) -> Result<()> {
    let change = Change::along(&[(EventType::Maintenance, State::NonOperational)])
        .reason(Some(reason.to_owned()));
    change::apply(tx, vehicle, change).await?;
    Ok(())
}
