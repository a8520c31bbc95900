//! One ride: from unlocking a vehicle until it is returned.

use chrono::{DateTime, Duration, Utc};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    customer::CustomerId,
    money::{Currency, Money},
    station::StationId,
    tariff::{TariffId, Terms},
    tenant::TenantId,
    vehicle::VehicleId,
};

id_type!(RentalId, "rental");

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    Ended,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "rental")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RentalId,
    pub vehicle_id: VehicleId,
    pub customer_id: CustomerId,
    pub tariff_id: TariffId,
    /// The tariff as it was at the start.
    #[sea_orm(column_type = "JsonBinary")]
    pub terms: Terms,
    pub state: State,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// When the ride becomes overdue; None when its tariff knows no such time.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was found overdue; overdue is a moment, not a state.
    pub overdue_at: Option<DateTime<Utc>>,
    pub start_station_id: Option<StationId>,
    pub start_latitude: Option<f64>,
    pub start_longitude: Option<f64>,
    pub end_station_id: Option<StationId>,
    pub end_latitude: Option<f64>,
    pub end_longitude: Option<f64>,
    pub distance_meters: i64,
    pub currency: Currency,
    /// Set once the ride has ended; until then the price is computed.
    pub price_minor: Option<i64>,
    /// The vehicle did not come back.
    pub lost: bool,
    /// Why staff ended it in the rider's place.
    pub end_reason: Option<String>,
    /// The records and the ride in them, as `bayarea2014/139545`. None: it happened here.
    pub imported_from: Option<String>,
}

of_tenant!();

/// The ride is over already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rental is not open")]
pub struct NotOpen;

/// Where and how a ride came to its end.
#[derive(Clone, Debug)]
pub struct Ending {
    pub at: DateTime<Utc>,
    pub station: Option<StationId>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub distance_meters: i64,
    pub lost: bool,
    pub reason: Option<String>,
}

impl Model {
    pub fn duration(&self, now: DateTime<Utc>) -> Duration {
        (self.ended_at.unwrap_or(now) - self.started_at).max(Duration::zero())
    }

    pub fn price(&self) -> Option<Money> {
        self.price_minor.map(|minor| Money::new(minor, self.currency))
    }

    pub fn end(mut self, ending: Ending, price: Money) -> Result<Self, NotOpen> {
        match self.state {
            State::Active => {
                self.state = State::Ended;
                self.price_minor = Some(price.minor());
                Ok(self.close(ending))
            }
            State::Ended | State::Cancelled => Err(NotOpen),
        }
    }

    pub fn cancel(mut self, ending: Ending) -> Result<Self, NotOpen> {
        match self.state {
            State::Active => {
                self.state = State::Cancelled;
                self.price_minor = Some(0);
                Ok(self.close(ending))
            }
            State::Ended | State::Cancelled => Err(NotOpen),
        }
    }

    fn close(mut self, ending: Ending) -> Self {
        self.ended_at = Some(ending.at);
        self.end_station_id = ending.station;
        self.end_latitude = ending.latitude;
        self.end_longitude = ending.longitude;
        self.distance_meters = ending.distance_meters;
        self.lost = ending.lost;
        self.end_reason = ending.reason;
        self
    }
}
