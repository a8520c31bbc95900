//! The trips file: one trip a line, checked against itself and against the stations.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};

use super::{Notes, stations::Stations};
use crate::{
    records::{Flaw, RecordsError, Rejects, Row, Source, Table},
    rental::pricing::MAX_DAYS,
};

const COLUMNS: [&str; 9] = [
    "trip_id",
    "duration",
    "start_date",
    "start_terminal",
    "end_date",
    "end_terminal",
    "bike_id",
    "subscription_type",
    "zip_code",
];
const NAMES: [&str; 2] = ["start_station", "end_station"];

/// Bounds the memory; a hundred years of this system have fewer.
const MOST_TRIPS: usize = 20_000_000;

/// Times are rounded to the minute.
const ROUNDING_SECONDS: i64 = 60;
const CLOCK_CHANGE_SECONDS: i64 = 3_600;

/// Subscribers paid for a year, customers for a day or three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RiderType {
    Subscriber,
    Customer,
}

/// As much as the records know of who rides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rider {
    pub kind: RiderType,
    /// Of their home, in the United States.
    pub zip: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trip {
    pub id: u32,
    pub start: DateTime<Utc>,
    pub seconds: i64,
    pub from: u32,
    pub to: u32,
    pub bike: u32,
    pub rider: Rider,
}

impl Trip {
    pub fn end(&self) -> DateTime<Utc> {
        self.start + Duration::seconds(self.seconds)
    }
}

pub(crate) struct Trips {
    pub trips: Vec<Trip>,
    pub rejects: Rejects,
    pub notes: Notes,
    pub lines: u64,
}

impl Trips {
    /// No trip ends after `now`.
    pub fn read(
        source: &Source,
        stations: &Stations,
        now: DateTime<Utc>,
    ) -> Result<Self, RecordsError> {
        let mut table = Table::open(source, &COLUMNS, &NAMES)?;
        let mut read = Self {
            trips: Vec::new(),
            rejects: Rejects::default(),
            notes: Notes::default(),
            lines: 0,
        };
        let mut seen = HashSet::new();
        while let Some((line, row)) = table.next() {
            read.lines += 1;
            let trip = row.and_then(|row| {
                let trip = trip(&row, stations, now, &mut read.notes)?;
                if seen.insert(trip.id) {
                    Ok(trip)
                } else {
                    Err(Flaw::Repeated { column: COLUMNS[0], value: trip.id.to_string() })
                }
            });
            match trip {
                Ok(trip) if read.trips.len() < MOST_TRIPS => read.trips.push(trip),
                Ok(_) => {
                    let problem = format!("has more than {MOST_TRIPS} trips: split it");
                    return Err(RecordsError::NotATable { file: table.file().to_owned(), problem });
                }
                Err(flaw) => read.rejects.add(table.file(), line, flaw),
            }
        }
        Ok(read)
    }
}

fn trip(
    row: &Row,
    stations: &Stations,
    now: DateTime<Utc>,
    notes: &mut Notes,
) -> Result<Trip, Flaw> {
    let id = row.read(0, COLUMNS[0], "number")?;
    let seconds = seconds(row)?;
    let start = time(row, 2, COLUMNS[2], now)?;
    let end = time(row, 4, COLUMNS[4], now)?;
    let from = station(row, 3, COLUMNS[3], stations)?;
    let to = station(row, 5, COLUMNS[5], stations)?;
    let bike = row.read(6, COLUMNS[6], "number")?;
    let kind = kind(row)?;
    let clocks_changed = clocks_changed(seconds, (end - start).num_seconds())?;
    let trip = Trip { id, start, seconds, from, to, bike, rider: Rider { kind, zip: None } };
    if trip.end() > now {
        return Err(Flaw::OutOfRange { column: "duration", problem: "ends in the future".into() });
    }
    // From here on the trip is taken, so that it may be noted.
    notes.clock_changes += u64::from(clocks_changed);
    let names = [(COLUMNS.len(), from), (COLUMNS.len() + 1, to)];
    notes.names_differ += u64::from(names.iter().any(|(column, id)| {
        let name = row.get(*column);
        !name.is_empty() && !stations.names.get(id).is_some_and(|known| known.contains(name))
    }));
    notes.longer_than_a_day += u64::from(seconds > 86_400);
    let zip = zip(row.get(8));
    notes.zips_malformed += u64::from(zip.is_none() && !row.get(8).is_empty());
    Ok(Trip { rider: Rider { kind, zip }, ..trip })
}

