//! What happened: recorded in the write that did it, numbered, and announced.

pub mod bus;
pub mod cursor;
pub mod epoch;
pub mod feed;
mod follow;
pub mod memory;
mod pages;
pub mod redis;
pub(crate) mod table;

use chrono::{DateTime, Utc};
use entity::{
    customer::{self, CustomerId},
    receipt::ReceiptId,
    rental::{self, RentalId},
    station,
    tariff::TariffId,
    tenant::TenantId,
    vehicle::{self, EventType},
    vehicle_type::VehicleTypeId,
};
use serde::{Deserialize, Serialize};

pub use cursor::Cursor;

/// What changed, with what it was before, so that a filter can tell entering from leaving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    VehicleChanged {
        event_types: Vec<EventType>,
        before: Option<Box<vehicle::Model>>,
        after: Box<vehicle::Model>,
        rental: Option<RentalId>,
    },
    StationChanged {
        before: Option<Box<station::Model>>,
        after: Box<station::Model>,
    },
    RentalStarted {
        rental: Box<rental::Model>,
    },
    RentalEnded {
        rental: Box<rental::Model>,
    },
    RentalCancelled {
        rental: Box<rental::Model>,
    },
    RentalOverdue {
        rental: Box<rental::Model>,
    },
    CustomerChanged {
        id: CustomerId,
        before: Option<Box<customer::Model>>,
        after: Box<customer::Model>,
    },
    VehicleTypeChanged {
        id: VehicleTypeId,
    },
    TariffChanged {
        id: TariffId,
    },
    ReceiptIssued {
        id: ReceiptId,
        customer: CustomerId,
    },
    /// A kind that a newer node has written, while this one has not been replaced yet.
    #[serde(other)]
    Unknown,
}

/// The kinds with the names that they have in the table.
macro_rules! kinds {
    ($($kind:ident = $name:literal,)*) => {
        /// The kinds that a subscriber can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($kind,)*
        }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    VehicleChanged = "vehicle_changed",
    StationChanged = "station_changed",
    RentalStarted = "rental_started",
    RentalEnded = "rental_ended",
    RentalCancelled = "rental_cancelled",
    RentalOverdue = "rental_overdue",
    CustomerChanged = "customer_changed",
    VehicleTypeChanged = "vehicle_type_changed",
    TariffChanged = "tariff_changed",
    ReceiptIssued = "receipt_issued",
    Unknown = "unknown",
}

impl Event {
    pub fn kind(&self) -> Kind {
        match self {
            Self::VehicleChanged { .. } => Kind::VehicleChanged,
            Self::StationChanged { .. } => Kind::StationChanged,
            Self::RentalStarted { .. } => Kind::RentalStarted,
            Self::RentalEnded { .. } => Kind::RentalEnded,
            Self::RentalCancelled { .. } => Kind::RentalCancelled,
            Self::RentalOverdue { .. } => Kind::RentalOverdue,
            Self::CustomerChanged { .. } => Kind::CustomerChanged,
            Self::VehicleTypeChanged { .. } => Kind::VehicleTypeChanged,
            Self::TariffChanged { .. } => Kind::TariffChanged,
            Self::ReceiptIssued { .. } => Kind::ReceiptIssued,
            Self::Unknown => Kind::Unknown,
        }
    }

    /// The rental as it now is, if this is about one.
    pub fn rental(&self) -> Option<&rental::Model> {
        match self {
            Self::RentalStarted { rental }
            | Self::RentalEnded { rental }
            | Self::RentalCancelled { rental }
            | Self::RentalOverdue { rental } => Some(rental),
            _ => None,
        }
    }
}

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    pub tenant: TenantId,
    pub epoch: uuid::Uuid,
    pub seq: i64,
    pub event: Event,
    pub actor: String,
    pub occurred_at: DateTime<Utc>,
}

impl Recorded {
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, seq: self.seq }
    }
}
