//! Each bike's trips in their order: where it was before each, and when each was over at the latest.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Notes, Trip};

/// The minute in which the next ride begins may be the one in which this one ends.
const ROUNDING_SECONDS: i64 = 60;

/// How a bike came to where its ride begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It stood there since its last ride.
    Stayed,
    /// It was at another station: a van brought it.
    Rebalanced,
    /// Nothing is known of it from before.
    First,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ride {
    pub trip: Trip,
    pub end: DateTime<Utc>,
    pub arrival: Arrival,
}

/// All rides by start, and the last one of each bike.
pub(crate) struct Rides {
    pub rides: Vec<Ride>,
    pub last: BTreeMap<u32, Ride>,
}

impl Rides {
    /// A bike is on one ride at a time: the start of the next ends the one before, whatever the records say.
    pub fn chain(mut trips: Vec<Trip>, notes: &mut Notes) -> Self {
        trips.sort_by_key(|trip| (trip.bike, trip.start, trip.id));
        let mut rides: Vec<Ride> = Vec::with_capacity(trips.len());
        for trip in trips {
            let before = rides.last_mut().filter(|before| before.trip.bike == trip.bike);
            let arrival = match before {
                None => Arrival::First,
                Some(before) => {
                    let over = (before.end - trip.start).num_seconds();
                    before.end = before.end.min(trip.start);
                    notes.overlaps += u64::from(over > ROUNDING_SECONDS);
                    if before.trip.to == trip.from { Arrival::Stayed } else { Arrival::Rebalanced }
                }
            };
            notes.rebalanced += u64::from(arrival == Arrival::Rebalanced);
            rides.push(Ride { trip, end: trip.end(), arrival });
        }
        let last = rides.iter().map(|ride| (ride.trip.bike, *ride)).collect();
        rides.sort_by_key(|ride| (ride.trip.start, ride.trip.id));
        Self { rides, last }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::{
        super::{Rider, RiderType},
        *,
    };

    fn trip(id: u32, minute: i64, minutes: i64, from: u32, to: u32) -> Trip {
        let start = DateTime::UNIX_EPOCH + Duration::minutes(minute);
        let rider = Rider { kind: RiderType::Customer, zip: None };
        Trip { id, start, seconds: minutes * 60, from, to, bike: 1, rider }
    }

    #[test]
    fn a_bike_is_on_one_ride_at_a_time() {
        let mut notes = Notes::default();
        let trips = vec![trip(3, 60, 5, 9, 8), trip(1, 0, 10, 1, 2), trip(2, 20, 90, 2, 3)];
        let Rides { rides, last } = Rides::chain(trips, &mut notes);
        let ended: Vec<_> =
            rides.iter().map(|ride| (ride.end - DateTime::UNIX_EPOCH).num_minutes()).collect();
        assert_eq!(ended, [10, 60, 65]);
        let arrived: Vec<_> = rides.iter().map(|ride| ride.arrival).collect();
        assert_eq!(arrived, [Arrival::First, Arrival::Stayed, Arrival::Rebalanced]);
        assert_eq!((notes.overlaps, notes.rebalanced), (1, 1));
        assert_eq!(last[&1].trip.id, 3);
    }
}
