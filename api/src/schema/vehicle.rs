//! Vehicles, as clients see them.

mod history;
mod live;
mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{
    station::StationId,
    vehicle::{self, EventType as MdsEvent},
    vehicle_type::VehicleTypeId,
};
use service::{
    page::PageArgs,
    permission::Permission,
    vehicle::{Filter, SortBy},
};

pub use history::{VehicleEvent, VehicleEventConnection};
pub use live::VehicleSubscription;
pub use mutation::VehicleMutation;

use super::{
    connection::{connection, counted, nodes, page, sort},
    customer::Customer,
    loader::OpenOn,
    place::{AreaInput, Position, optional_area},
    rental::Rental,
    scalar::{DateTime, Gid},
    station::Station,
    vehicle_type::VehicleType,
};
use crate::{context::Call, error::Result};

/// One vehicle.
#[derive(Clone)]
pub struct Vehicle(pub vehicle::Model);

impl From<vehicle::Model> for Vehicle {
    fn from(model: vehicle::Model) -> Self {
        Self(model)
    }
}

/// What a vehicle is doing: the vehicle states of MDS 2.0, and the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "vehicle::State")]
pub enum VehicleState {
    /// In the warehouse, on a truck, or scrapped.
    Removed,
    /// It can be rented.
    Available,
    /// In the field, but not for hire.
    NonOperational,
    /// Held for a customer.
    Reserved,
    /// With a customer, moving or not.
    OnTrip,
    /// Out of contact for a short time.
    NonContactable,
    /// Out of contact, and not expected back.
    Missing,
    /// Outside the service area.
    Elsewhere,
    /// Out on lease; `removed` to MDS.
    OnLease,
}

/// Why a vehicle changed its state: the vehicle events of MDS 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "MdsEvent")]
pub enum VehicleEventType {
    /// Put on the street by an agency.
    AgencyDropOff,
    /// Taken off the street by an agency.
    AgencyPickUp,
    /// The battery is charged.
    BatteryCharged,
    /// The battery is low.
    BatteryLow,
    /// It crossed a border within the service area.
    ChangedGeographies,
    /// Out of contact.
    CommsLost,
    /// In contact again.
    CommsRestored,
    /// Taken off the street for compliance.
    CompliancePickUp,
    /// Out of the fleet for good.
    Decommissioned,
    /// Found again.
    Located,
    /// Into or out of maintenance where it stands.
    Maintenance,
    /// Taken off the street for maintenance.
    MaintenancePickUp,
    /// Looked for in vain.
    NotLocated,
    /// Outside the hours of operation.
    OffHours,
    /// Within the hours of operation again.
    OnHours,
    /// Put on the street by the operator.
    ProviderDropOff,
    /// Taken off the street to be put elsewhere.
    RebalancePickUp,
    /// A hold ended without a trip.
    ReservationCancel,
    /// A hold began.
    ReservationStart,
    /// The system opened again.
    SystemResume,
    /// The system was closed.
    SystemSuspend,
    /// A trip was undone before it moved.
    TripCancel,
    /// A trip ended.
    TripEnd,
    /// A trip came into the service area.
    TripEnterJurisdiction,
    /// A trip left the service area.
    TripLeaveJurisdiction,
    /// A trip began.
    TripStart,
    /// None of these.
    Unspecified,
}

/// One vehicle. Customers see those that they could rent, and their own.
#[Object]
impl Vehicle {
    /// Global id, `vehicle_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What is written on the frame.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// What kind it is; null when that was removed in the meantime.
    async fn vehicle_type(&self, ctx: &Context<'_>) -> Result<Option<VehicleType>> {
        Ok(ctx.load()?.load_one(self.0.vehicle_type_id).await?.map(VehicleType))
    }

    /// What it is doing.
    async fn state(&self) -> VehicleState {
        self.0.state.into()
    }