fn seconds(row: &Row) -> Result<i64, Flaw> {
    let seconds = row.read(1, COLUMNS[1], "number of seconds")?;
    if (0..=MAX_DAYS * 86_400).contains(&seconds) {
        return Ok(seconds);
    }
    let problem = format!("{seconds} seconds are not between 0 and {MAX_DAYS} days");
    Err(Flaw::OutOfRange { column: COLUMNS[1], problem })
}

fn time(
    row: &Row,
    at: usize,
    column: &'static str,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Flaw> {
    const FROM: i64 = 946_684_800; // 2000-01-01
    let text = row.get(at);
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| Flaw::Unreadable {
        column,
        wanted: "time such as 2014-01-01T08:14:00Z",
        value: text.to_owned(),
    })?;
    let time = time.to_utc();
    if time.timestamp() >= FROM && time <= now {
        return Ok(time);
    }
    let problem = format!("{text} is not between the year 2000 and now");
    Err(Flaw::OutOfRange { column, problem })
}

fn station(row: &Row, at: usize, column: &'static str, stations: &Stations) -> Result<u32, Flaw> {
    let id = row.read(at, column, "number")?;
    if stations.by_id.contains_key(&id) {
        Ok(id)
    } else {
        let problem = format!("there is no station {id} in the stations file");
        Err(Flaw::Unknown { column, problem })
    }
}

fn kind(row: &Row) -> Result<RiderType, Flaw> {
    match row.get(7) {
        "Subscriber" => Ok(RiderType::Subscriber),
        "Customer" => Ok(RiderType::Customer),
        other => Err(Flaw::Unreadable {
            column: COLUMNS[7],
            wanted: "rider type: Subscriber or Customer",
            value: other.to_owned(),
        }),
    }
}

/// Whether the clocks were changed on the way. A difference that neither this nor rounding explains is a flaw.
fn clocks_changed(seconds: i64, apart: i64) -> Result<bool, Flaw> {
    match (apart - seconds).abs() {
        ..=ROUNDING_SECONDS => Ok(false),
        by if (by - CLOCK_CHANGE_SECONDS).abs() <= ROUNDING_SECONDS => Ok(true),
        _ => {
            let problem =
                format!("{seconds} seconds, but end_date is {apart} seconds after start_date");
            Err(Flaw::Contradiction { column: COLUMNS[1], problem })
        }
    }
}

/// Five digits, ZIP+4, or four digits whose leading zero a spreadsheet took; anything else is none.
fn zip(text: &str) -> Option<u32> {
    let (first, rest) = text.split_once('-').unwrap_or((text, ""));
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = (digits(first, 5) && (rest.is_empty() || digits(rest, 4)))
        || (digits(text, 4) && !text.starts_with('0'));
    if whole { first.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_code_is_five_digits() {
        assert_eq!(zip("94107"), Some(94_107));
        assert_eq!(zip("94040-1724"), Some(94_040));
        assert_eq!(zip("02139"), Some(2_139));
        assert_eq!(zip("2139"), Some(2_139));
        for none in
            ["", "1", "886", "0886", "941077", "V6Z 2E7", "94107-", "94107-12", "-1724", "+9410"]
        {
            let expected = (none == "94107-").then_some(94_107);
            assert_eq!(zip(none), expected, "{none}");
        }
    }

    #[test]
    fn a_duration_may_differ_by_rounding_or_by_the_clocks() {
        assert_eq!(clocks_changed(435, 420), Ok(false));
        assert_eq!(clocks_changed(600, 660), Ok(false));
        assert_eq!(clocks_changed(5_395, 1_800), Ok(true));
        assert_eq!(clocks_changed(600, 4_199), Ok(true));
        let flaw = clocks_changed(600, 700).unwrap_err();
        assert_eq!(
            flaw.to_string(),
            "duration: 600 seconds, but end_date is 700 seconds after start_date"
        );
    }
}
