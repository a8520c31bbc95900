//! Positions and boxes as clients see them.

use async_graphql::{InputObject, OneofObject, SimpleObject};
use entity::{Area, Position as Place, PositionError, station::StationId};
use service::{error::Invalid, vehicle::Destination};

use super::scalar::Gid;
use crate::error::Result;

/// A point on the globe, WGS 84.
#[derive(SimpleObject)]
#[graphql(cache_control(max_age = 60))]
pub struct Position {
    /// Degrees north of the equator, -90 to 90.
    latitude: f64,
    /// Degrees east of Greenwich, -180 to 180.
    longitude: f64,
}

impl From<Place> for Position {
    fn from(place: Place) -> Self {
        Self { latitude: place.latitude(), longitude: place.longitude() }
    }
}

/// A point on the globe, WGS 84. Six decimals are kept.
#[derive(Clone, InputObject)]
pub struct PositionInput {
    /// Degrees north of the equator, -90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, -180 to 180.
    pub longitude: f64,
}

impl PositionInput {
    pub fn at(&self, field: &str) -> service::Result<Place> {
        Place::new(self.latitude, self.longitude).map_err(|error| {
            let part = match error {
                PositionError::Latitude => "latitude",
                PositionError::Longitude => "longitude",
            };
            Invalid::at(vec![field.into(), part.into()], error).into()
        })
    }
}

/// A box on the map. One whose west edge lies east of its east edge crosses the antimeridian.
#[derive(Clone, InputObject)]
pub struct AreaInput {
    /// The lower left corner.
    pub south_west: PositionInput,
    /// The upper right corner.
    pub north_east: PositionInput,
}

impl AreaInput {
    pub fn area(&self, field: &str) -> service::Result<Area> {
        let inside = |error: service::Error| match error {
            service::Error::Invalid(mut invalid) => {
                invalid.field.insert(0, field.to_owned());
                invalid.into()
            }
            other => other,
        };
        let south_west = self.south_west.at("southWest").map_err(inside)?;
        let north_east = self.north_east.at("northEast").map_err(inside)?;
        if south_west.latitude() > north_east.latitude() {
            return Err(Invalid::new(field, "its south edge lies north of its north edge").into());
        }
        Ok(Area { south_west, north_east })
    }
}

/// Where a vehicle is put: exactly one of both.
#[derive(Clone, OneofObject)]
pub enum DestinationInput {
    /// At this station.
    StationId(Gid<StationId>),
    /// On the street, here.
    Position(PositionInput),
}

impl DestinationInput {
    pub fn destination(&self) -> service::Result<Destination> {
        Ok(match self {
            Self::StationId(Gid(id)) => Destination::Station(*id),
            Self::Position(position) => Destination::Position(position.at("position")?),
        })
    }
}

/// A station or a position, from two optional input fields; `required` names the first when neither is given.
pub fn destination(
    station: Option<Gid<StationId>>,
    position: Option<&PositionInput>,
) -> service::Result<Option<Destination>> {
    match (station, position) {
        (Some(_), Some(_)) => {
            Err(Invalid::new("position", "give a station or a position, not both").into())
        }
        (Some(Gid(id)), None) => Ok(Some(Destination::Station(id))),
        (None, Some(position)) => Ok(Some(Destination::Position(position.at("position")?))),
        (None, None) => Ok(None),
    }
}

pub fn optional_area(area: Option<&AreaInput>) -> Result<Option<Area>, service::Error> {
    area.map(|area| area.area("within")).transpose()
}
