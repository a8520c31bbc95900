//! What one line of a price is for.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// The kinds of price line, in the order in which they stand on a receipt.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Charged once per rental, whatever its length.
    Unlock,
    Minutes,
    Distance,
    /// What the daily cap takes off; the only negative line.
    Cap,
    /// For keeping the vehicle longer than the tariff allows.
    Penalty,
    LostVehicle,
    /// On the sum of all other lines.
    Tax,
}
