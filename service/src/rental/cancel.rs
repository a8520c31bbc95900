//! Undoing a start: free within the tenant's grace period, where the vehicle never left.

use chrono::Duration;
use entity::{
    rental::{Ending, Model, NotOpen, RentalId, State},
    vehicle::{self, EventType},
};
use serde::Serialize;

use crate::{
    ctx::Ctx,
    error::{Error, Result, Subject},
    event::Event,
    idempotency::Once,
    permission::Permission,
    refusal::Refusal,
    vehicle::{
        Destination,
        change::{self, Change, Place},
    },
    write::Tx,
};

#[derive(Clone, Debug, Serialize)]
pub struct CancelRental {
    pub rental: RentalId,
}

/// Gives the vehicle back where it was taken. After the grace period it is `RENTAL_NOT_CANCELLABLE`.
pub async fn cancel(ctx: &Ctx, input: CancelRental, key: &str) -> Result<Model> {
    if ctx.own_customer()?.is_some() {
        ctx.require(Permission::Ride)?
    } else {
        ctx.require(Permission::ManageRentals)?
    }
    let input = &input;
    ctx.write_once(Once { operation: "cancel_rental", key, input }, |tx| async move {
        let (rental, vehicle) = super::lock(&tx, input.rental).await?;
        let before = rental.clone();
        if rental.state != State::Active {
            return Err(Refusal::RentalNotOpen.into());
        }
        within_grace(&tx, &rental).await?;
        let place =
            rental.start_station_id.map_or(Place::Stay, |id| Place::At(Destination::Station(id)));
        let undone = Change::along(&[(EventType::TripCancel, vehicle::State::Available)])
            .to(place)
            .because_of(rental.id);
        let vehicle = change::apply(&tx, vehicle, undone).await?;
        let ending = Ending {
            // The clocks of two nodes may differ.
            at: tx.now().max(rental.started_at),
            station: vehicle.station_id,
            latitude: vehicle.latitude,
            longitude: vehicle.longitude,
            distance_meters: 0,
            lost: false,
            reason: None,
        };
        let rental =
            rental.cancel(ending).map_err(|NotOpen| Error::from(Refusal::RentalNotOpen))?;
        let rental = super::store(&tx, rental).await?;
        tx.audit("rental.cancel", Some(&before), Some(&rental))?;
        tx.record(Event::RentalCancelled { rental: Box::new(rental.clone()) });
        Ok(rental)
    })
    .await
}

async fn within_grace(tx: &Tx, rental: &Model) -> Result<()> {
    use sea_orm::{ColumnTrait, QueryFilter};
    let tenant = entity::tenant::Entity::all()
        .filter(entity::tenant::Column::Id.eq(tx.tenant()))
        .one(&**tx)
        .await?;
    let seconds = tenant.ok_or(Error::NotFound(Subject::Tenant))?.grace_seconds;
    if rental.duration(tx.now()) > Duration::seconds(seconds.into()) {
        return Err(Refusal::RentalNotCancellable { seconds }.into());
    }
    Ok(())
}
