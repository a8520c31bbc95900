//! The demo's stations and bikes as the files in `demo/` have them; `demo/SOURCE.md` says where they are from.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

use crate::error::{Error, Result};

const STATIONS: &str = include_str!("../../demo/stations.csv");
const VEHICLES: &str = include_str!("../../demo/vehicles.csv");

#[derive(Deserialize)]
pub(super) struct StationRow {
    pub station_id: u32,
    pub name: String,
    pub lat: f64,
    pub long: f64,
    pub dock_count: i32,
    /// The city.
    pub landmark: String,
    install_date: chrono::NaiveDate,
}

#[derive(Deserialize)]
pub(super) struct VehicleRow {
    pub bike_id: u32,
    /// The `station_id` where it was left.
    pub terminal: u32,
}

/// Each station once: of one that was moved or renamed, as it was last.
pub(super) fn stations() -> Result<Vec<StationRow>> {
    let mut latest: BTreeMap<u32, StationRow> = BTreeMap::new();
    for row in rows::<StationRow>(STATIONS)? {
        if latest.get(&row.station_id).is_none_or(|known| known.install_date <= row.install_date) {
            latest.insert(row.station_id, row);
        }
    }
    Ok(latest.into_values().collect())
}

pub(super) fn vehicles() -> Result<Vec<VehicleRow>> {
    rows(VEHICLES)
}

fn rows<T: DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_station_that_was_moved_or_renamed_is_taken_once_as_it_was_last() {
        let stations = stations().unwrap();
        let named = |id| stations.iter().find(|station| station.station_id == id).unwrap();
        assert_eq!(stations.len(), 70);
        assert_eq!(named(25).name, "Stanford in Redwood City");
        assert_eq!(named(80).name, "Santa Clara County Civic Center");
        assert!((named(72).lat - 37.781039).abs() < 1e-9);
    }

    #[test]
    fn every_bike_stands_at_a_known_station() {
        let known: BTreeSet<u32> = stations().unwrap().iter().map(|row| row.station_id).collect();
        let vehicles = vehicles().unwrap();
        let numbers: BTreeSet<u32> = vehicles.iter().map(|row| row.bike_id).collect();
        assert_eq!((vehicles.len(), numbers.len()), (687, 687));
        assert!(vehicles.iter().all(|row| known.contains(&row.terminal)));
    }
}
