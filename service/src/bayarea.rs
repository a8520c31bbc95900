//! Bay Area Bike Share's records of 2014: what is in them, and what such a system charges.

pub(crate) mod prices;
pub(crate) mod rides;
pub(crate) mod stations;
pub(crate) mod trips;

pub(crate) use rides::{Arrival, Ride, Rides};
pub(crate) use stations::Stations;
pub(crate) use trips::{Rider, RiderType, Trip, Trips};

use crate::records::Source;

/// What is part of the program; `demo/SOURCE.md` says where it is from.
pub const STATIONS: Source = Source::Embedded {
    name: "stations.csv (built in)",
    bytes: include_bytes!("../demo/stations.csv"),
};
/// Every trip that began in September 2014, by the clocks of San Francisco.
pub const TRIPS: Source = Source::Embedded {
    name: "trips.csv.gz (built in)",
    bytes: include_bytes!("../demo/trips.csv.gz"),
};
pub(crate) const VEHICLES: Source = Source::Embedded {
    name: "vehicles.csv (built in)",
    bytes: include_bytes!("../demo/vehicles.csv"),
};

/// The demo tenant's slug, and where an import goes when it is told nothing else.
pub const TENANT: &str = "bayarea";

/// How the records name a bike, as it is written on its frame.
pub(crate) fn number(bike: u32) -> String {
    format!("{bike:03}")
}

/// What was taken all the same, and how it was understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Stations with several rows, taken as they were last.
    pub stations_moved: u64,
    /// Trips that name a station otherwise than the stations file: the id counts.
    pub names_differ: u64,
    /// ZIP codes that are none: the rider has none then.
    pub zips_malformed: u64,
    /// Times an hour off at a change of the clocks: the duration counts.
    pub clock_changes: u64,
    /// Rides that ended when their bike's next one began, because the records have them overlap.
    pub overlaps: u64,
    pub longer_than_a_day: u64,
    /// Times that a bike's next ride began elsewhere.
    pub rebalanced: u64,
}
