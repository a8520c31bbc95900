//! Every change of a vehicle's state or place: checked against the table, counted at the stations, kept in its history, and told.

use chrono::{DateTime, Utc};
use entity::{
    customer::CustomerId,
    rental::RentalId,
    station::StationId,
    vehicle::{EventType, Model, State, Step, follow},
    vehicle_event::{self, EventTypes},
};
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{Destination, words};
use crate::{
    error::{Error, Result},
    event::Event,
    refusal::Refusal,
    station::counters::{self, Locked, Rules},
    write::Tx,
};

/// Where the change leaves the vehicle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Stay,
    At(Destination),
    /// At no station; its last position stays known.
    Off,
}

impl Place {
    pub(crate) fn station(self) -> Option<StationId> {
        match self {
            Self::At(Destination::Station(id)) => Some(id),
            Self::At(Destination::Position(_)) | Self::Stay | Self::Off => None,
        }
    }
}

pub(crate) struct Change {
    steps: Vec<Step>,
    place: Place,
    hold: Option<(CustomerId, DateTime<Utc>)>,
    rental: Option<RentalId>,
    reason: Option<String>,
    rules: Rules,
    odometer_by: i64,
}

impl Change {
    pub(crate) fn along(steps: &[Step]) -> Self {
        Self {
            steps: steps.to_vec(),
            place: Place::Stay,
            hold: None,
            rental: None,
            reason: None,
            rules: Rules::default(),
            odometer_by: 0,
        }
    }

    pub(crate) fn to(self, place: Place) -> Self {
        Self { place, ..self }
    }

    pub(crate) fn held_by(self, customer: CustomerId, until: DateTime<Utc>) -> Self {
        Self { hold: Some((customer, until)), ..self }
    }

    pub(crate) fn because_of(self, rental: RentalId) -> Self {
        Self { rental: Some(rental), ..self }
    }

    pub(crate) fn reason(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    pub(crate) fn under(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    pub(crate) fn ridden(self, meters: i64) -> Self {
        Self { odometer_by: meters, ..self }
    }
}

/// The vehicle must be locked. A step that the table does not know is refused with `VEHICLE_STATE_CONFLICT`.
pub(crate) async fn apply(tx: &Tx, before: Model, change: Change) -> Result<Model> {
    let conflict = || Error::from(Refusal::VehicleStateConflict { state: words(before.state) });
    let state = follow(before.state, &change.steps).map_err(|_| conflict())?;
    let mut after = before.clone();
    after.state = state;
    after.prior_state = prior(&before, state);
    after.reserved_by = change.hold.map(|(customer, _)| customer);
    after.reserved_until = change.hold.map(|(_, until)| until);
    after.odometer_meters = before.odometer_meters.saturating_add(change.odometer_by);
    after.out_of_service_reason = out_of_service_reason(&before, &after, &change);
    let stations = Locked::of(tx, [before.station_id, change.place.station()]).await?;
    put(&stations, &mut after, change.place)?;
    let after = super::store(tx, after).await?;
    counters::apply(tx, stations, Some(&before), &after, change.rules).await?;
    let event_types = change.steps.iter().map(|(event, _)| *event).collect();
    let story = Story { event_types, rental: change.rental, reason: change.reason };
    remember(tx, Some(before), &after, story).await?;
    Ok(after)
}

/// As `apply`, with a line in the audit log.
pub(crate) async fn act(
    tx: &Tx,
    action: &'static str,
    before: Model,
    change: Change,
) -> Result<Model> {
    let after = apply(tx, before.clone(), change).await?;
    tx.audit(action, Some(&before), Some(&after))?;
    Ok(after)
}

/// What a vehicle out of contact returns to.
fn prior(before: &Model, state: State) -> Option<State> {
    match state {
        State::NonContactable | State::Missing => before.prior_state.or(Some(before.state)),
        _ => None,
    }
}

/// Kept while it is out of service, wherever it is brought and whether or not it is found: a flat tyre stays one.
fn out_of_service_reason(before: &Model, after: &Model, change: &Change) -> Option<String> {
    let out = Some(State::NonOperational);
    if Some(after.state) != out && after.prior_state != out {
        return None;
    }
    before.out_of_service_reason.clone().or_else(|| change.reason.clone())
}

pub(crate) fn put(stations: &Locked, vehicle: &mut Model, place: Place) -> Result<()> {
    match place {
        Place::Stay => {}
        Place::Off => vehicle.station_id = None,
        Place::At(Destination::Position(position)) => {
            vehicle.station_id = None;
            vehicle.latitude = Some(position.latitude());
            vehicle.longitude = Some(position.longitude());
        }
        Place::At(Destination::Station(id)) => {
            let station = stations.get(id)?;
            vehicle.station_id = Some(id);
            vehicle.latitude = Some(station.latitude);
            vehicle.longitude = Some(station.longitude);
        }
    }
    if vehicle.state.standing().is_none() {
        vehicle.station_id = None;
    }
    Ok(())
}

/// Why a vehicle changed.
#[derive(Default)]
pub(crate) struct Story {
    pub event_types: Vec<EventType>,
    pub rental: Option<RentalId>,
    pub reason: Option<String>,
}

/// One row of the permanent history, and one event.
pub(crate) async fn remember(
    tx: &Tx,
    before: Option<Model>,
    after: &Model,
    story: Story,
) -> Result<()> {
    let Story { event_types, rental, reason } = story;
    let row = vehicle_event::ActiveModel {
        tenant_id: Set(after.tenant_id),
        id: Set(tx.new_id()),
        vehicle_id: Set(after.id),
        event_types: Set(EventTypes(event_types.clone())),
        state_before: Set(before.as_ref().map(|before| before.state)),
        state: Set(after.state),
        station_id: Set(after.station_id),
        latitude: Set(after.latitude),
        longitude: Set(after.longitude),
        battery_percent: Set(after.battery_percent),
        rental_id: Set(rental),
        actor: Set(tx.actor().to_string()),
        reason: Set(reason),
        occurred_at: Set(tx.now()),
    };
    vehicle_event::Entity::insert(row).exec_without_returning(&**tx).await?;
    let (before, after) = (before.map(Box::new), Box::new(after.clone()));
    tx.record(Event::VehicleChanged { event_types, before, after, rental });
    Ok(())
}