    /// Where it stands; null when at no station.
    async fn station(&self, ctx: &Context<'_>) -> Result<Option<Station>> {
        let Some(id) = self.0.station_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Station))
    }

    /// Where it was last seen; null when never. During a trip, where that began.
    async fn position(&self) -> Option<Position> {
        self.0.position().map(Position::from)
    }

    /// 0 to 100; null without a battery, or when not known.
    async fn battery_percent(&self) -> Option<i32> {
        self.0.battery_percent
    }

    /// Metres ridden, as far as they were reported.
    async fn odometer_meters(&self) -> i64 {
        self.0.odometer_meters
    }

    /// When the hold on it ends; null when nobody holds it.
    async fn reserved_until(&self) -> Option<DateTime> {
        self.0.reserved_until.map(DateTime)
    }

    /// Who holds it; null when nobody does. Staff, and the customer itself.
    async fn reserved_by(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let Some(id) = self.0.reserved_by else { return Ok(None) };
        let call = ctx.call()?;
        if call.own_customer()? != Some(id) {
            call.require(Permission::ViewCustomers)?;
        }
        Ok(ctx.load()?.load_one(id).await?.map(Customer))
    }

    /// The rental that has it out; null when none has. Staff only.
    async fn open_rental(&self, ctx: &Context<'_>) -> Result<Option<Rental>> {
        ctx.call()?.require(Permission::ViewRentals)?;
        Ok(ctx.load()?.load_one(OpenOn(self.0.id)).await?.map(Rental))
    }

    /// Why it is out of service; null when it is not.
    async fn out_of_service_reason(&self) -> Option<&str> {
        self.0.out_of_service_reason.as_deref()
    }

    /// What happened to it since it came into the fleet, newest first. Staff only.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<VehicleEventConnection> {
        let id = self.0.id;
        let found =
            service::vehicle::history::list(ctx.call()?, id, &page(first, after, last, before))
                .await?;
        let count =
            counted(move |call| async move { service::vehicle::history::count(&call, id).await });
        Ok(VehicleEventConnection { page: nodes(found), count })
    }

    /// Not in the fleet any more since then; null while it is.
    async fn archived_at(&self) -> Option<DateTime> {
        self.0.archived_at.map(DateTime)
    }

    /// When it came into the fleet.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

connection!(VehicleConnection, VehicleEdge, Vehicle, "vehicles", fleet_cursor);

/// Which vehicles; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct VehicleFilter {
    /// In this state.
    pub state: Option<VehicleState>,
    /// In any of these states, and in `state` if that is given too.
    pub states: Option<Vec<VehicleState>>,
    /// Of this type.
    pub vehicle_type_id: Option<Gid<VehicleTypeId>>,
    /// At this station.
    pub station_id: Option<Gid<StationId>>,
    /// Number begins with this, whatever the case.
    pub number: Option<String>,
    /// Battery strictly below this percentage; vehicles without one never match.
    pub battery_below: Option<i32>,
    /// Last seen within this box.
    pub within: Option<AreaInput>,
    /// Archived ones too. Staff only; customers never see them.
    #[graphql(default)]
    pub include_archived: bool,
}

/// What vehicles can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "SortBy")]
pub enum VehicleSortField {
    /// By what is written on the frame.
    Number,
    /// By when they came into the fleet.
    Created,
    /// By when they last changed.
    Updated,
    /// By battery; those without one come as if fuller than full.
    Battery,
}

sort!(VehicleSort, VehicleSortField, "vehicles");

impl VehicleFilter {
    fn filter(&self) -> service::Result<Filter> {
        let mut states: Vec<vehicle::State> =
            self.states.iter().flatten().chain(&self.state).map(|state| (*state).into()).collect();
        states.dedup();
        Ok(Filter {
            states,
            vehicle_type: self.vehicle_type_id.map(|Gid(id)| id),
            station: self.station_id.map(|Gid(id)| id),
            number: self.number.clone(),
            battery_below: self.battery_below,
            within: optional_area(self.within.as_ref())?,
            include_archived: self.include_archived,
        })
    }
}

pub async fn vehicles_page(
    ctx: &Context<'_>,
    filter: &VehicleFilter,
    sort: Option<VehicleSort>,
    args: PageArgs,
) -> Result<VehicleConnection> {
    let call = ctx.call()?;
    let filter = Arc::new(filter.filter()?);
    let (by, direction) =
        sort.map_or((SortBy::Number, Default::default()), |s| (s.field.into(), s.direction));
    // Before the rows, so that the snapshot holds at least all up to the cursor.
    let fleet_cursor = super::live::snapshot(ctx, call).await?;
    let found = service::vehicle::list(call, &filter, by, direction.into(), &args).await?;
    let count = counted(move |call| {
        let filter = Arc::clone(&filter);
        async move { service::vehicle::count(&call, &filter).await }
    });
    Ok(VehicleConnection { page: nodes(found), count, fleet_cursor })
}

#[derive(Default)]
pub struct VehicleQuery;

#[Object]
impl VehicleQuery {
    /// Vehicles, by number when not sorted otherwise. Customers see those that they could rent, and what they hold.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn vehicles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only vehicles that match.")] filter: Option<VehicleFilter>,
        #[graphql(desc = "By number when not given.")] sort: Option<VehicleSort>,
    ) -> Result<VehicleConnection> {
        vehicles_page(ctx, &filter.unwrap_or_default(), sort, page(first, after, last, before))
            .await
    }
}
