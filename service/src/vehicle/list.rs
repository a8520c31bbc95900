//! Finding vehicles: by state, type, station, number, battery, and where they are.

use entity::{
    Area, Id,
    station::StationId,
    vehicle::{Column, Entity, Model, State},
    vehicle_type::VehicleTypeId,
};
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, Select,
    sea_query::{Expr, Func, SimpleExpr},
};

use crate::{
    ctx::{Actor, Ctx},
    error::Result,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    place, text,
};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these; empty means every state.
    pub states: Vec<State>,
    pub vehicle_type: Option<VehicleTypeId>,
    pub station: Option<StationId>,
    /// Begins with.
    pub number: Option<String>,
    /// Strictly below; vehicles without a battery never match.
    pub battery_below: Option<i32>,
    pub within: Option<Area>,
    pub include_archived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    Number,
    Created,
    Updated,
    /// Vehicles without a battery count as fuller than full.
    Battery,
}

pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    by: SortBy,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    ctx.require(Permission::ViewVehicles)?;
    page::fetch(ctx, "vehicles", filtered(ctx, filter)?, sort(by, direction), page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ViewVehicles)?;
    page::count(filtered(ctx, filter)?, ctx.reader()).await
}

/// The vehicles that the caller may see at all.
pub(super) fn visible(ctx: &Ctx, include_archived: bool) -> Result<Select<Entity>> {
    let mut query = Entity::of(ctx.tenant);
    let all = ctx.may(Permission::ViewFleet);
    if !all {
        let own = ctx.own_customer()?.map(|own| Column::ReservedBy.eq(own));
        let free = Condition::any().add(Column::State.eq(State::Available));
        query = query.filter(free.add_option(own));
    }
    let include_archived = include_archived && all;
    Ok(if include_archived { query } else { query.filter(Column::ArchivedAt.is_null()) })
}

/// The same rule for one vehicle at hand, as events carry it.
pub fn visible_to(ctx: &Ctx, vehicle: &Model) -> bool {
    if ctx.may(Permission::ViewFleet) {
        return true;
    }
    let own = match ctx.actor {
        Actor::Customer { customer, .. } => vehicle.reserved_by == Some(customer),
        _ => false,
    };
    let free = ctx.may(Permission::ViewVehicles) && vehicle.state == State::Available;
    vehicle.archived_at.is_none() && (free || own)
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Result<Select<Entity>> {
    let mut query = visible(ctx, filter.include_archived)?;
    if !filter.states.is_empty() {
        query = query.filter(Column::State.is_in(filter.states.iter().copied()));
    }
    if let Some(id) = filter.vehicle_type {
        query = query.filter(Column::VehicleTypeId.eq(id));
    }
    if let Some(id) = filter.station {
        query = query.filter(Column::StationId.eq(id));
    }
    if let Some(number) = &filter.number {
        query = query.filter(text::begins_with(Column::Number, number));
    }
    if let Some(percent) = filter.battery_below {
        query = query.filter(Column::BatteryPercent.lt(percent));
    }
    if let Some(area) = filter.within {
        query = query.filter(place::inside(
            Column::Latitude.into_expr(),
            Column::Longitude.into_expr(),
            area,
        ));
    }
    Ok(query)
}

fn sort(by: SortBy, direction: Direction) -> Sort<Model> {
    const NO_BATTERY: i32 = 101;
    type Keyed = (&'static str, Option<SimpleExpr>, fn(&Model) -> Key);
    let (name, expression, key): Keyed = match by {
        SortBy::Number => {
            ("number", Some(Column::Number.into_expr()), |v| Key::Text(v.number.clone()))
        }
        SortBy::Created => ("created", None, |_| Key::None),
        SortBy::Updated => {
            ("updated", Some(Column::UpdatedAt.into_expr()), |v| Key::Time(v.updated_at))
        }
        SortBy::Battery => (
            "battery",
            Some(
                Func::coalesce([Column::BatteryPercent.into_expr(), Expr::val(NO_BATTERY)]).into(),
            ),
            |v| Key::Int(v.battery_percent.unwrap_or(NO_BATTERY).into()),
        ),
    };
    Sort {
        name: name.into(),
        direction,
        by: expression,
        id: Column::Id.into_expr(),
        key: Box::new(move |vehicle| (key(vehicle), vehicle.id.uuid())),
    }
}

impl Filter {
    /// Whether one vehicle matches, without asking the database: for events.
    pub fn matches(&self, vehicle: &Model) -> bool {
        (self.include_archived || vehicle.archived_at.is_none())
            && (self.states.is_empty() || self.states.contains(&vehicle.state))
            && self.vehicle_type.is_none_or(|id| vehicle.vehicle_type_id == id)
            && self.station.is_none_or(|id| vehicle.station_id == Some(id))
            && self.number.as_ref().is_none_or(|start| {
                vehicle.number.to_lowercase().starts_with(&start.to_lowercase())
            })
            && self
                .battery_below
                .is_none_or(|below| vehicle.battery_percent.is_some_and(|percent| percent < below))
            && self.within.is_none_or(|area| {
                vehicle.position().is_some_and(|position| area.contains(position))
            })
    }
}
