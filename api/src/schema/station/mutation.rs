//! What staff do with stations.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use entity::station::StationId;
use service::station::{CreateStation, UpdateStation};

use super::Station;
use crate::{
    context::Call,
    error::Result,
    schema::{outcome::payload, patch, place::PositionInput, scalar::Gid, with},
};

/// A new station. It opens at once, empty.
#[derive(InputObject)]
pub struct CreateStationInput {
    /// 1 to 200 characters.
    name: String,
    /// 1 to 40 characters, unique.
    short_code: String,
    /// Where it is.
    position: PositionInput,
    /// Street and house number.
    address: Option<String>,
    /// City or district.
    region: Option<String>,
    /// Docks, or places of a virtual station; 0 to 10,000.
    capacity: i32,
    /// Without docks; it takes any number of vehicles.
    #[graphql(default)]
    is_virtual: bool,
    /// Vehicles are charged here.
    #[graphql(default)]
    is_charging_station: bool,
}

/// Changes to a station. What is left out stays as it is; null empties it.
#[derive(InputObject)]
pub struct UpdateStationInput {
    /// Which.
    station_id: Gid<StationId>,
    /// 1 to 200 characters.
    name: Option<String>,
    /// 1 to 40 characters, unique.
    short_code: Option<String>,
    /// Where it is now.
    position: Option<PositionInput>,
    /// Street and house number.
    address: MaybeUndefined<String>,
    /// City or district.
    region: MaybeUndefined<String>,
    /// At least as many as vehicles stand here.
    capacity: Option<i32>,
    /// Vehicles are charged here.
    is_charging_station: Option<bool>,
    /// It is on the street.
    is_installed: Option<bool>,
    /// It rents out.
    is_renting: Option<bool>,
    /// It takes returns.
    is_returning: Option<bool>,
}

/// Takes a station out of use.
#[derive(InputObject)]
pub struct ArchiveStationInput {
    /// Which.
    station_id: Gid<StationId>,
}

payload!(
    /// What `createStation` answers.
    CreateStationPayload {
        /// The new station; null when refused.
        station: Station
    }
);
payload!(
    /// What `updateStation` answers.
    UpdateStationPayload {
        /// The station as it now is; null when refused.
        station: Station
    }
);
payload!(
    /// What `archiveStation` answers.
    ArchiveStationPayload {
        /// The archived station; null when refused.
        station: Station
    }
);

impl CreateStationInput {
    fn input(self) -> service::Result<CreateStation> {
        Ok(CreateStation {
            position: self.position.at("position")?,
            name: self.name,
            short_code: self.short_code,
            address: self.address,
            region: self.region,
            capacity: self.capacity,
            is_virtual: self.is_virtual,
            is_charging: self.is_charging_station,
        })
    }
}

impl UpdateStationInput {
    fn input(self) -> service::Result<UpdateStation> {
        Ok(UpdateStation {
            id: self.station_id.0,
            position: self.position.map(|position| position.at("position")).transpose()?,
            name: self.name,
            short_code: self.short_code,
            address: patch(self.address),
            region: patch(self.region),
            capacity: self.capacity,
            is_charging: self.is_charging_station,
            is_installed: self.is_installed,
            is_renting: self.is_renting,
            is_returning: self.is_returning,
        })
    }
}

#[derive(Default)]
pub struct StationMutation;

#[Object]
impl StationMutation {
    /// Makes a station. Staff only.
    async fn create_station(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new station.")] input: CreateStationInput,
    ) -> Result<CreateStationPayload> {
        let call = ctx.call()?;
        CreateStationPayload::from_outcome(
            with(input.input(), |input| service::station::create(call, input)).await,
        )
    }

    /// Changes a station. Staff only.
    async fn update_station(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateStationInput,
    ) -> Result<UpdateStationPayload> {
        let call = ctx.call()?;
        UpdateStationPayload::from_outcome(
            with(input.input(), |input| service::station::update(call, input)).await,
        )
    }

    /// Takes a station out of use. `STATION_IN_USE` while vehicles stand there. Staff only.
    async fn archive_station(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which station.")] input: ArchiveStationInput,
    ) -> Result<ArchiveStationPayload> {
        ArchiveStationPayload::from_outcome(
            service::station::archive(ctx.call()?, input.station_id.0).await,
        )
    }
}
