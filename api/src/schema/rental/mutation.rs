//! Starting, ending and cancelling rentals.

use async_graphql::{Context, InputObject, Object};
use entity::{
    customer::CustomerId, rental::RentalId, station::StationId, tariff::TariffId,
    vehicle::VehicleId,
};
use service::{
    error::Invalid,
    rental::{
        cancel::{self, CancelRental},
        end::{self, EndRental, ForceEndRental},
        start::{self, StartRental},
    },
};

use super::Rental;
use crate::{
    context::Call,
    error::Result,
    schema::{
        outcome::payload,
        place::{PositionInput, destination},
        scalar::Gid,
        with,
    },
};

/// Hands a vehicle to a customer.
#[derive(InputObject)]
pub struct StartRentalInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
    /// For whom: staff must say it, customers need not.
    customer_id: Option<Gid<CustomerId>>,
    /// The vehicle type's tariff, or the tenant's default, when not given. Staff may give any; a customer who names another
    /// is refused with `TARIFF_NOT_OFFERED`.
    tariff_id: Option<Gid<TariffId>>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Takes a vehicle back, at a station or a position.
#[derive(InputObject)]
pub struct EndRentalInput {
    /// Which.
    rental_id: Gid<RentalId>,
    /// Where it was returned; give this or `position`.
    station_id: Option<Gid<StationId>>,
    /// Where it was left; give this or `stationId`.
    position: Option<PositionInput>,
    /// Metres as the vehicle measured them, 0 to 10,000,000; the straight line when not given, and of a customer never less.
    distance_meters: Option<i64>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Ends a rental in the rider's place.
#[derive(InputObject)]
pub struct ForceEndRentalInput {
    /// Which.
    rental_id: Gid<RentalId>,
    /// Where the vehicle is; give this, `position` or `lost`.
    station_id: Option<Gid<StationId>>,
    /// Where the vehicle is; give this, `stationId` or `lost`.
    position: Option<PositionInput>,
    /// The vehicle did not come back: it is missing, and its fee is charged.
    #[graphql(default)]
    lost: bool,
    /// Metres, 0 to 10,000,000; the straight line when not given.
    distance_meters: Option<i64>,
    /// Why, 1 to 500 characters.
    reason: String,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Undoes a start.
#[derive(InputObject)]
pub struct CancelRentalInput {
    /// Which.
    rental_id: Gid<RentalId>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

payload!(
    /// What `startRental` answers.
    StartRentalPayload {
        /// The new rental; null when refused.
        rental: Rental
    }
);
payload!(
    /// What `endRental` answers.
    EndRentalPayload {
        /// The ended rental with its price; null when refused.
        rental: Rental
    }
);
payload!(
    /// What `forceEndRental` answers.
    ForceEndRentalPayload {
        /// The ended rental with its price; null when refused.
        rental: Rental
    }
);
payload!(
    /// What `cancelRental` answers.
    CancelRentalPayload {
        /// The cancelled rental; null when refused.
        rental: Rental
    }
);

impl EndRentalInput {
    fn input(&self) -> service::Result<EndRental> {
        let at = destination(self.station_id, self.position.as_ref())?;
        let at =
            at.ok_or_else(|| Invalid::new("stationId", "say where: a station or a position"))?;
        Ok(EndRental { rental: self.rental_id.0, at, distance_meters: self.distance_meters })
    }
}

impl ForceEndRentalInput {
    fn input(&self) -> service::Result<ForceEndRental> {
        let at = destination(self.station_id, self.position.as_ref())?;
        if at.is_some() == self.lost {
            return Err(Invalid::new("lost", "say where the vehicle is, or that it is lost").into());
        }
        let (distance_meters, reason) = (self.distance_meters, self.reason.clone());
        Ok(ForceEndRental { rental: self.rental_id.0, at, distance_meters, reason })
    }
}

#[derive(Default)]
pub struct RentalMutation;

#[Object]
impl RentalMutation {
    /// Starts a ride. Fails with `VEHICLE_TAKEN` when someone else has the vehicle. Customers for themselves, staff for anyone.
    async fn start_rental(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which vehicle, for whom.")] input: StartRentalInput,
    ) -> Result<StartRentalPayload> {
        let StartRentalInput { vehicle_id: Gid(vehicle), customer_id, tariff_id, idempotency_key } =
            input;
        let (customer, tariff) = (customer_id.map(|Gid(id)| id), tariff_id.map(|Gid(id)| id));
        let wanted = StartRental { vehicle, customer, tariff };
        StartRentalPayload::from_outcome(start::start(ctx.call()?, wanted, &idempotency_key).await)
    }

    /// Ends a ride and says what it came to. Customers their own, staff any.
    async fn end_rental(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rental, and where.")] input: EndRentalInput,
    ) -> Result<EndRentalPayload> {
        let (call, key) = (ctx.call()?, &input.idempotency_key);
        EndRentalPayload::from_outcome(
            with(input.input(), |wanted| end::end(call, wanted, key)).await,
        )
    }

    /// Ends a ride in the rider's place: also at a station that takes no returns, or as lost. Staff only.
    async fn force_end_rental(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rental, and what became of the vehicle.")]
        input: ForceEndRentalInput,
    ) -> Result<ForceEndRentalPayload> {
        let (call, key) = (ctx.call()?, &input.idempotency_key);
        ForceEndRentalPayload::from_outcome(
            with(input.input(), |wanted| end::force(call, wanted, key)).await,
        )
    }

    /// Undoes a start, for nothing, within the tenant's grace period. Customers their own, staff any.
    async fn cancel_rental(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rental.")] input: CancelRentalInput,
    ) -> Result<CancelRentalPayload> {
        let wanted = CancelRental { rental: input.rental_id.0 };
        CancelRentalPayload::from_outcome(
            cancel::cancel(ctx.call()?, wanted, &input.idempotency_key).await,
        )
    }
}
