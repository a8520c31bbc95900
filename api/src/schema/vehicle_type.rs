//! Vehicle types, as clients see them.

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use entity::{
    tariff::TariffId,
    vehicle_type::{self, VehicleTypeId},
};
use service::permission::Permission;
use service::vehicle_type::{CreateVehicleType, DEFAULT_RESERVE_MINUTES, UpdateVehicleType};

use super::{
    connection::{connection, counted, nodes, page},
    outcome::payload,
    scalar::{DateTime, Gid},
    tariff::Tariff,
};
use crate::{context::Call, error::Result};

/// A kind of vehicle.
#[derive(Clone)]
pub struct VehicleType(pub vehicle_type::Model);

impl From<vehicle_type::Model> for VehicleType {
    fn from(model: vehicle_type::Model) -> Self {
        Self(model)
    }
}

/// The shape of a vehicle, as GBFS 3.0 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "vehicle_type::FormFactor")]
pub enum FormFactor {
    /// Two wheels and pedals.
    Bicycle,
    /// A bicycle that carries loads.
    CargoBicycle,
    /// A car.
    Car,
    /// A motor scooter with a seat and number plate.
    Moped,
    /// A kick scooter to stand on.
    ScooterStanding,
    /// A kick scooter with a seat.
    ScooterSeated,
    /// Anything else with wheels.
    Other,
}

/// What moves a vehicle, as GBFS 3.0 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "vehicle_type::PropulsionType")]
pub enum PropulsionType {
    /// Human force alone.
    Human,
    /// A motor that helps while the rider pedals.
    ElectricAssist,
    /// A motor that needs no pedalling.
    Electric,
    /// Petrol.
    Combustion,
    /// Diesel.
    CombustionDiesel,
    /// Petrol and electricity, not plugged in.
    Hybrid,
    /// Petrol and electricity, plugged in.
    PlugInHybrid,
    /// Hydrogen.
    HydrogenFuelCell,
}

/// A kind of vehicle, in GBFS 3.0's words.
#[Object(cache_control(max_age = 60))]
impl VehicleType {
    /// Global id, `vehicle_type_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// As people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Who makes it; null when not given.
    async fn make(&self) -> Option<&str> {
        self.0.make.as_deref()
    }

    /// The maker's name for it; null when not given.
    async fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// Its shape.
    async fn form_factor(&self) -> FormFactor {
        self.0.form_factor.into()
    }

    /// What moves it.
    async fn propulsion_type(&self) -> PropulsionType {
        self.0.propulsion_type.into()
    }

    /// Metres on a full battery or tank; null when moved by human force.
    async fn max_range_meters(&self) -> Option<i32> {
        self.0.max_range_meters
    }

    /// How many minutes a reservation lasts; 0 means that it cannot be reserved.
    async fn default_reserve_minutes(&self) -> i32 {
        self.0.default_reserve_minutes
    }

    /// What a rental costs that names no tariff; null means the tenant's default. For everybody who has signed in.
    async fn default_tariff(&self, ctx: &Context<'_>) -> Result<Option<Tariff>> {
        ctx.call()?.require(Permission::ViewTariffs)?;
        let Some(id) = self.0.default_tariff_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Tariff))
    }

    /// Not in use any more since then; null while it is.
    async fn archived_at(&self) -> Option<DateTime> {
        self.0.archived_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

connection!(VehicleTypeConnection, VehicleTypeEdge, VehicleType, "vehicle types"; kept 60);

#[derive(Default)]
pub struct VehicleTypeQuery;

#[Object]
impl VehicleTypeQuery {
    /// The kinds of vehicle, oldest first. Public where the tenant publishes its board.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn vehicle_types(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Archived ones too.", default)] include_archived: bool,
    ) -> Result<VehicleTypeConnection> {
        let args = page(first, after, last, before);
        let found = service::vehicle_type::list(ctx.call()?, include_archived, &args).await?;
        let count = counted(move |call| async move {
            service::vehicle_type::count(&call, include_archived).await
        });
        Ok(VehicleTypeConnection { page: nodes(found), count })
    }
}

