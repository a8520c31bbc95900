//! A tenant's stations, vehicles and tariffs by the numbers and names that the records know them by.

use std::collections::HashMap;

use entity::{
    Position,
    station::{self, StationId},
    tariff::{self, TariffId, Terms},
    tenant,
    vehicle::{self, VehicleId},
    vehicle_type::{self, VehicleTypeId},
};
use sea_orm::{ColumnTrait, QueryFilter};

use super::ImportError;
use crate::{
    bayarea::{RiderType, Stations, prices},
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    station as stations,
    tariff::{self as tariffs, CreateTariff},
    tenant as tenants,
    vehicle_type::{self as vehicle_types, CreateVehicleType},
};

#[derive(Clone, Copy)]
pub(crate) struct Stop {
    pub id: StationId,
    pub position: Position,
}

/// What a rider type rides for.
#[derive(Clone)]
pub(crate) struct Fare {
    pub tariff: TariffId,
    pub terms: Terms,
}

#[derive(Clone)]
pub(crate) struct Fleet {
    pub stations: HashMap<u32, Stop>,
    pub vehicles: HashMap<u32, VehicleId>,
    pub bike: VehicleTypeId,
    member: Fare,
    casual: Fare,
}

/// The tenant of this slug, which is made when there is none.
pub(super) async fn tenant(app: &App, slug: &str) -> Result<tenant::Model, ImportError> {
    let tenant = match tenants::by_slug(app, slug).await {
        Err(Error::NotFound(Subject::Tenant)) => {
            tenants::create(app, prices::operator(slug)?).await?
        }
        found => found?,
    };
    if tenant.currency != prices::dollar()? {
        let currency = tenant.currency.to_string();
        return Err(ImportError::OtherCurrency { tenant: tenant.slug, currency });
    }
    Ok(tenant)
}

impl Fleet {
    /// What is there, and the tariffs and the vehicle type that every ride needs.
    pub async fn of(ctx: &Ctx) -> Result<Self> {
        let casual = fare(ctx, prices::single_ride()?).await?;
        let member = fare(ctx, prices::annual_member()?).await?;
        let bike = bike(ctx, casual.tariff).await?;
        let stations = station::Entity::of(ctx.tenant)
            .filter(station::Column::ArchivedAt.is_null())
            .all(ctx.reader())
            .await?;
        let vehicles = vehicle::Entity::of(ctx.tenant)
            .filter(vehicle::Column::ArchivedAt.is_null())
            .all(ctx.reader())
            .await?;
        Ok(Self {
            stations: stations.into_iter().filter_map(|row| stop(&row)).collect(),
            vehicles: vehicles
                .into_iter()
                .filter_map(|row| Some((row.number.parse().ok()?, row.id)))
                .collect(),
            bike,
            member,
            casual,
        })
    }

    pub fn fare(&self, kind: RiderType) -> &Fare {
        match kind {
            RiderType::Subscriber => &self.member,
            RiderType::Customer => &self.casual,
        }
    }

    /// Gives how many are new.
    pub async fn add_stations(&mut self, ctx: &Ctx, stations: Stations) -> Result<u64> {
        let missing: Vec<_> = stations
            .by_id
            .into_iter()
            .filter(|(number, _)| !self.stations.contains_key(number))
            .map(|(_, station)| station.placed())
            .collect();
        let missing = &missing;
        let added = ctx.write(|tx| async move {
            let mut added = Vec::with_capacity(missing.len());
            for station in missing {
                added.push(stations::insert(&tx, station.clone()).await?);
            }
            Ok(added)
        });
        let added = added.await?;
        self.stations.extend(added.iter().filter_map(stop));
        Ok(added.len() as u64)
    }
}

fn stop(station: &station::Model) -> Option<(u32, Stop)> {
    let number = station.short_code.parse().ok()?;
    Some((number, Stop { id: station.id, position: station.position()? }))
}

/// The tariff of this name; one that is made becomes the default only where there is none.
async fn fare(ctx: &Ctx, input: CreateTariff) -> Result<Fare> {
    let open = tariff::Entity::of(ctx.tenant)
        .filter(tariff::Column::ArchivedAt.is_null())
        .all(ctx.reader())
        .await?;
    let is_default = input.is_default && !open.iter().any(|tariff| tariff.is_default);
    let tariff = match open.into_iter().find(|tariff| tariff.name == input.name) {
        Some(tariff) => tariff,
        None => tariffs::create(ctx, CreateTariff { is_default, ..input }).await?,
    };
    Ok(Fare { tariff: tariff.id, terms: tariff.terms })
}

async fn bike(ctx: &Ctx, tariff: TariffId) -> Result<VehicleTypeId> {
    let input = CreateVehicleType { default_tariff: Some(tariff), ..prices::bike() };
    let found = vehicle_type::Entity::of(ctx.tenant)
        .filter(vehicle_type::Column::ArchivedAt.is_null())
        .filter(vehicle_type::Column::Name.eq(&input.name))
        .one(ctx.reader())
        .await?;
    match found {
        Some(found) => Ok(found.id),
        None => Ok(vehicle_types::create(ctx, input).await?.id),
    }
}
