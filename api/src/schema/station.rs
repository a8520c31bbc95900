//! Stations and their availability, as clients see them.

mod live;
mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::station;
use service::station::{Filter, Near, SortBy};

pub use live::StationSubscription;
pub use mutation::StationMutation;

use super::{
    connection::{connection, counted, nodes, page, sort},
    place::{AreaInput, Position, PositionInput, optional_area},
    scalar::{DateTime, Gid},
    vehicle::{VehicleConnection, VehicleFilter, VehicleSort, vehicles_page},
    vehicle_type::VehicleType,
};
use crate::{context::Call, error::Result};

/// A place where vehicles stand.
#[derive(Clone)]
pub struct Station(pub station::Model);

impl From<station::Model> for Station {
    fn from(model: station::Model) -> Self {
        Self(model)
    }
}

/// Vehicles of one type that can be rented at a station now.
#[derive(SimpleObject)]
#[graphql(cache_control(max_age = 5))]
pub struct VehicleTypeAvailability {
    /// The type; null when it was removed in the meantime.
    vehicle_type: Option<VehicleType>,
    /// How many.
    count: i32,
}

/// A place where vehicles stand: docks, or a marked area without them.
#[Object(cache_control(max_age = 5))]
impl Station {
    /// Global id, `station_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// As people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// As staff call it; unique among the stations that are not archived.
    async fn short_code(&self) -> &str {
        &self.0.short_code
    }

    /// Where it is.
    async fn position(&self) -> Option<Position> {
        self.0.position().map(Position::from)
    }

    /// Street and house number; null when not given.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// City or district; null when not given.
    async fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// Docks, working or not; for a virtual station, places.
    async fn capacity(&self) -> i32 {
        self.0.capacity
    }

    /// It has no docks and takes any number of vehicles.
    async fn is_virtual(&self) -> bool {
        self.0.is_virtual
    }

    /// Vehicles are charged here.
    async fn is_charging_station(&self) -> bool {
        self.0.is_charging
    }

    /// It is on the street.
    async fn is_installed(&self) -> bool {
        self.0.is_installed
    }

    /// It rents out, even if it is empty now.
    async fn is_renting(&self) -> bool {
        self.0.is_renting
    }

    /// It takes returns, even if it is full now.
    async fn is_returning(&self) -> bool {
        self.0.is_returning
    }

    /// Vehicles that can be rented now: neither reserved nor out of service. Not set to 0 while the station is closed.
    async fn vehicles_available(&self) -> i32 {
        self.0.vehicles_available
    }

    /// Vehicles that somebody holds; they occupy docks.
    async fn vehicles_reserved(&self) -> i32 {
        self.0.vehicles_reserved
    }

    /// Vehicles that are out of service or out of contact; they occupy docks.
    async fn vehicles_disabled(&self) -> i32 {
        self.0.vehicles_disabled
    }

    /// The vehicles that can be rented now, by type. Types with none are absent.
    async fn vehicle_types_available(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Vec<VehicleTypeAvailability>> {
        let counts = &self.0.available_by_type.0;
        let mut types = ctx.load()?.load_many(counts.keys().copied()).await?;
        let of = |(id, count): (&_, &i32)| VehicleTypeAvailability {
            vehicle_type: types.remove(id).map(VehicleType),
            count: *count,
        };
        Ok(counts.iter().map(of).collect())
    }

    /// Docks that are free; for a virtual station, places, never below 0.
    async fn docks_available(&self) -> i32 {
        self.0.docks_available
    }

    /// Not in use any more since then; null while it is.
    async fn archived_at(&self) -> Option<DateTime> {
        self.0.archived_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it or its counters last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// The vehicles that stand here. Needs a login; customers see those that they could rent.
    #[graphql(complexity = "5 + first.unwrap_or(50).clamp(0, 100) as usize * child_complexity")]
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
        let filter =
            VehicleFilter { station_id: Some(Gid(self.0.id)), ..filter.unwrap_or_default() };
        vehicles_page(ctx, &filter, sort, page(first, after, last, before)).await
    }
}

connection!(StationConnection, StationEdge, Station, "stations", fleet_cursor; kept 5);

/// A circle around a point.
#[derive(Clone, InputObject)]
pub struct NearInput {
    /// The middle.
    pub position: PositionInput,
    /// 1 to 200,000 m.
    pub radius_meters: f64,
}

/// Which stations; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct StationFilter {
    /// Within a circle.
    pub near: Option<NearInput>,
    /// Within a box.
    pub within: Option<AreaInput>,
    /// Exactly this region.
    pub region: Option<String>,
    /// Name or short code begin with this, whatever the case.
    pub search: Option<String>,
    /// With (or without) a vehicle that can be rented now.
    pub has_vehicles_available: Option<bool>,
    /// Archived ones too.
    #[graphql(default)]
    pub include_archived: bool,
}

/// What stations can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "SortBy")]
pub enum StationSortField {
    /// As people call them.
    Name,
    /// As staff call them.
    ShortCode,
    /// By age.
    Created,
    /// How many vehicles can be rented.
    VehiclesAvailable,
    /// Distance from the middle of `near`, which must be given.
    Distance,
}

sort!(StationSort, StationSortField, "stations");

impl StationFilter {
    fn filter(&self) -> service::Result<Filter> {
        let near = match &self.near {
            Some(near) => Some(Near {
                position: near.position.at("near")?,
                radius_meters: near.radius_meters,
            }),
            None => None,
        };
        Ok(Filter {
            near,
            within: optional_area(self.within.as_ref())?,
            region: self.region.clone(),
            search: self.search.clone(),
            has_vehicles: self.has_vehicles_available,
            include_archived: self.include_archived,
        })
    }
}

#[derive(Default)]
pub struct StationQuery;

#[Object]
impl StationQuery {
    /// Stations, by name when not sorted otherwise. Public where the tenant publishes its board.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn stations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only stations that match.")] filter: Option<StationFilter>,
        #[graphql(desc = "By name when not given.")] sort: Option<StationSort>,
    ) -> Result<StationConnection> {
        let call = ctx.call()?;
        let filter = filter.unwrap_or_default().filter()?;
        let (by, direction) =
            sort.map_or((SortBy::Name, Default::default()), |s| (s.field.into(), s.direction));
        // Before the rows, so that the snapshot holds at least all up to the cursor.
        let fleet_cursor = super::live::snapshot(ctx, call).await?;
        let args = page(first, after, last, before);
        let found = service::station::list(call, &filter, by, direction.into(), &args).await?;
        let filter = Arc::new(filter);
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { service::station::count(&call, &filter).await }
        });
        Ok(StationConnection { page: nodes(found), count, fleet_cursor })
    }
}
