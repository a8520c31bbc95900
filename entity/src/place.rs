//! Where a thing is: a WGS 84 position, and the box that a board looks at.

use serde::{Deserialize, Serialize};

/// Degrees, WGS 84. Six decimals are kept: about a decimetre.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    latitude: f64,
    longitude: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    #[error("must be between -90 and 90")]
    Latitude,
    #[error("must be between -180 and 180")]
    Longitude,
}

impl Position {
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, PositionError> {
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(PositionError::Latitude);
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(PositionError::Longitude);
        }
        let six = |degrees: f64| (degrees * 1e6).round() / 1e6;
        Ok(Self { latitude: six(latitude), longitude: six(longitude) })
    }

    pub fn latitude(self) -> f64 {
        self.latitude
    }

    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// Great-circle distance by the haversine formula on a sphere of 6,371 km.
    pub fn meters_to(self, other: Self) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let across = ((b - a) / 2.0).sin().powi(2)
            + a.cos()
                * b.cos()
                * ((other.longitude - self.longitude).to_radians() / 2.0).sin().powi(2);
        2.0 * 6_371_000.0 * across.sqrt().min(1.0).asin()
    }
}

/// A box by its south-west and north-east corners. One that crosses the antimeridian has its west edge east of its east edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub south_west: Position,
    pub north_east: Position,
}

impl Area {
    /// The smallest box that holds every point within `meters` of `center`.
    pub fn around(center: Position, meters: f64) -> Self {
        let north = (meters / 6_371_000.0).to_degrees();
        let narrowest = (center.latitude.abs() + north).min(89.9).to_radians().cos();
        let east = (north / narrowest).min(180.0);
        let corner = |latitude: f64, longitude: f64| Position {
            latitude: latitude.clamp(-90.0, 90.0),
            longitude: if longitude > 180.0 {
                longitude - 360.0
            } else if longitude < -180.0 {
                longitude + 360.0
            } else {
                longitude
            },
        };
        Self {
            south_west: corner(center.latitude - north, center.longitude - east),
            north_east: corner(center.latitude + north, center.longitude + east),
        }
    }

    pub fn crosses_antimeridian(self) -> bool {
        self.south_west.longitude > self.north_east.longitude
    }

    pub fn contains(self, position: Position) -> bool {
        let (west, east) = (self.south_west.longitude, self.north_east.longitude);
        let between = if west <= east {
            (west..=east).contains(&position.longitude)
        } else {
            position.longitude >= west || position.longitude <= east
        };
        between
            && (self.south_west.latitude..=self.north_east.latitude).contains(&position.latitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_ends_at_its_edges() {
        assert_eq!(Position::new(90.1, 0.0), Err(PositionError::Latitude));
        assert_eq!(Position::new(0.0, -180.5), Err(PositionError::Longitude));
        assert_eq!(Position::new(f64::NAN, 0.0), Err(PositionError::Latitude));
    }

    #[test]
    fn a_box_over_the_antimeridian_holds_both_sides() {
        let area = Area::around(Position::new(-17.0, 179.9).unwrap(), 50_000.0);
        assert!(area.crosses_antimeridian());
        assert!(area.contains(Position::new(-17.0, -179.9).unwrap()));
        assert!(!area.contains(Position::new(-17.0, 0.0).unwrap()));
    }

    #[test]
    fn a_degree_of_latitude_is_111_kilometres() {
        let meters = Position::new(0.0, 0.0).unwrap().meters_to(Position::new(1.0, 0.0).unwrap());
        assert!((meters - 111_195.0).abs() < 1.0, "{meters}");
    }
}
