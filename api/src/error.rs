//! How a use case's answer "no" reaches a client: once, with a code, and without anything of the database.

use std::{fmt, sync::Arc};

use async_graphql::ErrorExtensions;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a resolver may return. It has no `Display` on purpose: otherwise `?` would
/// turn any error into a GraphQL message, database text included.
#[derive(Clone, Debug)]
pub struct Error {
    source: Arc<service::Error>,
    /// What to query before going on.
    snapshot: Option<&'static str>,
}

impl From<service::Error> for Error {
    fn from(error: service::Error) -> Self {
        Self { source: Arc::new(error), snapshot: None }
    }
}

impl Error {
    /// Apollo's word where there is one.
    pub fn code(&self) -> &'static str {
        match &*self.source {
            service::Error::NotFound(_) => "NOT_FOUND",
            service::Error::Unauthenticated => "UNAUTHENTICATED",
            service::Error::Forbidden => "FORBIDDEN",
            service::Error::Refused(refusal) => refusal.code().as_str(),
            service::Error::Invalid(_) => "BAD_USER_INPUT",
            service::Error::ResyncRequired => "RESYNC_REQUIRED",
            service::Error::RateLimited { .. } => "RATELIMITED",
            service::Error::Unavailable(_) => "SERVICE_UNAVAILABLE",
            service::Error::Internal(_) => "INTERNAL_SERVER_ERROR",
        }
    }

    /// Where a stream cannot go on: the query that its client starts again with.
    pub fn or_query(self, snapshot: &'static str) -> Self {
        let is_resync = matches!(*self.source, service::Error::ResyncRequired);
        Self { snapshot: is_resync.then_some(snapshot), ..self }
    }

    /// In how many seconds another try makes sense; None where waiting does not help.
    pub fn retry_after(&self) -> Option<u64> {
        match &*self.source {
            service::Error::RateLimited { retry_after } => {
                Some(service::error::whole_seconds(retry_after))
            }
            _ => None,
        }
    }

    pub fn public_message(&self) -> String {
        self.source.to_string()
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        if error.source.is_defect() {
            tracing::error!(error = %Chain(&error.source), "resolver failed");
        } else if error.source.is_retryable() {
            tracing::warn!(error = %Chain(&error.source), "the database did not take it");
        }
        Self::new(error.public_message()).extend_with(|_, extensions| {
            extensions.set("code", error.code());
            if let Some(seconds) = error.retry_after() {
                extensions.set("retryAfter", seconds);
            }
            if let service::Error::Invalid(invalid) = &*error.source {
                extensions.set("field", invalid.field.clone());
            }
            if let Some(snapshot) = error.snapshot {
                extensions.set("snapshot", snapshot);
            }
        })
    }
}

/// An error with all its causes, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
