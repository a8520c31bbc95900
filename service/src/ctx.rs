//! Who asks, for which fleet, with what at hand.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use entity::{Id, customer::CustomerId, tenant::TenantId, user::{Role, UserId}};
use sea_orm::DatabaseConnection;

use crate::{
    clock::Clock,
    db::Db,
    event::{bus::Bus, feed::Feed},
    keys::Keys,
};

/// Everything a use case may know about its caller and its surroundings.
#[derive(Clone)]
pub struct Ctx {
    pub actor: Actor,
    pub tenant: TenantId,
    pub(crate) board_is_public: bool,
    pub app: App,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Anonymous,
    Customer { user: UserId, customer: CustomerId },
    Staff { user: UserId, role: Role },
    /// The platform itself, by the name of the job or command.
    System(&'static str),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Customer { user, .. } | Self::Staff { user, .. } => user.fmt(f),
            Self::System(name) => write!(f, "system:{name}"),
        }
    }
}

/// What all callers share; cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub keys: Arc<Keys>,
    pub bus: Arc<dyn Bus>,
    pub feed: Feed,
}

impl App {
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A UUIDv7 of this moment.
    pub fn new_id<I: Id>(&self) -> I {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        let random = crate::keys::random::<10>().unwrap_or_default();
        I::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The platform's own call into a tenant, for jobs and commands.
    pub fn system(&self, tenant: TenantId, name: &'static str) -> Ctx {
        Ctx { actor: Actor::System(name), tenant, board_is_public: false, app: self.clone() }
    }

    pub(crate) fn call(&self, actor: Actor, tenant: &entity::tenant::Model) -> Ctx {
        Ctx { actor, tenant: tenant.id, board_is_public: tenant.publishes_board, app: self.clone() }
    }
}

impl Ctx {
    pub fn reader(&self) -> &DatabaseConnection {
        self.app.db.reader()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.app.now()
    }

    /// The customer whom a customer's login stands for.
    pub fn own_customer(&self) -> Option<CustomerId> {
        match self.actor {
            Actor::Customer { customer, .. } => Some(customer),
            _ => None,
        }
    }
}
