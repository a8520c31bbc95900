//! Who is behind a connection, as both doors ask for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Request;
use async_trait::async_trait;
use service::ctx::Ctx;
use service::entity::tenant::TenantId;
use service::origin::Origin;

use super::limits::Owner;
use super::revocation::Tie;

/// Adds the caller, fresh loaders and whatever else resolvers need to one request.
pub type Attach = Arc<dyn Fn(Request) -> Request + Send + Sync>;

/// Serves one call over HTTP, and any number of operations over a socket.
#[derive(Clone)]
pub struct Session {
    pub attach: Attach,
    /// Who is calling; None for those who can only sign in.
    pub call: Option<Arc<Ctx>>,
    /// Where the call goes, also of those who can only sign in; None where nobody said.
    pub tenant: Option<TenantId>,
    /// What its sockets end with.
    pub ties: Vec<Tie>,
    /// What remains of the token's life; a socket is closed when it is over.
    pub expires_in: Option<Duration>,
    /// Whose connections it counts among.
    pub owners: Vec<Owner>,
}

/// Why no session was opened, in the vocabulary of GraphQL errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: &'static str,
    pub message: String,
    /// In how many seconds another try makes sense; None where waiting does not help.
    pub retry_after: Option<u64>,
}

impl Refused {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Opens sessions for the HTTP door and for sockets.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Without a token the caller is anonymous, which a session may still be opened for.
    async fn open(&self, shown: Shown<'_>, origin: Origin) -> Result<Session, Refused>;
}

/// What a caller shows.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    pub token: Option<&'a str>,
    /// The slug of the tenant, for those without a token.
    pub tenant: Option<&'a str>,
}

/// The token in the value of an `Authorization` header. Another scheme is refused instead of
/// ignored: its caller does not expect to be anonymous.
pub fn bearer(authorization: &str) -> Result<&str, Refused> {
    authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| Refused::new("UNAUTHENTICATED", "expected a bearer token"))
}
