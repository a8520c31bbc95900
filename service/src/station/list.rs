//! Finding stations: near a point, within a box, in a region, by name.

use std::borrow::Cow;

use entity::{
    Area, Id, Position,
    station::{Column, Entity, Model},
};
use sea_orm::{
    ColumnTrait, QueryFilter, Select,
    sea_query::{Condition, Expr, ExprTrait, SimpleExpr},
};

use crate::{
    ctx::Ctx,
    error::{Invalid, Result},
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    place, text,
};

/// Farther than this, `near` is not a neighbourhood.
const FARTHEST_METERS: f64 = 200_000.0;

#[derive(Clone, Copy, Debug)]
pub struct Near {
    pub position: Position,
    pub radius_meters: f64,
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub near: Option<Near>,
    pub within: Option<Area>,
    pub region: Option<String>,
    /// Begins with, in the name or the short code.
    pub search: Option<String>,
    /// At least one vehicle that can be rented now.
    pub has_vehicles: Option<bool>,
    pub include_archived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    Name,
    ShortCode,
    Created,
    VehiclesAvailable,
    /// Nearest first; needs `near`.
    Distance,
}

pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    by: SortBy,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    ctx.require(Permission::ViewBoard)?;
    let sort = sort(filter, by, direction)?;
    page::fetch(ctx, "stations", filtered(ctx, filter)?, sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ViewBoard)?;
    page::count(filtered(ctx, filter)?, ctx.reader()).await
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Result<Select<Entity>> {
    let mut query = Entity::of(ctx.tenant);
    if let Some(near) = filter.near {
        if !(1.0..=FARTHEST_METERS).contains(&near.radius_meters) {
            let message = format!("must be between 1 and {FARTHEST_METERS}");
            return Err(Invalid::at(vec!["near".into(), "radiusMeters".into()], message).into());
        }
        let square = (near.radius_meters / 6_371_000.0).to_degrees().powi(2);
        query = query
            .filter(within(Area::around(near.position, near.radius_meters)))
            .filter(distance(near.position).lte(square));
    }
    if let Some(area) = filter.within {
        query = query.filter(within(area));
    }
    if let Some(region) = &filter.region {
        query = query.filter(Column::Region.eq(region));
    }
    if let Some(search) = &filter.search {
        query = query.filter(
            Condition::any()
                .add(text::begins_with(Column::Name, search))
                .add(text::begins_with(Column::ShortCode, search)),
        );
    }
    match filter.has_vehicles {
        Some(true) => query = query.filter(Column::VehiclesAvailable.gt(0)),
        Some(false) => query = query.filter(Column::VehiclesAvailable.eq(0)),
        None => {}
    }
    Ok(if filter.include_archived { query } else { query.filter(Column::ArchivedAt.is_null()) })
}

fn sort(filter: &Filter, by: SortBy, direction: Direction) -> Result<Sort<Model>> {
    type Keyed = (Cow<'static, str>, Option<SimpleExpr>, Box<dyn Fn(&Model) -> Key + Send + Sync>);
    let (name, expression, key): Keyed = match by {
        SortBy::Name => {
            ("name".into(), Some(Column::Name.into_expr()), Box::new(|s| Key::Text(s.name.clone())))
        }
        SortBy::ShortCode => (
            "short code".into(),
            Some(Column::ShortCode.into_expr()),
            Box::new(|s| Key::Text(s.short_code.clone())),
        ),
        SortBy::Created => ("created".into(), None, Box::new(|_| Key::None)),
        SortBy::VehiclesAvailable => (
            "vehicles".into(),
            Some(Column::VehiclesAvailable.into_expr()),
            Box::new(|s| Key::Int(s.vehicles_available.into())),
        ),
        SortBy::Distance => {
            let Some(near) = filter.near else {
                return Err(Invalid::at(
                    vec!["sort".into(), "field".into()],
                    "DISTANCE needs the filter `near`",
                )
                .into());
            };
            let here = near.position;
            (
                // From elsewhere it is another order.
                format!("distance {} {}", here.latitude(), here.longitude()).into(),
                Some(distance(here)),
                Box::new(move |s| Key::Real(squared_degrees(here, s.latitude, s.longitude))),
            )
        }
    };
    Ok(Sort {
        name,
        direction,
        by: expression,
        id: Column::Id.into_expr(),
        key: Box::new(move |station| (key(station), station.id.uuid())),
    })
}

fn within(area: Area) -> Condition {
    place::inside(Column::Latitude.into_expr(), Column::Longitude.into_expr(), area)
}

/// Squared degrees on a plane that touches the globe here: sorts as distance does, and needs no trigonometry of the database.
fn distance(from: Position) -> SimpleExpr {
    let north = || Expr::col((Entity, Column::Latitude)).sub(from.latitude());
    let east = || Expr::col((Entity, Column::Longitude)).sub(from.longitude()).mul(narrowing(from));
    north().mul(north()).add(east().mul(east()))
}

/// The same operations in the same order as `distance`, so that both give the same bits.
fn squared_degrees(from: Position, latitude: f64, longitude: f64) -> f64 {
    let north = latitude - from.latitude();
    let east = (longitude - from.longitude()) * narrowing(from);
    north * north + east * east
}

fn narrowing(from: Position) -> f64 {
    from.latitude().to_radians().cos()
}
