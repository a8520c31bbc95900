//! What each kind of caller may do: the one table.

use entity::{
    scope::{Scope, Scopes},
    user::Role,
};

use crate::{
    ctx::{Actor, Ctx},
    error::{Error, Result},
    refusal::Refusal,
};

/// The one table. Each row is a permission, what it allows, the roles that have it, in the order of `ROLES`, and the scope
/// that gives it to an API client.
macro_rules! permissions {
    ($($name:ident, $text:literal, [$($has:literal)*], $scope:expr;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission {
            $(#[doc = $text] $name,)*
        }

        impl Permission {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// For people.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What an API client needs for it; None is for people only.
            pub fn scope(self) -> Option<Scope> {
                match self { $(Self::$name => $scope,)* }
            }

            fn row(self) -> [bool; ROLES.len()] {
                match self { $(Self::$name => [$($has == 1),*],)* }
            }
        }
    };
}

/// The columns of the table.
pub const ROLES: [Role; 9] = [
    Role::Administrator,
    Role::Owner,
    Role::Admin,
    Role::Staff,
    Role::Accountant,
    Role::Vendor,
    Role::Broker,
    Role::Employee,
    Role::Customer,
];

permissions! {
    // administrator, owner, admin, staff, accountant, vendor, broker, employee, customer
    ManageTenants, "Create, suspend and resume tenants.", [1 0 0 0 0 0 0 0 0], None;
    ViewBoard, "See stations, their availability, and the types of vehicles.", [0 1 1 1 1 1 1 1 1], Some(Scope::BoardRead);
    ViewTariffs, "See what a rental costs.", [0 1 1 1 1 1 1 1 1], Some(Scope::TariffsRead);
    Ride, "Reserve, start, end and cancel for oneself, and see what one has rented.", [0 0 0 0 0 0 0 1 1], None;
    ViewVehicles, "See the vehicles that can be rented, and one's own.", [0 1 1 1 1 1 1 1 1], Some(Scope::VehiclesRead);
    ViewFleet, "See every vehicle, its history, and follow the fleet's events.", [0 1 1 1 1 1 0 0 0], Some(Scope::FleetRead);
    ManageFleet, "Create, change and archive stations, vehicle types and vehicles; move and service them.", [0 1 1 1 0 0 0 0 0], Some(Scope::FleetWrite);
    ViewCustomers, "See customers, with their addresses and phones.", [0 1 1 1 1 0 0 0 0], Some(Scope::CustomersRead);
    ManageCustomers, "Create, change, block and archive customers.", [0 1 1 1 0 0 0 0 0], Some(Scope::CustomersWrite);
    ViewRentals, "See anybody's rentals.", [0 1 1 1 1 0 0 0 0], Some(Scope::RentalsRead);
    ManageRentals, "Start, end and cancel anybody's rentals, and reserve for anybody.", [0 1 1 1 0 0 0 0 0], Some(Scope::RentalsWrite);
    ManageTariffs, "Create, change and archive tariffs.", [0 1 1 0 0 0 0 0 0], Some(Scope::TariffsWrite);
    ManageTeam, "See, invite, change and disable logins, and end their sessions.", [0 1 1 0 0 0 0 0 0], None;
    ManageTenant, "Change the tenant's settings.", [0 1 1 0 0 0 0 0 0], None;
    ManagePartners, "Create API clients, their keys, and register their operations.", [0 1 1 0 0 0 0 0 0], None;
    ViewAudit, "Read who changed what.", [0 1 1 0 0 0 0 0 0], None;
    ViewMoney, "See payments, receipts and the books.", [0 1 1 1 1 0 0 0 0], Some(Scope::MoneyRead);
    Introspect, "Ask the API for its schema, where it is not open to everybody.", [1 1 1 1 0 0 0 0 0], None;
}

impl Permission {
    pub fn of(role: Role, permission: Self) -> bool {
        ROLES.iter().zip(permission.row()).any(|(of, has)| *of == role && has)
    }

    fn of_scopes(scopes: Scopes, permission: Self) -> bool {
        permission.scope().is_some_and(|scope| scopes.contains(scope))
    }
}

impl Ctx {
    /// Whether the caller may; anonymous callers see the board of a tenant that publishes it.
    pub fn may(&self, permission: Permission) -> bool {
        if self.lacks_second_factor {
            return false;
        }
        match self.actor {
            Actor::Anonymous => permission == Permission::ViewBoard && self.board_is_public,
            Actor::Customer { role, .. } | Actor::Staff { role, .. } => {
                Permission::of(role, permission)
            }
            Actor::Partner { scopes, .. } => Permission::of_scopes(scopes, permission),
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
        Err(match self.actor {
            Actor::Anonymous => Error::Unauthenticated,
            _ if self.lacks_second_factor => Refusal::SecondFactorRequired.into(),
            _ => Error::Forbidden,
        })
    }
}

/// The table for people, as Markdown.
pub fn table() -> String {
    let name = |role: Role| format!("{role:?}").to_uppercase();
    let heads = ROLES.map(name).join(" | ");
    let mut text = format!(
        "# Who may do what\n\nMade from `service/src/permission.rs` by `make schema`; a test compares the two. A scope gives the \
         permission to an API client; what has none is for people.\n\n| permission | {heads} | scope |\n|---|{}---|\n",
        "---|".repeat(ROLES.len())
    );
    for permission in Permission::ALL {
        let has = permission.row().map(|has| if has { "yes" } else { "" }).join(" | ");
        let scope = permission.scope().map(|scope| format!("`{}`", scope.as_str()));
        let scope = scope.unwrap_or_default();
        text += &format!("| {}: {} | {has} | {scope} |\n", permission.name(), permission.text());
    }
    text + "\nWho has not signed in may see the board of a tenant that publishes it, and nothing else. Customers and employees see \
            their own vehicles, rentals and customer; only owners appoint, change or disable owners.\n"
}
