//! Ids made of the records: UUIDv7 of when it happened, with the number that it has there instead of chance.

use chrono::{DateTime, Utc};
use entity::{
    Id, customer::CustomerId, price_line::PriceLineId, rental::RentalId,
    vehicle_event::VehicleEventId,
};

use crate::bayarea::{Rider, RiderType, Trip};

/// Tells these records from others that may come.
const RECORDS: u8 = 0xba;

/// What happened to a vehicle, in the order in which it does within one moment.
#[derive(Clone, Copy)]
pub(super) enum Moment {
    Brought = 1,
    Started = 2,
    Ended = 3,
}

pub(super) fn rental(trip: &Trip) -> RentalId {
    id(trip.start, 0, trip.id)
}

pub(super) fn line(trip: &Trip, position: u8) -> PriceLineId {
    id(trip.start, position, trip.id)
}

pub(super) fn history(trip: &Trip, moment: Moment, at: DateTime<Utc>) -> VehicleEventId {
    id(at, moment as u8, trip.id)
}

/// The same in every import and replay. It sorts as if made when the system opened.
pub(crate) fn customer(rider: Rider) -> CustomerId {
    const OPENED: i64 = 1_377_734_400; // 2013-08-29
    let opened = DateTime::from_timestamp(OPENED, 0).unwrap_or_default();
    let kind = match rider.kind {
        RiderType::Subscriber => 1,
        RiderType::Customer => 2,
    };
    id(opened, kind, rider.zip.map_or(0, |zip| zip + 1))
}

/// `part` is below 16, and sorts before the number.
fn id<I: Id>(at: DateTime<Utc>, part: u8, number: u32) -> I {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let [a, b, c, d] = number.to_be_bytes();
    let bytes = [part, RECORDS, 0, 0, 0, 0, a, b, c, d];
    I::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_at_once_keeps_its_order() {
        let rider = Rider { kind: RiderType::Customer, zip: None };
        let start = DateTime::from_timestamp(1_400_000_000, 0).unwrap();
        let trip = Trip { id: 7, start, seconds: 0, from: 1, to: 2, bike: 3, rider };
        let at = |moment| history(&trip, moment, start).uuid();
        assert!(at(Moment::Brought) < at(Moment::Started));
        assert!(at(Moment::Started) < at(Moment::Ended));
        assert_eq!(rental(&trip).uuid().get_version_num(), 7);
        assert_ne!(customer(rider), customer(Rider { zip: Some(0), ..rider }));
    }
}
