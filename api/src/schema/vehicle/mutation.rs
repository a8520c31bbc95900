//! What staff and customers do with vehicles.

use async_graphql::{Context, Enum, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{customer::CustomerId, vehicle::VehicleId, vehicle_type::VehicleTypeId};
use service::vehicle::{
    CreateVehicle, UpdateVehicle,
    reserve::{self, ReserveVehicle},
    service::{self as workshop, MoveVehicles, OutOfService},
};

use super::Vehicle;
use crate::{
    context::Call,
    error::Result,
    schema::{
        outcome::{UserError, outcome, payload},
        patch,
        place::DestinationInput,
        scalar::Gid,
        with,
    },
};

/// A new vehicle.
#[derive(InputObject)]
pub struct CreateVehicleInput {
    /// What is written on the frame: 1 to 40 characters, unique.
    number: String,
    /// What kind it is.
    vehicle_type_id: Gid<VehicleTypeId>,
    /// Where it is put, and available at once; in the warehouse when not given.
    at: Option<DestinationInput>,
    /// 0 to 100.
    battery_percent: Option<i32>,
    /// Metres ridden so far.
    #[graphql(default)]
    odometer_meters: i64,
}

/// Changes to a vehicle. What is left out stays as it is; null empties it.
#[derive(InputObject)]
pub struct UpdateVehicleInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
    /// What is written on the frame: 1 to 40 characters, unique.
    number: Option<String>,
    /// What kind it is.
    vehicle_type_id: Option<Gid<VehicleTypeId>>,
    /// 0 to 100.
    battery_percent: MaybeUndefined<i32>,
    /// Metres ridden so far.
    odometer_meters: Option<i64>,
}

/// One vehicle.
#[derive(InputObject)]
pub struct ArchiveVehicleInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
}

/// Moves many vehicles to one place.
#[derive(InputObject)]
pub struct MoveVehiclesInput {
    /// 1 to 100 vehicles.
    vehicle_ids: Vec<Gid<VehicleId>>,
    /// Where to.
    to: DestinationInput,
    /// For the history.
    reason: Option<String>,
}

/// Why a vehicle cannot be rented, as MDS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "OutOfService")]
pub enum OutOfServiceKind {
    /// It needs work.
    Maintenance,
    /// Its battery is low.
    BatteryLow,
    /// Outside the hours of operation.
    OffHours,
    /// The system is closed.
    SystemSuspend,
}

/// Takes a vehicle out of service where it stands.
#[derive(InputObject)]
pub struct TakeOutOfServiceInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
    /// What kind of reason.
    #[graphql(default_with = "OutOfServiceKind::Maintenance")]
    kind: OutOfServiceKind,
    /// What is wrong, 1 to 500 characters.
    reason: String,
}

/// Makes a vehicle rentable again.
#[derive(InputObject)]
pub struct ReturnToServiceInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
    /// Where it is put; required when it comes from the warehouse or a lease.
    at: Option<DestinationInput>,
}

/// Says that a vehicle cannot be found.
#[derive(InputObject)]
pub struct ReportMissingInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
    /// For the history.
    reason: Option<String>,
}

/// Says where a missing vehicle was found.
#[derive(InputObject)]
pub struct LocateInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
    /// Where it now is.
    at: DestinationInput,
}

/// Holds a vehicle for a customer.
#[derive(InputObject)]
pub struct ReserveVehicleInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
    /// For whom: staff must say it, customers need not.
    customer_id: Option<Gid<CustomerId>>,
    /// Unique for each intent, up to 255 bytes: the same key again gives the first answer.
    idempotency_key: String,
}

/// Lets a held vehicle go.
#[derive(InputObject)]
pub struct CancelReservationInput {
    /// Which.
    vehicle_id: Gid<VehicleId>,
}

macro_rules! vehicle_payloads {
    ($($mutation:literal $name:ident)*) => {
        $(payload!(
            #[doc = concat!("What `", $mutation, "` answers.")]
            $name {
                /// The vehicle as it now is; null when refused.
                vehicle: Vehicle
            }
        );)*
    };
}

vehicle_payloads! {
    "createVehicle" CreateVehiclePayload
    "updateVehicle" UpdateVehiclePayload
    "archiveVehicle" ArchiveVehiclePayload
    "takeOutOfService" TakeOutOfServicePayload
    "returnToService" ReturnToServicePayload
    "reportMissing" ReportMissingPayload
    "locate" LocatePayload
    "reserveVehicle" ReserveVehiclePayload
    "cancelReservation" CancelReservationPayload
}

