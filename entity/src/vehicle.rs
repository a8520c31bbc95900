//! One vehicle, where it is, and what it may do next.

mod state;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

pub use state::{EventType, IllegalTransition, Row, State, Step, TABLE, follow, targets};

use crate::{
    Position,
    customer::CustomerId,
    station::{Standing, StationId},
    tenant::TenantId,
    vehicle_type::VehicleTypeId,
};

id_type!(VehicleId, "vehicle");

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "vehicle")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VehicleId,
    /// What is written on the frame; unique among the vehicles that are not archived.
    pub number: String,
    pub vehicle_type_id: VehicleTypeId,
    pub state: State,
    /// Where `comms_restored` leads back to.
    pub prior_state: Option<State>,
    /// None: not at a station.
    pub station_id: Option<StationId>,
    /// Last known; a docked vehicle has its station's.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub battery_percent: Option<i32>,
    pub odometer_meters: i64,
    pub reserved_by: Option<CustomerId>,
    /// The hold ends here, whether or not a timer has got to it.
    pub reserved_until: Option<DateTime<Utc>>,
    pub out_of_service_reason: Option<String>,
    pub archived_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    pub fn position(&self) -> Option<Position> {
        Position::new(self.latitude?, self.longitude?).ok()
    }

    /// How it counts at the station where it stands; None when it stands at none.
    pub fn standing(&self) -> Option<(StationId, Standing)> {
        Some((self.station_id?, self.state.standing()?))
    }

    pub fn hold_has_expired(&self, now: DateTime<Utc>) -> bool {
        self.state == State::Reserved && self.reserved_until.is_some_and(|until| until <= now)
    }
}
