//! A place where vehicles stand: docks, or a marked area without them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{Position, tenant::TenantId, vehicle_type::VehicleTypeId};

id_type!(StationId, "station");

/// How a vehicle counts at a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Available,
    Reserved,
    Disabled,
}

/// Vehicles of each type that can be rented now; a type with none is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct TypeCounts(pub BTreeMap<VehicleTypeId, i32>);

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "station")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StationId,
    pub name: String,
    pub short_code: String,
    pub address: Option<String>,
    pub region: Option<String>,
    pub latitude: f64,
    pub longitude: f64,
    /// Docks, working or not; for a virtual station, places.
    pub capacity: i32,
    pub is_virtual: bool,
    pub is_charging: bool,
    pub is_installed: bool,
    pub is_renting: bool,
    pub is_returning: bool,
    pub vehicles_available: i32,
    pub vehicles_reserved: i32,
    pub vehicles_disabled: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub available_by_type: TypeCounts,
    /// Never below 0, also where a virtual station holds more than its places.
    pub docks_available: i32,
    pub archived_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    pub fn position(&self) -> Option<Position> {
        Position::new(self.latitude, self.longitude).ok()
    }

    /// Vehicles that stand here, rentable or not.
    pub fn occupied(&self) -> i32 {
        self.vehicles_available + self.vehicles_reserved + self.vehicles_disabled
    }

    /// Whether one more vehicle finds a dock; a virtual station takes any number.
    pub fn has_room(&self) -> bool {
        self.is_virtual || self.docks_available > 0
    }

    /// Counts a vehicle in (`by` = 1) or out (`by` = -1), and the docks with it.
    pub fn count(&mut self, standing: Standing, vehicle_type: VehicleTypeId, by: i32) {
        match standing {
            Standing::Available => {
                self.vehicles_available += by;
                let of_type = self.available_by_type.0.entry(vehicle_type).or_insert(0);
                *of_type += by;
                if *of_type == 0 {
                    self.available_by_type.0.remove(&vehicle_type);
                }
            }
            Standing::Reserved => self.vehicles_reserved += by,
            Standing::Disabled => self.vehicles_disabled += by,
        }
        self.recount_docks();
    }

    pub fn recount_docks(&mut self) {
        self.docks_available = (self.capacity - self.occupied()).max(0);
    }
}
