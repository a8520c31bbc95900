//! Who asks, for which fleet, with what at hand.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use entity::{
    Id,
    api_client::ClientId,
    customer::CustomerId,
    scope::Scopes,
    session::SessionId,
    tenant::TenantId,
    user::{Role, UserId},
};

use crate::{
    clock::Clock,
    db::{Db, Reader},
    error::{Error, Result},
    event::{bus::Bus, feed::Feed},
    ids::Ids,
    job::count::Counts,
    keys::Keys,
    limit::Limits,
    notify::{Notifier, Nowhere, Outbox},
    origin::Origin,
};

/// Everything a use case may know about its caller and its surroundings.
#[derive(Clone)]
pub struct Ctx {
    pub actor: Actor,
    pub tenant: TenantId,
    pub(crate) board_is_public: bool,
    /// May do nothing but set up the second factor that the tenant asks for.
    pub(crate) lacks_second_factor: bool,
    /// By which a person is calling.
    pub(crate) session: Option<SessionId>,
    pub origin: Origin,
    reader: Reader,
    pub app: App,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    Anonymous,
    Customer {
        user: UserId,
        customer: CustomerId,
        /// One of those that ride.
        role: Role,
    },
    /// Whoever signs in and does not ride: the tenant's people, and the platform's administrators.
    Staff {
        user: UserId,
        role: Role,
    },
    /// A program with an API key.
    Partner {
        client: ClientId,
        scopes: Scopes,
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
            Self::Partner { client, .. } => client.fmt(f),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Audience(_) => f.write_str("audience"),
        }
    }
}

impl Actor {
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Customer { role, .. } | Self::Staff { role, .. } => Some(role),
            Self::Audience(role) => role,
            Self::Anonymous | Self::Partner { .. } | Self::System(_) => None,
        }
    }

    /// The login, where a person is calling.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Customer { user, .. } | Self::Staff { user, .. } => Some(user),
            Self::Anonymous | Self::Partner { .. } | Self::System(_) | Self::Audience(_) => None,
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
    pub limits: Limits,
    pub notifier: Arc<dyn Notifier>,
    /// The same, where messages are only kept for developers to read.
    pub outbox: Option<Arc<Outbox>>,
    /// Where people reach this installation, for links in messages; without a slash at the end.
    pub public_url: Arc<str>,
    /// How many times a minute one address may try to sign in. None: no limit.
    pub sign_ins_per_address: Option<u32>,
    /// How long events stay in their table; see `job`.
    pub event_retention: Duration,
    /// What became of the jobs that this process ran.
    pub jobs: Arc<Counts>,
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
        let limits = Limits::in_process(Arc::clone(&clock));
        Self {
            db,
            clock,
            keys,
            bus,
            feed,
            limits,
            notifier: Arc::new(Nowhere),
            outbox: None,
            public_url: "".into(),
            sign_ins_per_address: None,
            event_retention: Duration::hours(72),
            jobs: Arc::default(),
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
        Ctx {
            actor: Actor::System(name),
            tenant,
            board_is_public: false,
            lacks_second_factor: false,
            session: None,
            origin: Origin::default(),
            reader: self.db.reader_of(tenant),
            app: self.clone(),
        }
    }

    pub(crate) fn call(&self, actor: Actor, tenant: &entity::tenant::Model) -> Ctx {
        let board_is_public = tenant.publishes_board;
        Ctx { actor, board_is_public, ..self.system(tenant.id, "call") }
    }
}

impl Ctx {
    pub fn coming_from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Whether nothing may be done before a second factor is set up.
    pub fn lacks_second_factor(&self) -> bool {
        self.lacks_second_factor
    }

    /// The same caller, on another connection to the same platform.
    pub fn on(self, app: App) -> Self {
        Self { reader: app.db.reader_of(self.tenant), app, ..self }
    }

    /// The same caller at another tenant.
    pub(crate) fn into_tenant(self, tenant: TenantId) -> Self {
        Self { reader: self.app.db.reader_of(tenant), tenant, ..self }
    }

    /// For reads of the tenant's rows.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.app.now()
    }

    /// Whether anybody may see what `board:read` lets see.
    pub fn board_is_public(&self) -> bool {
        self.board_is_public
    }

    /// The customer whom a customer's login stands for. Fails for an audience whose members get different answers.
    pub fn own_customer(&self) -> Result<Option<CustomerId>> {
        match self.actor {
            Actor::Customer { customer, .. } => Ok(Some(customer)),
            Actor::Audience(None) => Err(Error::no_viewer()),
            Actor::Audience(Some(role)) if role.rides() => Err(Error::no_viewer()),
            Actor::Anonymous
            | Actor::Staff { .. }
            | Actor::Partner { .. }
            | Actor::System(_)
            | Actor::Audience(Some(_)) => Ok(None),
        }
    }
}
