//! Whether something lies within a box, as the database is asked.

use entity::Area;
use sea_orm::{
    Condition,
    sea_query::{ExprTrait, SimpleExpr},
};

/// A box that crosses the antimeridian is two halves side by side.
pub(crate) fn inside(latitude: SimpleExpr, longitude: SimpleExpr, area: Area) -> Condition {
    let (west, east) = (area.south_west.longitude(), area.north_east.longitude());
    let across = if area.crosses_antimeridian() {
        Condition::any().add(longitude.clone().gte(west)).add(longitude.lte(east))
    } else {
        Condition::all().add(longitude.between(west, east))
    };
    Condition::all()
        .add(latitude.between(area.south_west.latitude(), area.north_east.latitude()))
        .add(across)
}