/// What `moveVehicles` answers.
#[derive(SimpleObject)]
pub struct MoveVehiclesPayload {
    /// The vehicles as they now are; null when refused, and then none was moved.
    vehicles: Option<Vec<Vehicle>>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl CreateVehicleInput {
    fn input(self) -> ::service::Result<CreateVehicle> {
        Ok(CreateVehicle {
            at: self.at.map(|at| at.destination()).transpose()?,
            number: self.number,
            vehicle_type: self.vehicle_type_id.0,
            battery_percent: self.battery_percent,
            odometer_meters: self.odometer_meters,
        })
    }
}

impl From<UpdateVehicleInput> for UpdateVehicle {
    fn from(input: UpdateVehicleInput) -> Self {
        Self {
            id: input.vehicle_id.0,
            number: input.number,
            vehicle_type: input.vehicle_type_id.map(|Gid(id)| id),
            battery_percent: patch(input.battery_percent),
            odometer_meters: input.odometer_meters,
        }
    }
}

impl MoveVehiclesInput {
    fn input(self) -> ::service::Result<MoveVehicles> {
        let vehicles = self.vehicle_ids.into_iter().map(|Gid(id)| id).collect();
        Ok(MoveVehicles { vehicles, to: self.to.destination()?, reason: self.reason })
    }
}

#[derive(Default)]
pub struct VehicleMutation;

#[Object]
impl VehicleMutation {
    /// Brings a vehicle into the fleet. Staff only.
    async fn create_vehicle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new vehicle.")] input: CreateVehicleInput,
    ) -> Result<CreateVehiclePayload> {
        let call = ctx.call()?;
        let made = with(input.input(), |input| ::service::vehicle::create(call, input)).await;
        CreateVehiclePayload::from_outcome(made)
    }

    /// Changes a vehicle. Staff only.
    async fn update_vehicle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateVehicleInput,
    ) -> Result<UpdateVehiclePayload> {
        UpdateVehiclePayload::from_outcome(
            ::service::vehicle::update(ctx.call()?, input.into()).await,
        )
    }

    /// Takes a vehicle out of the fleet for good. `VEHICLE_IN_USE` while somebody holds or rides it. Staff only.
    async fn archive_vehicle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which vehicle.")] input: ArchiveVehicleInput,
    ) -> Result<ArchiveVehiclePayload> {
        ArchiveVehiclePayload::from_outcome(
            ::service::vehicle::archive(ctx.call()?, input.vehicle_id.0).await,
        )
    }

    /// Rebalances many vehicles at once: all or none. Staff only.
    async fn move_vehicles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and where to.")] input: MoveVehiclesInput,
    ) -> Result<MoveVehiclesPayload> {
        let call = ctx.call()?;
        let (moved, user_errors) =
            outcome(with(input.input(), |input| workshop::move_vehicles(call, input)).await)?;
        let vehicles = moved.map(|vehicles| vehicles.into_iter().map(Vehicle).collect());
        Ok(MoveVehiclesPayload { vehicles, user_errors })
    }

    /// Takes a vehicle out of service where it stands; it keeps its dock. Staff only.
    async fn take_out_of_service(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: TakeOutOfServiceInput,
    ) -> Result<TakeOutOfServicePayload> {
        let taken = workshop::take_out_of_service(
            ctx.call()?,
            input.vehicle_id.0,
            input.kind.into(),
            &input.reason,
        )
        .await;
        TakeOutOfServicePayload::from_outcome(taken)
    }

    /// Makes a vehicle rentable again. Staff only.
    async fn return_to_service(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and where it is put.")] input: ReturnToServiceInput,
    ) -> Result<ReturnToServicePayload> {
        let call = ctx.call()?;
        let at = input.at.map(|at| at.destination()).transpose();
        let returned =
            with(at, |at| workshop::return_to_service(call, input.vehicle_id.0, at)).await;
        ReturnToServicePayload::from_outcome(returned)
    }

    /// Says that a vehicle cannot be found. One on a trip is reported by `forceEndRental` with `lost`. Staff only.
    async fn report_missing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which vehicle.")] input: ReportMissingInput,
    ) -> Result<ReportMissingPayload> {
        let missing =
            workshop::report_missing(ctx.call()?, input.vehicle_id.0, input.reason.as_deref())
                .await;
        ReportMissingPayload::from_outcome(missing)
    }

    /// Says where a missing vehicle was found; it is available there, or out of service as it was before. Staff only.
    async fn locate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and where.")] input: LocateInput,
    ) -> Result<LocatePayload> {
        let call = ctx.call()?;
        let found =
            with(input.at.destination(), |at| workshop::locate(call, input.vehicle_id.0, at)).await;
        LocatePayload::from_outcome(found)
    }

    /// Holds a vehicle for as long as its type says; the hold ends by itself. Customers for themselves, staff for anyone.
    async fn reserve_vehicle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and for whom.")] input: ReserveVehicleInput,
    ) -> Result<ReserveVehiclePayload> {
        let ReserveVehicleInput { vehicle_id: Gid(vehicle), customer_id, idempotency_key } = input;
        let wanted = ReserveVehicle { vehicle, customer: customer_id.map(|Gid(id)| id) };
        ReserveVehiclePayload::from_outcome(
            reserve::reserve(ctx.call()?, wanted, &idempotency_key).await,
        )
    }

    /// Lets a held vehicle go before its time. Customers what they hold, staff anything.
    async fn cancel_reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which vehicle.")] input: CancelReservationInput,
    ) -> Result<CancelReservationPayload> {
        CancelReservationPayload::from_outcome(
            reserve::cancel(ctx.call()?, input.vehicle_id.0).await,
        )
    }
}
