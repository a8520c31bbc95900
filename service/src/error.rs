//! Why a use case did not happen. The edge maps it; nothing here knows GraphQL or HTTP.

use std::{fmt, time::Duration};

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::{limit::Wait, refusal::Refusal};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also the answer for another tenant's row.
    #[error("{0} not found")]
    NotFound(Subject),
    #[error("sign in first")]
    Unauthenticated,
    #[error("not allowed")]
    Forbidden,
    /// A rule said no; the caller can do something.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The cursor can't be served: too old, from another epoch, or from the future.
    #[error(
        "this cursor cannot be resumed: query the snapshot again and subscribe with its cursor"
    )]
    ResyncRequired,
    /// Too often; how long until the next try makes sense.
    #[error("too many requests: try again in {} seconds", whole_seconds(.retry_after))]
    RateLimited { retry_after: Duration },
    /// Worth another try.
    #[error("please try again")]
    Unavailable(#[source] BoxError),
    /// A defect; logged once, at the edge.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

/// What was not found. Its name in an input is `<kind>Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Tenant,
    Station,
    VehicleType,
    Vehicle,
    Customer,
    Tariff,
    Rental,
    User,
    Session,
    Invitation,
    ApiClient,
    ApiKey,
    Manifest,
    Receipt,
}

impl Subject {
    pub fn field(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Station => "stationId",
            Self::VehicleType => "vehicleTypeId",
            Self::Vehicle => "vehicleId",
            Self::Customer => "customerId",
            Self::Tariff => "tariffId",
            Self::Rental => "rentalId",
            Self::User => "userId",
            Self::Session => "sessionId",
            Self::Invitation => "invitationId",
            Self::ApiClient => "clientId",
            Self::ApiKey => "keyId",
            Self::Manifest => "version",
            Self::Receipt => "receiptId",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Station => "station",
            Self::VehicleType => "vehicle type",
            Self::Vehicle => "vehicle",
            Self::Customer => "customer",
            Self::Tariff => "tariff",
            Self::Rental => "rental",
            Self::User => "user",
            Self::Session => "session",
            Self::Invitation => "invitation",
            Self::ApiClient => "API client",
            Self::ApiKey => "API key",
            Self::Manifest => "version",
            Self::Receipt => "receipt",
        })
    }
}

/// One input field that cannot be used, by its path in the input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    pub field: Vec<String>,
    pub message: String,
}

impl Invalid {
    pub fn new(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { field: vec![field.into()], message: message.to_string() }
    }

    pub fn at(field: Vec<String>, message: impl fmt::Display) -> Self {
        Self { field, message: message.to_string() }
    }
}

impl From<Wait> for Error {
    fn from(Wait(retry_after): Wait) -> Self {
        Self::RateLimited { retry_after }
    }
}

/// What `Retry-After` says: never less than the wait, and never nothing.
pub fn whole_seconds(wait: &Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
}

impl Error {
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal(source.into())
    }

    /// Something asked who is calling, in an execution that many share.
    pub(crate) fn no_viewer() -> Self {
        Self::internal("a shared execution has no viewer")
    }

    /// A connection that was lost during the commit leaves open whether it happened: such a write is not tried again by itself.
    pub(crate) fn of_commit(error: DbErr) -> Self {
        let known = matches!(
            &error,
            DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))
                if source.as_database_error().is_some()
        );
        if known { error.into() } else { Self::Internal(error.into()) }
    }

    /// Whether a programmer or an operator has to look at it.
    pub fn is_defect(&self) -> bool {
        matches!(self, Self::Internal(_))
    }

    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The caller has waited for seconds already, and the next try would only lengthen the queue.
    pub(crate) fn has_waited(&self) -> bool {
        let Self::Unavailable(source) = self else { return false };
        source.downcast_ref().is_some_and(|error| {
            matches!(error, DbErr::ConnectionAcquire(_)) || is_one_of(error, TIMEOUTS)
        })
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_transient(&error) {
            Self::Unavailable(error.into())
        } else if is_one_of(&error, NUL_IN_TEXT) {
            Invalid::new("input", "must not contain the character NUL").into()
        } else {
            Self::Internal(error.into())
        }
    }
}

/// Serialization failures, deadlocks, a busy SQLite, and a database that cannot be reached or does not answer in time.
fn is_transient(error: &DbErr) -> bool {
    const CODES: &[&str] =
        &["40001", "40P01", "53300", "57P01", "57P02", "57P03", "25P03", "5", "6", "517"];
    let source = match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return true,
        DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => source,
        _ => return false,
    };
    match source.as_ref() {
        sqlx::Error::Database(_) => is_one_of(error, CODES) || is_one_of(error, TIMEOUTS),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// PostgreSQL's `lock_timeout` and `statement_timeout`.
const TIMEOUTS: &[&str] = &["55P03", "57014"];

fn is_one_of(error: &DbErr, codes: &[&str]) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) =
        error
    else {
        return false;
    };
    let code = source.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| codes.contains(&code.as_ref()))
}

/// PostgreSQL keeps no NUL in a text.
const NUL_IN_TEXT: &[&str] = &["22021"];

/// A constraint of the database: PostgreSQL reports its name, SQLite the columns of a unique index.
#[derive(Clone, Copy, Debug)]
pub struct Constraint {
    pub name: &'static str,
    pub columns: &'static str,
}

impl Constraint {
    pub fn is_in(self, error: &DbErr) -> bool {
        let (DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source))) = error
        else {
            return false;
        };
        let Some(database) = source.as_database_error() else { return false };
        match database.constraint() {
            Some(name) => name == self.name,
            None => database.message().ends_with(&format!("constraint failed: {}", self.columns)),
        }
    }
}

/// Turns the violation of one named constraint into the rule that it guards.
pub trait OnConstraint<T> {
    fn on_constraint(self, constraint: Constraint, refusal: Refusal) -> Result<T>;
}

impl<T> OnConstraint<T> for std::result::Result<T, DbErr> {
    fn on_constraint(self, constraint: Constraint, refusal: Refusal) -> Result<T> {
        self.map_err(|error| if constraint.is_in(&error) { refusal.into() } else { error.into() })
    }
}
