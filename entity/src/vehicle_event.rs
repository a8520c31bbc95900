//! The permanent history of a vehicle: one row for each change of its state or place, with its MDS event types.

use chrono::{DateTime, Utc};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    rental::RentalId,
    station::StationId,
    tenant::TenantId,
    vehicle::{EventType, State, VehicleId},
};

id_type!(VehicleEventId, "vehicle_event");

/// In the order in which they happened, as MDS's `event_types`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct EventTypes(pub Vec<EventType>);

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "vehicle_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VehicleEventId,
    pub vehicle_id: VehicleId,
    #[sea_orm(column_type = "JsonBinary")]
    pub event_types: EventTypes,
    /// None: the vehicle is new.
    pub state_before: Option<State>,
    pub state: State,
    pub station_id: Option<StationId>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub battery_percent: Option<i32>,
    pub rental_id: Option<RentalId>,
    /// Who did it, as `user_…`, `system:expire_hold` and the like.
    pub actor: String,
    pub reason: Option<String>,
    pub occurred_at: DateTime<Utc>,
}

of_tenant!();
