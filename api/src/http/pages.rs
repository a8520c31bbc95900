//! Pages of which sites may call: those of the configuration, and those of API clients.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, header};
use service::ctx::App;
use service::partner;

use super::graphql::is_own_origin;

/// How long a node believes what it has read.
const BELIEVED: Duration = Duration::from_secs(5);

/// Cheap to clone. Whether the page of one client uses that client's key is looked at when the key is shown.
#[derive(Clone)]
pub struct Pages(Arc<Inner>);

struct Inner {
    app: App,
    always: Vec<String>,
    of_clients: Mutex<Option<(Instant, Arc<HashSet<String>>)>>,
}

impl Pages {
    pub fn new(app: App, always: Vec<String>) -> Self {
        Self(Arc::new(Inner { app, always, of_clients: Mutex::default() }))
    }

    /// Browsers let a page of any site open a socket, but say which site it is. Other clients send no origin.
    pub async fn may_connect(&self, headers: &HeaderMap) -> bool {
        if is_own_origin(headers, &self.0.always) {
            return true;
        }
        match headers.get(header::ORIGIN).map(HeaderValue::to_str) {
            Some(Ok(origin)) => self.may_call(origin).await,
            _ => false,
        }
    }

    pub async fn may_call(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.0.always.iter().any(|allowed| allowed.eq_ignore_ascii_case(&origin)) {
            return true;
        }
        self.of_clients().await.contains(&origin)
    }

    /// What was known before, where the database does not answer.
    async fn of_clients(&self) -> Arc<HashSet<String>> {
        let known = || self.0.of_clients.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().clone();
        if let Some((at, origins)) = &before
            && at.elapsed() < BELIEVED
        {
            return Arc::clone(origins);
        }
        match partner::all_origins(&self.0.app).await {
            Ok(origins) => {
                let origins = Arc::new(origins);
                *known() = Some((Instant::now(), Arc::clone(&origins)));
                origins
            }
            Err(error) => {
                tracing::warn!(%error, "the origins of API clients are not known");
                before.map(|(_, origins)| origins).unwrap_or_default()
            }
        }
    }
}
