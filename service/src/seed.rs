//! The demo: a real city's stations and bikes, and logins that everybody knows.

mod account;
mod data;
mod fleet;

use std::fmt;

use entity::user::Role;

pub use crate::bayarea::TENANT;
use crate::{
    bayarea::prices,
    ctx::App,
    error::{Error, Result, Subject},
    refusal::Refusal,
    tariff, tenant,
    vehicle_type::{self, CreateVehicleType},
};

/// A login of the demo. Its password is public: for development only.
pub struct Login {
    pub email: &'static str,
    pub password: &'static str,
    pub name: &'static str,
    pub role: Role,
}

pub const LOGINS: [Login; 3] = [
    Login {
        email: "owner@bayarea.example",
        password: "demo-owner",
        name: "Demo Owner",
        role: Role::Owner,
    },
    Login {
        email: "staff@bayarea.example",
        password: "demo-staff",
        name: "Demo Staff",
        role: Role::Staff,
    },
    Login {
        email: "rider@bayarea.example",
        password: "demo-rider",
        name: "Demo Rider",
        role: Role::Customer,
    },
];

/// What the seed did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    Added(Fleet),
    AlreadyThere,
}

/// How much came into the fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    pub stations: usize,
    pub vehicles: usize,
    pub in_warehouse: usize,
    pub out_of_service: usize,
}

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyThere => write!(f, "tenant {TENANT} is already there; nothing was added"),
            Self::Added(fleet) => write!(
                f,
                "added tenant {TENANT} with {} stations and {} vehicles, of which {} are in the warehouse and {} out of service",
                fleet.stations, fleet.vehicles, fleet.in_warehouse, fleet.out_of_service
            ),
        }
    }
}

/// Adds the demo tenant with its fleet, wholly or not at all; a second time adds nothing.
///
/// Of several nodes that do this at once, one adds and the others find it there.
pub async fn demo(app: &App) -> Result<Seeded> {
    match tenant::by_slug(app, TENANT).await {
        Ok(_) => return Ok(Seeded::AlreadyThere),
        Err(Error::NotFound(Subject::Tenant)) => {}
        Err(error) => return Err(error),
    }
    let passwords = &account::hashed_passwords().await?;
    let ctx = app.system(app.new_id(), "seed");
    let added = ctx.write(|tx| async move {
        // First, so that of two seeds at once the second is refused before it has done anything.
        tenant::insert(&tx, prices::operator(TENANT)?).await?;
        account::add_logins(&tx, passwords).await?;
        let tariff = tariff::insert(&tx, prices::single_ride()?).await?;
        tariff::insert(&tx, prices::annual_member()?).await?;
        let bike = CreateVehicleType { default_tariff: Some(tariff.id), ..prices::bike() };
        let vehicle_type = vehicle_type::insert(&tx, bike).await?;
        fleet::add(&tx, vehicle_type.id).await
    });
    match added.await {
        Ok(fleet) => Ok(Seeded::Added(fleet)),
        Err(Error::Refused(Refusal::SlugTaken)) => Ok(Seeded::AlreadyThere),
        Err(error) => Err(error),
    }
}
