//! Who asks, for which fleet, with what at hand.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use entity::{
    Id,
    customer::CustomerId,
    tenant::TenantId,
    user::{Role, UserId},
};
use sea_orm::DatabaseConnection;

use crate::{
    clock::Clock,
    db::Db,
    error::{Error, Result},
    event::{bus::Bus, feed::Feed},
    ids::Ids,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    Anonymous,
    Customer {
        user: UserId,
        customer: CustomerId,
    },
    Staff {
        user: UserId,
        role: Role,
    },
    /// The platform itself, by the name of the job or command.
    System(&'static str),
    /// Nobody in particular: all of one role, or without one all who may see the board. What many listeners share is
    /// executed for them.
    Audience(Option<Role>),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Customer { user, .. } | Self::Staff { user, .. } => user.fmt(f),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Audience(_) => f.write_str("audience"),
        }
    }
}

impl Actor {
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Customer { .. } => Some(Role::Customer),
            Self::Staff { role, .. } => Some(role),
            Self::Audience(role) => role,
            Self::Anonymous | Self::System(_) => None,
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
    /// How long events stay in their table; see `job`.
    pub event_retention: Duration,
    ids: Arc<Ids>,
}

impl App {
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        keys: Arc<Keys>,
        bus: Arc<dyn Bus>,
        feed: Feed,
    ) -> Self {
        Self {
            db,
            clock,
            keys,
            bus,
            feed,
            event_retention: Duration::hours(72),
            ids: Arc::default(),
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A UUIDv7 of this moment, later than all that this process made before.
    pub fn new_id<I: Id>(&self) -> I {
        I::from_uuid(self.ids.next(self.now()))
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

    /// The customer whom a customer's login stands for. Fails for an audience whose members get different answers.
    pub fn own_customer(&self) -> Result<Option<CustomerId>> {
        match self.actor {
            Actor::Customer { customer, .. } => Ok(Some(customer)),
            Actor::Audience(None | Some(Role::Customer)) => Err(Error::no_viewer()),
            Actor::Anonymous
            | Actor::Staff { .. }
            | Actor::System(_)
            | Actor::Audience(Some(Role::Owner | Role::Staff)) => Ok(None),
        }
    }
}
