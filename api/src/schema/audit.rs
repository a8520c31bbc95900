//! The audit log, as owners see it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::audit;
use serde_json::Value;
use service::audit::Filter;

use super::{
    connection::{connection, counted, nodes, page},
    scalar::DateTime,
    user::Role,
};
use crate::{context::Call, error::Result};

/// One line of the audit log.
#[derive(Clone)]
pub struct AuditEntry(pub audit::Model);

impl From<audit::Model> for AuditEntry {
    fn from(model: audit::Model) -> Self {
        Self(model)
    }
}

/// On whose side somebody stands who changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "audit::ActorKind")]
pub enum AuditActorKind {
    /// A login of the tenant.
    Staff,
    /// A partner's program, with an API key.
    Partner,
    /// An administrator of the platform.
    Platform,
}

/// One field before and after. Names, e-mail addresses and phone numbers of people are masked, as `a…@example.com`; of a
/// secret there is `***`, which says only that it was there.
#[derive(SimpleObject)]
pub struct AuditChange {
    /// Its name, after those of the objects that it lies in: `blockedAt`, `terms.taxRate`.
    field: String,
    /// The value before: text as it is, everything else as JSON. Null when there was none.
    before: Option<String>,
    /// The value afterwards: text as it is, everything else as JSON. Null when there is none.
    after: Option<String>,
}

impl From<audit::Change> for AuditChange {
    fn from(change: audit::Change) -> Self {
        Self {
            field: camel(&change.field),
            before: shown(change.before),
            after: shown(change.after),
        }
    }
}

/// One thing that staff, a partner or the platform did to one object. Kept for ever, and never changed.
#[Object]
impl AuditEntry {
    /// Global id, `audit_entry_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When.
    async fn occurred_at(&self) -> DateTime {
        DateTime(self.0.occurred_at)
    }

    /// On whose side who did it stands.
    async fn actor_kind(&self) -> AuditActorKind {
        self.0.actor_kind.into()
    }

    /// Who did it: the global id of a login, `user_…`, or of a partner's API client, `client_…`.
    async fn actor_id(&self) -> ID {
        ID(self.0.actor_id.clone())
    }

    /// The login's role at that time; null for partners.
    async fn actor_role(&self) -> Option<Role> {
        self.0.role.map(Into::into)
    }

    /// The IP address that the request came from; null when not known.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// What the client called itself, which may be anything; null when it said nothing.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// The request's id, as its answer had it in `x-request-id`; over a websocket the connection's. All that one request did
    /// has the same.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What was done: the kind of object and a verb, such as `vehicle.update` or `customer.block`. New ones may come.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The kind of object that it was done to, as its global id begins: `vehicle`.
    async fn subject_kind(&self) -> &str {
        &self.0.subject_kind
    }

    /// The global id of the object that it was done to; `node` finds it.
    async fn subject_id(&self) -> ID {
        ID(self.0.subject_id.clone())
    }

    /// The fields that changed, by name; for a new object all that have a value.
    async fn changes(&self) -> Vec<AuditChange> {
        self.0.changes.0.iter().cloned().map(Into::into).collect()
    }
}

connection!(AuditEntryConnection, AuditEntryEdge, AuditEntry, "lines of the audit log");

/// Which lines of the audit log; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct AuditLogFilter {
    /// Done by this login or API client.
    actor_id: Option<ID>,
    /// Exactly this, such as `customer.block`.
    action: Option<String>,
    /// Done to an object of this kind, as its global id begins: `vehicle`.
    subject_kind: Option<String>,
    /// Done to this object, whatever its kind.
    subject_id: Option<ID>,
    /// Done by this request.
    request_id: Option<String>,
    /// At or after.
    occurred_from: Option<DateTime>,
    /// Before.
    occurred_before: Option<DateTime>,
}

impl From<AuditLogFilter> for Filter {
    fn from(filter: AuditLogFilter) -> Self {
        Self {
            actor: filter.actor_id.map(|ID(id)| id),
            action: filter.action,
            subject_kind: filter.subject_kind,
            subject: filter.subject_id.map(|ID(id)| id),
            request: filter.request_id,
            occurred_from: filter.occurred_from.map(|DateTime(from)| from),
            occurred_before: filter.occurred_before.map(|DateTime(before)| before),
        }
    }
}

#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Who changed what, newest first: all that staff, partners and the platform's administrators did in this tenant. Owners
    /// and administrators of the tenant only.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and one of the list")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only lines that match.")] filter: Option<AuditLogFilter>,
    ) -> Result<AuditEntryConnection> {
        let filter = Arc::new(Filter::from(filter.unwrap_or_default()));
        let args = page(first, after, last, before);
        let found = service::audit::list(ctx.call()?, &filter, &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { service::audit::count(&call, &filter).await }
        });
        Ok(AuditEntryConnection { page: nodes(found), count })
    }
}

fn shown(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// At the end of each global id.
const ID_DIGITS: usize = 32;

/// Column names as the API spells them. Ids among them, which are keys of counts, stay as they are.
fn camel(path: &str) -> String {
    let segments = path.split('.').map(|name| {
        if name.rsplit_once('_').is_some_and(|(_, end)| end.len() == ID_DIGITS) {
            return name.to_owned();
        }
        let mut spelled = String::with_capacity(name.len());
        let mut upper = false;
        for c in name.chars() {
            if c == '_' {
                upper = true;
            } else {
                spelled.push(if upper { c.to_ascii_uppercase() } else { c });
                upper = false;
            }
        }
        spelled
    });
    segments.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_spelled_as_fields() {
        assert_eq!(camel("blocked_at"), "blockedAt");
        assert_eq!(camel("terms.tax_rate"), "terms.taxRate");
        assert_eq!(camel("secret_sha256"), "secretSha256");
        let of_a_type = "vehicle_type_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f";
        assert_eq!(
            camel(&format!("available_by_type.{of_a_type}")),
            format!("availableByType.{of_a_type}")
        );
    }
}
