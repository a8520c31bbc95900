//! When each bike leaves and arrives: the built-in month as moments since its first midnight.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;

use crate::{
    bayarea::{Notes, Rides, STATIONS, Stations, TRIPS, Trip, Trips},
    error::{Error, Result},
};

/// Sorted by time; what a bike does at once stays in its order.
pub(super) struct Timetable {
    pub moments: Vec<Moment>,
}

#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// Since the first midnight.
    pub at: Duration,
    pub what: What,
    pub trip: Trip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Leaves,
    Arrives,
}

pub(super) fn first_day() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2014, 9, 1).unwrap_or_default().into()
}

/// Midnight after it.
pub(super) fn last_day() -> NaiveDateTime {
    first_day() + Days::new(30)
}

/// After so long the first day comes again.
pub(super) fn period() -> Duration {
    last_day() - first_day()
}

fn midnight() -> DateTime<Utc> {
    Los_Angeles
        .from_local_datetime(&first_day())
        .earliest()
        .map_or(DateTime::UNIX_EPOCH, |time| time.to_utc())
}

impl Timetable {
    pub fn read() -> Result<Self> {
        let stations = Stations::read(&STATIONS).map_err(Error::internal)?;
        let read = Trips::read(&TRIPS, &stations, DateTime::<Utc>::MAX_UTC);
        let rides = Rides::chain(read.map_err(Error::internal)?.trips, &mut Notes::default());
        let mut moments: Vec<Moment> = rides
            .rides
            .iter()
            .flat_map(|ride| {
                let leaves = ride.trip.start - midnight();
                // The last day ends for everyone.
                let arrives = (ride.end - midnight()).min(period());
                let moment = |at, what| Moment { at, what, trip: ride.trip };
                [moment(leaves, What::Leaves), moment(arrives, What::Arrives)]
            })
            .collect();
        // Stable: of what happens at once, a bike's last ride ends before its next begins, and no ride ends before it began.
        moments.sort_by_key(|moment| moment.at);
        Ok(Self { moments })
    }

    /// How far into the period a moment of the records is; None is the first trip.
    pub fn after(&self, from: Option<NaiveDateTime>) -> Duration {
        match from {
            Some(from) => {
                let local = Los_Angeles.from_local_datetime(&from).earliest();
                local.map_or(Duration::zero(), |time| time.to_utc() - midnight())
            }
            None => self.moments.first().map_or(Duration::zero(), |moment| moment.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_bike_leaves_before_it_arrives_and_arrives_before_it_leaves_again() {
        let timetable = Timetable::read().unwrap();
        assert_eq!(timetable.moments.len(), 2 * 31_682);
        let mut out = HashSet::new();
        for moment in &timetable.moments {
            assert!(Duration::zero() <= moment.at && moment.at <= period());
            match moment.what {
                What::Leaves => assert!(out.insert(moment.trip.bike), "{}", moment.trip.id),
                What::Arrives => assert!(out.remove(&moment.trip.bike), "{}", moment.trip.id),
            }
        }
        assert!(out.is_empty());
    }

    #[test]
    fn a_place_in_the_records_is_told_by_the_local_clock() {
        let timetable = Timetable { moments: Vec::new() };
        let from = NaiveDate::from_ymd_opt(2014, 9, 3).unwrap().and_hms_opt(7, 0, 0);
        assert_eq!(timetable.after(from), Duration::hours(2 * 24 + 7));
    }
}
