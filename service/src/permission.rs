//! What each kind of caller may do: the one table.

use entity::user::Role;

use crate::{
    ctx::{Actor, Ctx},
    error::{Error, Result},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See stations, their availability, and the types of vehicles.
    ViewBoard,
    /// See what a rental costs.
    ViewTariffs,
    /// Reserve, start, end and cancel for oneself, and see what one has rented.
    Ride,
    /// See the vehicles that can be rented, and one's own.
    ViewVehicles,
    /// See every vehicle, its history, and follow the fleet's events.
    ViewFleet,
    /// Create, change and archive stations, vehicle types and vehicles; move and service them.
    ManageFleet,
    /// Create, change, block and archive customers.
    ManageCustomers,
    /// See, start, end and cancel anybody's rentals.
    ManageRentals,
    /// Create, change and archive tariffs.
    ManageTariffs,
}

impl Permission {
    pub const ALL: &[Self] = &[
        Self::ViewBoard,
        Self::ViewTariffs,
        Self::Ride,
        Self::ViewVehicles,
        Self::ViewFleet,
        Self::ManageFleet,
        Self::ManageCustomers,
        Self::ManageRentals,
        Self::ManageTariffs,
    ];

    /// | | owner | staff | customer |
    pub fn of(role: Role, permission: Self) -> bool {
        let [owner, staff, customer] = match permission {
            Self::ViewBoard => [true, true, true],
            Self::ViewTariffs => [true, true, true],
            Self::Ride => [false, false, true],
            Self::ViewVehicles => [true, true, true],
            Self::ViewFleet => [true, true, false],
            Self::ManageFleet => [true, true, false],
            Self::ManageCustomers => [true, true, false],
            Self::ManageRentals => [true, true, false],
            Self::ManageTariffs => [true, false, false],
        };
        match role {
            Role::Owner => owner,
            Role::Staff => staff,
            Role::Customer => customer,
        }
    }
}

impl Ctx {
    /// Whether the caller may; anonymous callers see the board of a tenant that publishes it.
    pub fn may(&self, permission: Permission) -> bool {
        match self.actor {
            Actor::Anonymous => permission == Permission::ViewBoard && self.board_is_public,
            Actor::Customer { .. } => Permission::of(Role::Customer, permission),
            Actor::Staff { role, .. } => Permission::of(role, permission),
            Actor::System(_) => true,
            // Each member has shown already that it may.
            Actor::Audience(None) => permission == Permission::ViewBoard,
            Actor::Audience(Some(role)) => Permission::of(role, permission),
        }
    }

    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        Err(if matches!(self.actor, Actor::Anonymous) {
            Error::Unauthenticated
        } else {
            Error::Forbidden
        })
    }
}
