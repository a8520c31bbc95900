//! Registered operations on this node: read from the table when they are first called, and looked at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::{Context, Request, ServerError};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use service::ctx::{Actor, App, Ctx};
use service::entity::api_client::ClientId;
use service::entity::tenant::TenantId;
use service::partner::operation;

use super::check::{self, Flaw};
use super::{Hash, Named, Registered, coded};
use crate::error::Error;
use crate::metrics::{count_of, level_of};
use crate::realtime::session::Session;
use crate::schema::AppExecutor;

const NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
const NOT_REGISTERED: &str = "OPERATION_NOT_REGISTERED";

/// How long a node believes that an operation is not retired.
const BELIEVED: Duration = Duration::from_millis(800);
/// More than a node is likely to see in use. What is beyond is read again.
const MANY: usize = 10_000;

/// Cheap to clone.
#[derive(Clone)]
pub struct Operations(Arc<Inner>);

struct Inner {
    app: App,
    executor: AppExecutor,
    known: Mutex<HashMap<Key, Known>>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    called: AtomicU64,
    prepared: AtomicU64,
    looked_up: AtomicU64,
}

/// Whose operation it is. No client: the tenant's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    client: Option<ClientId>,
    hash: Hash,
}

#[derive(Clone)]
struct Known {
    operation: Prepared,
    /// When it was last found in the table.
    at: Instant,
}

/// Or why this version of the server cannot serve it.
type Prepared = Result<Arc<Registered>, Arc<[Flaw]>>;

impl Operations {
    pub fn new(app: App, executor: AppExecutor) -> Self {
        let (known, counts) = (Mutex::default(), Counts::default());
        Self(Arc::new(Inner { app, executor, known, counts }))
    }

    /// Those that every request is given.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, Error> {
        let found = ctx.data::<Self>();
        found.map_err(|_| service::Error::internal("no operations in this request").into())
    }

    pub fn executor(&self) -> &AppExecutor {
        &self.0.executor
    }

    /// Whether a request is executed as it is: it has a text, and its caller may send any.
    pub fn is_free(session: &Session, request: &Request) -> bool {
        Named::of(request).is_none() && !is_bound(session)
    }

    /// What a request that names its document asks for. Whoever calls with a key calls nothing else; all others may send
    /// a text. One that comes with a name has to be its own.
    pub async fn resolve(
        &self,
        session: &Session,
        request: Request,
    ) -> Result<Request, ServerError> {
        let Some(Named(hash)) = Named::of(&request) else {
            return if is_bound(session) { Err(not_registered()) } else { Ok(request) };
        };
        let text = Some(&request.query).filter(|text| !text.is_empty());
        if text.is_some_and(|text| Some(Hash::of(text)) != hash) {
            return Err(coded("the document is not the one that its id names", "BAD_REQUEST"));
        }
        let found = match (self.asker(session), hash) {
            (Some(call), Some(hash)) => self.find(&call, hash).await?,
            _ => None,
        };
        match found {
            Some(registered) => {
                self.0.counts.called.fetch_add(1, Ordering::Relaxed);
                Ok(in_place_of(request, &registered))
            }
            None if text.is_none() => Err(not_found()),
            None if is_bound(session) => Err(not_registered()),
            None => Ok(request),
        }
    }

    /// Those who can only sign in find what they sign in with.
    fn asker<'a>(&self, session: &'a Session) -> Option<Cow<'a, Ctx>> {
        match &session.call {
            Some(call) => Some(Cow::Borrowed(call)),
            None => Some(Cow::Owned(self.0.app.system(session.tenant?, "find_operation"))),
        }
    }

    async fn find(&self, call: &Ctx, hash: Hash) -> Result<Option<Arc<Registered>>, ServerError> {
        let key = Key { tenant: call.tenant, client: client(call), hash };
        let known = self.known().get(&key).cloned();
        let operation = match known {
            Some(known) if known.at.elapsed() < BELIEVED => known.operation,
            known => match self.look_up(call, hash, known).await.map_err(public)? {
                Some(operation) => {
                    self.keep(key, operation.clone());
                    operation
                }
                None => {
                    self.known().remove(&key);
                    return Ok(None);
                }
            },
        };
        operation.map(Some).map_err(|flaws| broken(&flaws))
    }

    async fn look_up(
        &self,
        call: &Ctx,
        hash: Hash,
        known: Option<Known>,
    ) -> service::Result<Option<Prepared>> {
        self.0.counts.looked_up.fetch_add(1, Ordering::Relaxed);
        if let Some(known) = known {
            let is_live = operation::is_live(call, hash.bytes()).await?;
            return Ok(is_live.then_some(known.operation));
        }
        match operation::find(call, hash.bytes()).await? {
            Some(operation) => Ok(Some(self.prepare(hash, &operation.document).await)),
            None => Ok(None),
        }
    }

    async fn prepare(&self, hash: Hash, text: &str) -> Prepared {
        self.0.counts.prepared.fetch_add(1, Ordering::Relaxed);
        let sound = check::document(&self.0.executor, text).await.map_err(Arc::from)?;
        let check::Sound { name, document, caching, .. } = sound;
        Ok(Arc::new(Registered { hash, name, document, caching }))
    }

    fn keep(&self, key: Key, operation: Prepared) {
        let mut known = self.known();
        if known.len() >= MANY {
            known.retain(|_, known| known.at.elapsed() < BELIEVED);
        }
        known.insert(key, Known { operation, at: Instant::now() });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_place_of(asked: Request, registered: &Arc<Registered>) -> Request {
    let mut request = registered.request();
    request.operation_name = asked.operation_name;
    request.variables = asked.variables;
    request.extensions = asked.extensions;
    request
}

/// Whether the caller is a program with a key, which runs nothing that is not registered.
fn is_bound(session: &Session) -> bool {
    session.call.as_deref().and_then(client).is_some()
}

fn client(call: &Ctx) -> Option<ClientId> {
    match call.actor {
        Actor::Partner { client, .. } => Some(client),
        _ => None,
    }
}

fn not_registered() -> ServerError {
    coded("API keys run registered operations only: send the id of one", NOT_REGISTERED)
}

/// In the words that clients of persisted queries look for.
fn not_found() -> ServerError {
    coded("PersistedQueryNotFound", NOT_FOUND)
}

fn broken(flaws: &[Flaw]) -> ServerError {
    let reason = flaws.first().map_or("", |flaw| &flaw.reason);
    coded(format!("this operation is not served any more: {reason}"), "OPERATION_BROKEN")
}

fn public(error: service::Error) -> ServerError {
    let error = async_graphql::Error::from(Error::from(error));
    error.into_server_error(async_graphql::Pos::default())
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").finish_non_exhaustive()
    }
}

impl Collector for Operations {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let Inner { counts, .. } = &*self.0;
        let known = self.known().len() as u64;
        let counters = [
            ("operations_called", "Calls of registered operations", &counts.called),
            ("operations_prepared", "Of their documents, parsed and validated", &counts.prepared),
            ("operations_looked_up", "Reads of their table", &counts.looked_up),
        ];
        for (name, help, count) in counters {
            count_of(&mut encoder, name, help, count.load(Ordering::Relaxed))?;
        }
        level_of(&mut encoder, "operations_known", "Registered operations in memory", known)
    }
}