/// A new kind of vehicle.
#[derive(InputObject)]
pub struct CreateVehicleTypeInput {
    /// 1 to 100 characters.
    name: String,
    /// Who makes it.
    make: Option<String>,
    /// The maker's name for it.
    model: Option<String>,
    /// Its shape.
    form_factor: FormFactor,
    /// What moves it.
    propulsion_type: PropulsionType,
    /// Required unless moved by human force.
    max_range_meters: Option<i32>,
    /// 0 to 1440; 0 means that it cannot be reserved.
    #[graphql(default_with = "DEFAULT_RESERVE_MINUTES")]
    default_reserve_minutes: i32,
    /// What a rental costs that names no tariff.
    default_tariff_id: Option<Gid<TariffId>>,
}

/// Changes to a vehicle type. What is left out stays as it is; null empties it.
#[derive(InputObject)]
pub struct UpdateVehicleTypeInput {
    /// Which.
    vehicle_type_id: Gid<VehicleTypeId>,
    /// 1 to 100 characters.
    name: Option<String>,
    /// Who makes it.
    make: MaybeUndefined<String>,
    /// The maker's name for it.
    model: MaybeUndefined<String>,
    /// Metres on a full battery or tank.
    max_range_meters: MaybeUndefined<i32>,
    /// 0 to 1440; 0 means that it cannot be reserved.
    default_reserve_minutes: Option<i32>,
    /// What a rental costs that names no tariff.
    default_tariff_id: MaybeUndefined<Gid<TariffId>>,
}

/// Takes a vehicle type out of use.
#[derive(InputObject)]
pub struct ArchiveVehicleTypeInput {
    /// Which.
    vehicle_type_id: Gid<VehicleTypeId>,
}

payload!(
    /// What `createVehicleType` answers.
    CreateVehicleTypePayload {
        /// The new type; null when refused.
        vehicle_type: VehicleType
    }
);
payload!(
    /// What `updateVehicleType` answers.
    UpdateVehicleTypePayload {
        /// The type as it now is; null when refused.
        vehicle_type: VehicleType
    }
);
payload!(
    /// What `archiveVehicleType` answers.
    ArchiveVehicleTypePayload {
        /// The archived type; null when refused.
        vehicle_type: VehicleType
    }
);

impl From<CreateVehicleTypeInput> for CreateVehicleType {
    fn from(input: CreateVehicleTypeInput) -> Self {
        Self {
            name: input.name,
            make: input.make,
            model: input.model,
            form_factor: input.form_factor.into(),
            propulsion_type: input.propulsion_type.into(),
            max_range_meters: input.max_range_meters,
            default_reserve_minutes: input.default_reserve_minutes,
            default_tariff: input.default_tariff_id.map(|Gid(id)| id),
        }
    }
}

impl From<UpdateVehicleTypeInput> for UpdateVehicleType {
    fn from(input: UpdateVehicleTypeInput) -> Self {
        Self {
            id: input.vehicle_type_id.0,
            name: input.name,
            make: super::patch(input.make),
            model: super::patch(input.model),
            max_range_meters: super::patch(input.max_range_meters),
            default_reserve_minutes: input.default_reserve_minutes,
            default_tariff: super::patch(input.default_tariff_id).map(|id| id.map(|Gid(id)| id)),
        }
    }
}

#[derive(Default)]
pub struct VehicleTypeMutation;

#[Object]
impl VehicleTypeMutation {
    /// Makes a kind of vehicle. Staff only.
    async fn create_vehicle_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new type.")] input: CreateVehicleTypeInput,
    ) -> Result<CreateVehicleTypePayload> {
        CreateVehicleTypePayload::from_outcome(
            service::vehicle_type::create(ctx.call()?, input.into()).await,
        )
    }

    /// Changes a kind of vehicle. Staff only.
    async fn update_vehicle_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateVehicleTypeInput,
    ) -> Result<UpdateVehicleTypePayload> {
        UpdateVehicleTypePayload::from_outcome(
            service::vehicle_type::update(ctx.call()?, input.into()).await,
        )
    }

    /// Takes a kind of vehicle out of use. `VEHICLE_TYPE_IN_USE` while it has vehicles. Staff only.
    async fn archive_vehicle_type(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which type.")] input: ArchiveVehicleTypeInput,
    ) -> Result<ArchiveVehicleTypePayload> {
        let id = input.vehicle_type_id.0;
        ArchiveVehicleTypePayload::from_outcome(
            service::vehicle_type::archive(ctx.call()?, id).await,
        )
    }
}
