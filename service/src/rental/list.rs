//! Finding rentals: by state, customer, vehicle, and period.

use chrono::{DateTime, Utc};
use entity::{
    Id,
    customer::CustomerId,
    rental::{Column, Entity, Model, State},
    vehicle::VehicleId,
};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::{
    ctx::Ctx,
    error::Result,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these; empty means every state.
    pub states: Vec<State>,
    pub customer: Option<CustomerId>,
    pub vehicle: Option<VehicleId>,
    /// Inclusive.
    pub started_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub started_before: Option<DateTime<Utc>>,
    pub overdue: Option<bool>,
    /// Brought in from another system's records.
    pub imported: Option<bool>,
}

/// By start.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    let sort = Sort {
        name: "started".into(),
        direction,
        by: Some(Column::StartedAt.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(|rental: &Model| (Key::Time(rental.started_at), rental.id.uuid())),
    };
    page::fetch(ctx, "rentals", filtered(ctx, filter)?, sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    page::count(filtered(ctx, filter)?, ctx.reader()).await
}

/// The rentals that the caller may see at all.
pub(super) fn visible(ctx: &Ctx) -> Result<Select<Entity>> {
    let rides = ctx.own_customer()?.is_some();
    ctx.require(if rides { Permission::Ride } else { Permission::ViewRentals })?;
    within_reach(ctx)
}

/// Their own, for customers; for who may do what they do already.
pub(super) fn within_reach(ctx: &Ctx) -> Result<Select<Entity>> {
    let query = Entity::of(ctx.tenant);
    Ok(match ctx.own_customer()? {
        Some(own) => query.filter(Column::CustomerId.eq(own)),
        None => query,
    })
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Result<Select<Entity>> {
    let mut query = visible(ctx)?;
    if !filter.states.is_empty() {
        query = query.filter(Column::State.is_in(filter.states.iter().copied()));
    }
    if let Some(id) = filter.customer {
        query = query.filter(Column::CustomerId.eq(id));
    }
    if let Some(id) = filter.vehicle {
        query = query.filter(Column::VehicleId.eq(id));
    }
    if let Some(from) = filter.started_from {
        query = query.filter(Column::StartedAt.gte(from));
    }
    if let Some(before) = filter.started_before {
        query = query.filter(Column::StartedAt.lt(before));
    }
    query = set(query, Column::OverdueAt, filter.overdue);
    Ok(set(query, Column::ImportedFrom, filter.imported))
}

/// Those where the column has a value, or has none.
fn set(query: Select<Entity>, column: Column, wanted: Option<bool>) -> Select<Entity> {
    match wanted {
        Some(true) => query.filter(column.is_not_null()),
        Some(false) => query.filter(column.is_null()),
        None => query,
    }
}
