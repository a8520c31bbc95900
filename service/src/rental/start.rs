//! Handing a vehicle to a customer.

use entity::{
    customer::CustomerId,
    rental::{Model, State},
    tariff::{self, TariffId},
    vehicle::{self, EventType, VehicleId},
};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde::Serialize;

use super::ONE_OPEN_PER_VEHICLE;
use crate::{
    ctx::Ctx,
    customer,
    error::{OnConstraint, Result},
    event::Event,
    idempotency::Once,
    payment::deposit,
    refusal::Refusal,
    station::counters::Rules,
    tariff as tariffs,
    vehicle::{
        self as vehicles,
        change::{self, Change},
        reserve,
    },
    write::Tx,
};

#[derive(Clone, Debug, Serialize)]
pub struct StartRental {
    pub vehicle: VehicleId,
    /// Staff name the customer; a customer rents for itself.
    pub customer: Option<CustomerId>,
    /// None: the vehicle type's tariff, else the tenant's default, which is all that a customer may name.
    pub tariff: Option<TariffId>,
}

/// Hands a vehicle to a customer and starts the meter.
///
/// Of two customers who unlock the same vehicle at once, one is told `VEHICLE_TAKEN`. Where the tenant asks for a deposit, one
/// that is held already becomes this rental's.
pub async fn start(ctx: &Ctx, input: StartRental, key: &str) -> Result<Model> {
    let customer = reserve::rider(ctx, input.customer)?;
    let input = &input;
    ctx.write_once(Once { operation: "start_rental", key, input }, |tx| async move {
        customer::who_may_rent(&tx, customer, Some(input.vehicle)).await?;
        let vehicle = vehicles::usable(&tx, input.vehicle).await?;
        reserve::rentable(&vehicle, customer)?;
        let tariff = offered(&tx, input, &vehicle).await?;
        let deposit = deposit::required(&tx, customer, &tariff.terms).await?;

        let rental = started(&tx, &vehicle, customer, &tariff);
        let row = rental.into_active_model().reset_all();
        let rental =
            row.insert(&*tx).await.on_constraint(ONE_OPEN_PER_VEHICLE, Refusal::VehicleTaken)?;

        let taken = Change::along(&[(EventType::TripStart, vehicle::State::OnTrip)])
            .because_of(rental.id)
            .under(Rules { must_rent: true, ..Rules::default() });
        change::apply(&tx, vehicle, taken).await?;
        if let Some(deposit) = deposit {
            deposit::secure(&tx, deposit, rental.id).await?;
        }
        tx.audit("rental.start", None, Some(&rental))?;
        tx.record(Event::RentalStarted { rental: Box::new(rental.clone()) });
        Ok(rental)
    })
    .await
}

/// Staff may give any tariff; a customer takes the one that applies.
async fn offered(tx: &Tx, input: &StartRental, vehicle: &vehicle::Model) -> Result<tariff::Model> {
    let applicable =
        async |named| tariffs::applicable(&**tx, tx.ctx(), named, vehicle.vehicle_type_id).await;
    let tariff = applicable(input.tariff).await?;
    let chosen = input.tariff.is_some() && tx.ctx().own_customer()?.is_some();
    if chosen && applicable(None).await?.id != tariff.id {
        return Err(Refusal::TariffNotOffered.into());
    }
    Ok(tariff)
}

fn started(
    tx: &Tx,
    vehicle: &vehicle::Model,
    customer: CustomerId,
    tariff: &tariff::Model,
) -> Model {
    Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        vehicle_id: vehicle.id,
        customer_id: customer,
        tariff_id: tariff.id,
        terms: tariff.terms.clone(),
        state: State::Active,
        started_at: tx.now(),
        ended_at: None,
        due_at: tariff.terms.due_at(tx.now()),
        overdue_at: None,
        start_station_id: vehicle.station_id,
        start_latitude: vehicle.latitude,
        start_longitude: vehicle.longitude,
        end_station_id: None,
        end_latitude: None,
        end_longitude: None,
        distance_meters: 0,
        currency: tariff.terms.currency,
        price_minor: None,
        lost: false,
        end_reason: None,
        imported_from: None,
    }
}
