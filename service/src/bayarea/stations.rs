//! The stations file: each station once, and every name that it had.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entity::Position;

use crate::{
    records::{Flaw, RecordsError, Rejects, Row, Source, Table},
    station::CreateStation,
    text,
};

const COLUMNS: [&str; 7] =
    ["station_id", "name", "lat", "long", "dock_count", "landmark", "install_date"];

pub(crate) struct Station {
    pub id: u32,
    pub name: String,
    pub position: Position,
    pub docks: i32,
    pub city: Option<String>,
    installed: NaiveDate,
}

impl Station {
    /// As it comes into a fleet: its number is its short code.
    pub fn placed(self) -> CreateStation {
        CreateStation {
            name: self.name,
            short_code: self.id.to_string(),
            position: self.position,
            address: None,
            region: self.city,
            capacity: self.docks,
            is_virtual: false,
            is_charging: false,
        }
    }
}

pub(crate) struct Stations {
    pub by_id: BTreeMap<u32, Station>,
    pub names: BTreeMap<u32, BTreeSet<String>>,
    rows: BTreeMap<u32, u32>,
    pub rejects: Rejects,
    pub lines: u64,
}

impl Stations {
    /// Of a station that was moved or renamed, the row that was installed last; of equal dates, the last row.
    pub fn read(source: &Source) -> Result<Self, RecordsError> {
        let mut table = Table::open(source, &COLUMNS, &[])?;
        let mut read = Self {
            by_id: BTreeMap::new(),
            names: BTreeMap::new(),
            rows: BTreeMap::new(),
            rejects: Rejects::default(),
            lines: 0,
        };
        while let Some((line, row)) = table.next() {
            read.lines += 1;
            match row.and_then(|row| station(&row)) {
                Ok(station) => read.add(station),
                Err(flaw) => read.rejects.add(table.file(), line, flaw),
            }
        }
        Ok(read)
    }

    /// How many have several rows.
    pub fn moved(&self) -> u64 {
        self.rows.values().filter(|rows| **rows > 1).count() as u64
    }

    fn add(&mut self, station: Station) {
        *self.rows.entry(station.id).or_default() += 1;
        self.names.entry(station.id).or_default().insert(station.name.clone());
        let earlier = self.by_id.get(&station.id);
        if earlier.is_none_or(|earlier| earlier.installed <= station.installed) {
            self.by_id.insert(station.id, station);
        }
    }
}

fn station(row: &Row) -> Result<Station, Flaw> {
    let id = row.read(0, "station_id", "number")?;
    let fits =
        |column, error: crate::Error| Flaw::OutOfRange { column, problem: error.to_string() };
    let name = text::required("name", row.get(1), 200).map_err(|error| fits("name", error))?;
    let city = text::optional("landmark", Some(row.get(5)), 100);
    let city = city.map_err(|error| fits("landmark", error))?;
    let latitude = row.read(2, "lat", "latitude")?;
    let longitude = row.read(3, "long", "longitude")?;
    let position = Position::new(latitude, longitude)
        .map_err(|error| Flaw::OutOfRange { column: "lat", problem: error.to_string() })?;
    let docks = row.read(4, "dock_count", "number")?;
    if !(0..=10_000).contains(&docks) {
        let problem = format!("{docks} is not between 0 and 10000");
        return Err(Flaw::OutOfRange { column: "dock_count", problem });
    }
    let installed = row.read(6, "install_date", "date such as 2013-08-05")?;
    Ok(Station { id, name, position, docks, city, installed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_that_was_moved_or_renamed_is_taken_once_as_it_was_last() {
        let stations = Stations::read(&super::super::STATIONS).unwrap();
        assert_eq!((stations.lines, stations.by_id.len(), stations.rejects.count()), (76, 70, 0));
        assert_eq!(stations.by_id[&25].name, "Stanford in Redwood City");
        assert_eq!(stations.by_id[&80].name, "Santa Clara County Civic Center");
        assert!((stations.by_id[&72].position.latitude() - 37.781039).abs() < 1e-9);
        assert_eq!(stations.names[&25].len(), 2);
    }
}
