//! Taking a vehicle back: by its rider, or by staff in the rider's place.

use entity::{
    Position,
    rental::{Ending, Model, NotOpen, RentalId, State},
    vehicle::{self, EventType, Step},
};
use serde::Serialize;

use super::pricing::{self, Price, PricingError, Ride};
use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result},
    event::Event,
    idempotency::Once,
    ledger::charge::charge,
    permission::Permission,
    refusal::Refusal,
    station::counters::Rules,
    text,
    vehicle::{
        Destination,
        change::{self, Change, Place},
        service::lose,
    },
    write::Tx,
};

#[derive(Clone, Debug, Serialize)]
pub struct EndRental {
    pub rental: RentalId,
    pub at: Destination,
    /// As the vehicle measured it; of a rider never less than the straight line. None: that line.
    pub distance_meters: Option<i64>,
}

/// Ends in the rider's place: the vehicle came back, or it is lost.
#[derive(Clone, Debug, Serialize)]
pub struct ForceEndRental {
    pub rental: RentalId,
    /// None: the vehicle is lost, and its fee is charged.
    pub at: Option<Destination>,
    pub distance_meters: Option<i64>,
    pub reason: String,
}

/// Takes the vehicle back and says what the ride came to.
pub async fn end(ctx: &Ctx, input: EndRental, key: &str) -> Result<Model> {
    if ctx.own_customer()?.is_some() {
        ctx.require(Permission::Ride)?
    } else {
        ctx.require(Permission::ManageRentals)?
    }
    distance(input.distance_meters)?;
    let input = &input;
    ctx.write_once(Once { operation: "end_rental", key, input }, |tx| async move {
        let rules = Rules { must_return: true, ..Rules::default() };
        let finish = Finish {
            at: Some(input.at),
            distance_meters: input.distance_meters,
            reason: None,
            rules,
            action: "rental.end",
        };
        finish_rental(&tx, input.rental, finish).await
    })
    .await
}

/// For staff: closed stations take it too, only a full one does not.
pub async fn force(ctx: &Ctx, input: ForceEndRental, key: &str) -> Result<Model> {
    ctx.require(Permission::ManageRentals)?;
    distance(input.distance_meters)?;
    let reason = &text::required("reason", &input.reason, 500)?;
    let input = &input;
    ctx.write_once(Once { operation: "force_end_rental", key, input }, |tx| async move {
        let finish = Finish {
            at: input.at,
            distance_meters: input.distance_meters,
            reason: Some(reason.clone()),
            rules: Rules::default(),
            action: "rental.force_end",
        };
        finish_rental(&tx, input.rental, finish).await
    })
    .await
}

struct Finish {
    at: Option<Destination>,
    distance_meters: Option<i64>,
    reason: Option<String>,
    rules: Rules,
    action: &'static str,
}

async fn finish_rental(tx: &Tx, id: RentalId, finish: Finish) -> Result<Model> {
    let (rental, vehicle) = super::lock(tx, id).await?;
    let before = rental.clone();
    if rental.state != State::Active {
        return Err(Refusal::RentalNotOpen.into());
    }
    let lost = finish.at.is_none();
    // The vehicle goes first: it knows where it stands afterwards.
    let place = finish.at.map_or(Place::Off, Place::At);
    let back = Change::along(&steps(vehicle.state, lost))
        .to(place)
        .because_of(rental.id)
        .reason(finish.reason.clone())
        .under(finish.rules)
        .ridden(finish.distance_meters.unwrap_or(0));
    let vehicle = change::apply(tx, vehicle, back).await?;

    let ending = Ending {
        // The clocks of two nodes may differ.
        at: tx.now().max(rental.started_at),
        station: vehicle.station_id,
        latitude: vehicle.latitude,
        longitude: vehicle.longitude,
        distance_meters: measured(tx, finish.distance_meters, straight(&rental, &vehicle))?,
        lost,
        reason: finish.reason,
    };
    let ride =
        Ride { duration: rental.duration(tx.now()), distance_meters: ending.distance_meters, lost };
    let price = price(&rental, &ride)?;
    let rental = rental.end(ending, price.total()).map_err(|NotOpen| Refusal::RentalNotOpen)?;
    let rental = super::store(tx, rental).await?;
    super::keep_lines(tx, &rental, price.lines()).await?;
    charge(tx, &rental, price.lines()).await?;
    tx.audit(finish.action, Some(&before), Some(&rental))?;
    tx.record(Event::RentalEnded { rental: Box::new(rental.clone()) });
    Ok(rental)
}

/// A vehicle that went out of contact during its trip is heard of again first.
fn steps(state: vehicle::State, lost: bool) -> Vec<Step> {
    if lost {
        return lose(state);
    }
    let end = (EventType::TripEnd, vehicle::State::Available);
    let restored = |event| vec![(event, vehicle::State::OnTrip), end];
    match state {
        vehicle::State::NonContactable => restored(EventType::CommsRestored),
        vehicle::State::Missing => restored(EventType::Located),
        vehicle::State::Elsewhere => restored(EventType::TripEnterJurisdiction),
        _ => vec![end],
    }
}

pub(super) fn price(rental: &Model, ride: &Ride) -> Result<Price> {
    pricing::price(&rental.terms, ride).map_err(|error| match error {
        PricingError::NegativeDistance | PricingError::OutOfRange => {
            Invalid::new("distanceMeters", error).into()
        }
        PricingError::NegativeDuration | PricingError::TooLong => Error::internal(error),
    })
}

/// Staff are believed; a rider has come at least as far as the vehicle has.
fn measured(tx: &Tx, told: Option<i64>, straight: i64) -> Result<i64> {
    Ok(match told {
        Some(told) if tx.ctx().own_customer()?.is_some() => told.max(straight),
        Some(told) => told,
        None => straight,
    })
}

fn straight(rental: &Model, vehicle: &vehicle::Model) -> i64 {
    let start = rental.start_latitude.zip(rental.start_longitude);
    let start = start.and_then(|(latitude, longitude)| Position::new(latitude, longitude).ok());
    let meters = start.zip(vehicle.position()).map_or(0.0, |(start, end)| start.meters_to(end));
    // At most half the globe, so it fits.
    meters.round() as i64
}

fn distance(meters: Option<i64>) -> Result<()> {
    if meters.is_some_and(|meters| !(0..=10_000_000).contains(&meters)) {
        return Err(Invalid::new("distanceMeters", "must be between 0 and 10000000").into());
    }
    Ok(())
}
