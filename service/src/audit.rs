//! The audit log: what staff, partners and the platform changed, each line in the write that did it.

mod difference;
mod list;
mod mask;

use std::sync::{Mutex, PoisonError};

use entity::{
    Id,
    audit::{ActiveModel, ActorKind, AuditEntryId, Change, Changes, Entity, Model},
    user::{self, Role, UserId},
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde::Serialize;
use serde_json::Value;

pub use list::{Filter, count, get_many, list};

use crate::{
    ctx::Actor,
    error::{Error, Result},
    write::Tx,
};

/// SQLite takes 32,766 values in one statement, and a line has thirteen.
const LINES_AT_ONCE: usize = 2_000;

/// What the audit log can tell about: all fields of its row, but `LEFT_OUT`. Personal data is masked by their names, see `mask`.
pub trait Audited: Serialize {
    /// Fields that another object tells already.
    const LEFT_OUT: &[&str] = &[];

    /// Kind and global id.
    fn subject(&self) -> (&'static str, String);
}

macro_rules! audited {
    ($($feature:ident $(without $left_out:literal)?),*) => {$(
        impl Audited for entity::$feature::Model {
            $(const LEFT_OUT: &[&str] = &[$left_out];)?

            fn subject(&self) -> (&'static str, String) {
                subject(self.id)
            }
        }
    )*};
}

// A rental's terms are those of its tariff; the last code's number is nobody's business.
audited!(api_client, api_key, customer, dead_job, invitation, manifest, rental without "terms", session, station, tariff, tenant, user without "totp_last_step", vehicle, vehicle_type);

/// The lines of one write: those that wait, and how many there are in all.
#[derive(Default)]
pub(crate) struct Lines(Mutex<(Vec<ActiveModel>, usize)>);

impl Lines {
    fn push(&self, line: Model) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.0.push(line.into_active_model().reset_all());
        lines.1 += 1;
    }

    /// Whether there were any, written already or not.
    pub(crate) fn any(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 > 0
    }

    fn take(&self) -> Vec<ActiveModel> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl Tx {
    /// Tells the audit log, if and when this write commits, what was done to an object: `vehicle.update`. None before: it is
    /// new; None after: it is gone. Customers' own rides and the platform's jobs are not told.
    pub fn audit<A: Audited>(
        &self,
        action: &'static str,
        before: Option<&A>,
        after: Option<&A>,
    ) -> Result<()> {
        self.compare(Caller::of(self.actor()), action, before, after)
    }

    /// As `audit`, by a login that has shown what was sent to it instead of signing in.
    pub(crate) fn audit_by<A: Audited>(
        &self,
        login: &user::Model,
        action: &'static str,
        before: Option<&A>,
        after: Option<&A>,
    ) -> Result<()> {
        self.compare(Caller::with(login.id, login.role), action, before, after)
    }

    fn compare<A: Audited>(
        &self,
        caller: Option<Caller>,
        action: &'static str,
        before: Option<&A>,
        after: Option<&A>,
    ) -> Result<()> {
        let Some(caller) = caller else { return Ok(()) };
        let Some((kind, id)) = after.or(before).map(A::subject) else { return Ok(()) };
        let changes = difference::between(kind, json(before)?, json(after)?, A::LEFT_OUT);
        self.line(caller, action, (kind, id), changes);
        Ok(())
    }

    /// As `audit`, of what changes no field that could be shown.
    pub fn audit_act<I: Id>(&self, action: &'static str, id: I) {
        if let Some(caller) = Caller::of(self.actor()) {
            self.line(caller, action, subject(id), Vec::new());
        }
    }

    fn line(
        &self,
        caller: Caller,
        action: &'static str,
        (kind, id): (&str, String),
        changes: Vec<Change>,
    ) {
        let origin = &self.ctx().origin;
        self.audit_lines().push(Model {
            tenant_id: self.tenant(),
            id: self.new_id::<AuditEntryId>(),
            occurred_at: self.now(),
            actor_kind: caller.kind,
            actor_id: caller.id,
            role: caller.role,
            address: origin.address.map(|address| address.to_string()),
            user_agent: origin.user_agent.as_deref().map(ToOwned::to_owned),
            request_id: origin.request_id.as_deref().map(ToOwned::to_owned),
            action: action.to_owned(),
            subject_kind: kind.to_owned(),
            subject_id: id,
            changes: Changes(changes),
        });
    }

    /// Writes the lines that wait.
    pub(crate) async fn write_audit(&self) -> Result<()> {
        for some in self.audit_lines().take().chunks(LINES_AT_ONCE) {
            Entity::insert_many(some.to_vec()).exec_without_returning(&**self).await?;
        }
        Ok(())
    }
}

/// Whom the audit log knows.
struct Caller {
    kind: ActorKind,
    id: String,
    role: Option<Role>,
}

impl Caller {
    fn of(actor: Actor) -> Option<Self> {
        match actor {
            Actor::Staff { user, role } => Self::with(user, role),
            Actor::Partner { client, .. } => {
                Some(Self { kind: ActorKind::Partner, id: client.to_string(), role: None })
            }
            Actor::Customer { .. } | Actor::Anonymous | Actor::System(_) | Actor::Audience(_) => {
                None
            }
        }
    }

    fn with(user: UserId, role: Role) -> Option<Self> {
        let kind = match role {
            role if role.rides() => return None,
            Role::Administrator => ActorKind::Platform,
            _ => ActorKind::Staff,
        };
        Some(Self { kind, id: user.to_string(), role: Some(role) })
    }
}

/// Whether what this actor changes has a line.
pub(crate) fn is_audited(actor: Actor) -> bool {
    Caller::of(actor).is_some()
}

fn subject<I: Id>(id: I) -> (&'static str, String) {
    (I::PREFIX, id.to_string())
}

fn json<A: Serialize>(object: Option<&A>) -> Result<Value> {
    object.map_or(Ok(Value::Null), serde_json::to_value).map_err(Error::internal)
}
