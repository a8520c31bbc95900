//! What a ride would cost, before it is one; and what an open one costs so far.

use chrono::Duration;
use entity::{
    money::Money,
    rental::Model,
    tariff::{self, TariffId},
    vehicle::VehicleId,
};

use super::pricing::{self, Line, Price, Ride};
use crate::{
    ctx::Ctx,
    error::{Invalid, Result},
    permission::Permission,
    tariff as tariffs, vehicle as vehicles,
};

#[derive(Clone, Debug)]
pub struct RentalQuote {
    pub vehicle: VehicleId,
    pub tariff: Option<TariffId>,
    pub minutes: i32,
    pub distance_meters: i64,
}

pub struct Quote {
    pub tariff: tariff::Model,
    pub price: Price,
}

pub async fn quote(ctx: &Ctx, input: RentalQuote) -> Result<Quote> {
    ctx.require(Permission::ViewVehicles)?;
    if !(0..=5_000_000).contains(&input.minutes) {
        return Err(Invalid::new("minutes", "must be between 0 and 5000000").into());
    }
    let vehicle = vehicles::get(ctx, input.vehicle).await?;
    let tariff =
        tariffs::applicable(ctx.reader(), ctx, input.tariff, vehicle.vehicle_type_id).await?;
    let ride = Ride {
        duration: Duration::minutes(input.minutes.into()),
        distance_meters: input.distance_meters,
        lost: false,
    };
    let price = pricing::price(&tariff.terms, &ride)
        .map_err(|error| Invalid::new("distanceMeters", error))?;
    Ok(Quote { tariff, price })
}

/// The price and its lines as they would be if the ride ended now.
pub fn so_far(ctx: &Ctx, rental: &Model) -> Result<(Money, Vec<Line>)> {
    let ride = Ride {
        duration: rental.duration(ctx.now()),
        distance_meters: rental.distance_meters,
        lost: rental.lost,
    };
    let price = super::end::price(rental, &ride)?;
    Ok((price.total(), price.into_lines()))
}
