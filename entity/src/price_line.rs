//! One line of a rental's price; the lines sum to the price exactly.

use sea_orm::entity::prelude::*;

use crate::{rental::RentalId, tariff::LineKind, tenant::TenantId};

id_type!(PriceLineId, "price_line");

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "price_line")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PriceLineId,
    pub rental_id: RentalId,
    /// Counted from 0 in the order in which the lines are shown.
    pub position: i32,
    pub kind: LineKind,
    /// Minor units of the rental's currency; a cap is negative.
    pub amount_minor: i64,
    /// Begun minutes, begun kilometres, capped days or started hours; None where nothing is counted.
    pub quantity: Option<i64>,
}

of_tenant!();
