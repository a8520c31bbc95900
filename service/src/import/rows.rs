//! What a ride of the records becomes: an ended rental, its price lines, and what the vehicle went through.

use chrono::{DateTime, Utc};
use entity::{
    price_line,
    rental::{self, State},
    station::StationId,
    tenant::TenantId,
    vehicle::{self, EventType},
    vehicle_event::{self, EventTypes},
};
use sea_orm::ActiveValue::Set;

use super::{
    fleet::{Fleet, Stop},
    ids::{self, Moment},
    riders,
};
use crate::{
    bayarea::{Arrival, Ride},
    error::{Error, Result},
    rental::pricing::{self, Price},
};

const ACTOR: &str = "system:import";
const REBALANCED: &str = "its next ride began at another station";

#[derive(Clone, Default)]
pub(super) struct Rows {
    pub rentals: Vec<rental::ActiveModel>,
    pub lines: Vec<price_line::ActiveModel>,
    pub history: Vec<vehicle_event::ActiveModel>,
}

/// One ride with everything that its rows need.
struct Case<'a> {
    tenant: TenantId,
    ride: &'a Ride,
    vehicle: vehicle::VehicleId,
    from: Stop,
    to: Stop,
}

impl Rows {
    pub fn of(tenant: TenantId, fleet: &Fleet, rides: &[Ride]) -> Result<Self> {
        let mut rows = Self::default();
        let unknown = || Error::internal("a ride whose station or vehicle was not made");
        for ride in rides {
            let case = Case {
                tenant,
                ride,
                vehicle: *fleet.vehicles.get(&ride.trip.bike).ok_or_else(unknown)?,
                from: *fleet.stations.get(&ride.trip.from).ok_or_else(unknown)?,
                to: *fleet.stations.get(&ride.trip.to).ok_or_else(unknown)?,
            };
            rows.add(&case, fleet)?;
        }
        Ok(rows)
    }

    fn add(&mut self, case: &Case<'_>, fleet: &Fleet) -> Result<()> {
        let terms = &fleet.fare(case.ride.trip.rider.kind).terms;
        let distance_meters = case.from.position.meters_to(case.to.position).round() as i64;
        let duration = case.ride.end - case.ride.trip.start;
        let ride = pricing::Ride { duration, distance_meters, lost: false };
        let price = pricing::price(terms, &ride).map_err(Error::internal)?;
        self.rentals.push(case.rental(fleet, &price, distance_meters));
        self.lines.extend(case.lines(&price));
        self.history.extend(case.history());
        Ok(())
    }
}

impl Case<'_> {
    fn rental(&self, fleet: &Fleet, price: &Price, distance_meters: i64) -> rental::ActiveModel {
        let Ride { trip, end, .. } = self.ride;
        let fare = fleet.fare(trip.rider.kind);
        let due_at = fare.terms.due_at(trip.start);
        rental::ActiveModel {
            tenant_id: Set(self.tenant),
            id: Set(ids::rental(trip)),
            vehicle_id: Set(self.vehicle),
            customer_id: Set(riders::id(trip.rider)),
            tariff_id: Set(fare.tariff),
            terms: Set(fare.terms.clone()),
            state: Set(State::Ended),
            started_at: Set(trip.start),
            ended_at: Set(Some(*end)),
            due_at: Set(due_at),
            overdue_at: Set(due_at.filter(|due| due < end)),
            start_station_id: Set(Some(self.from.id)),
            start_latitude: Set(Some(self.from.position.latitude())),
            start_longitude: Set(Some(self.from.position.longitude())),
            end_station_id: Set(Some(self.to.id)),
            end_latitude: Set(Some(self.to.position.latitude())),
            end_longitude: Set(Some(self.to.position.longitude())),
            distance_meters: Set(distance_meters),
            currency: Set(fare.terms.currency),
            price_minor: Set(Some(price.total().minor())),
            lost: Set(false),
            end_reason: Set(None),
            imported_from: Set(Some(format!("bayarea2014/{}", trip.id))),
        }
    }

    fn lines(&self, price: &Price) -> impl Iterator<Item = price_line::ActiveModel> {
        let trip = &self.ride.trip;
        (0_u8..).zip(price.lines()).map(|(position, line)| price_line::ActiveModel {
            tenant_id: Set(self.tenant),
            id: Set(ids::line(trip, position)),
            rental_id: Set(ids::rental(trip)),
            position: Set(position.into()),
            kind: Set(line.kind),
            amount_minor: Set(line.amount_minor),
            quantity: Set(line.quantity),
        })
    }

    fn history(&self) -> impl Iterator<Item = vehicle_event::ActiveModel> {
        use vehicle::State::{Available, OnTrip, Removed};
        let start = self.ride.trip.start;
        let drop_off = EventType::ProviderDropOff;
        let brought = match self.ride.arrival {
            Arrival::Stayed => None,
            Arrival::First => Some((vec![drop_off], Removed, None)),
            Arrival::Rebalanced => {
                let van = vec![EventType::RebalancePickUp, drop_off];
                Some((van, Available, Some(REBALANCED.to_owned())))
            }
        };
        let brought = brought.map(|(types, before, reason)| vehicle_event::ActiveModel {
            rental_id: Set(None),
            reason: Set(reason),
            ..self.moment(Moment::Brought, start, types, (before, Available))
        });
        let started =
            self.moment(Moment::Started, start, vec![EventType::TripStart], (Available, OnTrip));
        let ended = vec![EventType::TripEnd];
        let ended = self.moment(Moment::Ended, self.ride.end, ended, (OnTrip, Available));
        brought.into_iter().chain([started, ended])
    }

    fn moment(
        &self,
        moment: Moment,
        at: DateTime<Utc>,
        event_types: Vec<EventType>,
        (before, after): (vehicle::State, vehicle::State),
    ) -> vehicle_event::ActiveModel {
        let stop = match moment {
            Moment::Brought | Moment::Started => self.from,
            Moment::Ended => self.to,
        };
        let station: Option<StationId> = after.standing().map(|_| stop.id);
        vehicle_event::ActiveModel {
            tenant_id: Set(self.tenant),
            id: Set(ids::history(&self.ride.trip, moment, at)),
            vehicle_id: Set(self.vehicle),
            event_types: Set(EventTypes(event_types)),
            state_before: Set(Some(before)),
            state: Set(after),
            station_id: Set(station),
            latitude: Set(Some(stop.position.latitude())),
            longitude: Set(Some(stop.position.longitude())),
            battery_percent: Set(None),
            rental_id: Set(Some(ids::rental(&self.ride.trip))),
            actor: Set(ACTOR.to_owned()),
            reason: Set(None),
            occurred_at: Set(at),
        }
    }
}
