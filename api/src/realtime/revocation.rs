//! Open sockets by what they depend on, so that they end when it does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use service::ctx::App;
use service::entity::{session::SessionId, tenant::TenantId};
use service::partner::key::{self, AsOf};
use service::user::revocation;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::bell::Cord;

/// How often a node asks what has ended.
const CHECK: Duration = Duration::from_secs(1);
const KEYS_AT_ONCE: usize = 500;

/// What a socket ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    Session(SessionId),
    Tenant(TenantId),
    /// An API key, as long as it works and lets its program do the same.
    Key(AsOf),
}

#[derive(Default)]
pub struct Revocations {
    sockets: Mutex<HashMap<Tie, Vec<Arc<Socket>>>>,
}

struct Socket {
    cord: Cord,
    is_over: AtomicBool,
}

/// One socket among those of its ties, as long as it exists.
pub struct Watched {
    revocations: Arc<Revocations>,
    ties: Vec<Tie>,
    socket: Arc<Socket>,
}

impl Revocations {
    /// The cord is pulled when one of them has ended.
    pub fn watch(self: &Arc<Self>, ties: Vec<Tie>, cord: Cord) -> Watched {
        let socket = Arc::new(Socket { cord, is_over: AtomicBool::new(false) });
        let mut sockets = self.sockets();
        for tie in &ties {
            sockets.entry(*tie).or_default().push(Arc::clone(&socket));
        }
        Watched { revocations: Arc::clone(self), ties, socket }
    }

    /// Until the node stops.
    pub async fn run(self: Arc<Self>, app: App, mut shutdown: watch::Receiver<bool>) {
        let mut ticks = interval(CHECK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What ended while the database was away is told when it is back.
        let mut known = app.now();
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            if self.sockets().is_empty() {
                known = app.now();
                continue;
            }
            let now = app.now();
            match self.ended(&app, known).await {
                Ok(()) => known = now,
                Err(error) => tracing::warn!(%error, "what has ended is not known"),
            }
        }
    }

    async fn ended(&self, app: &App, since: DateTime<Utc>) -> service::Result<()> {
        let lately = revocation::lately(app, since).await?;
        self.end(lately.sessions.into_iter().map(Tie::Session));
        self.end(lately.tenants.into_iter().map(Tie::Tenant));
        for some in self.keys().chunks(KEYS_AT_ONCE) {
            let working = key::working(app, some).await?;
            self.end(some.iter().filter(|key| !working.contains(key)).copied().map(Tie::Key));
        }
        Ok(())
    }

    fn keys(&self) -> Vec<AsOf> {
        let key = |tie: &Tie| match tie {
            Tie::Key(key) => Some(*key),
            Tie::Session(_) | Tie::Tenant(_) => None,
        };
        self.sockets().keys().filter_map(key).collect()
    }

    fn end(&self, ended: impl Iterator<Item = Tie>) {
        let sockets = self.sockets();
        for socket in ended.filter_map(|tie| sockets.get(&tie)).flatten() {
            socket.is_over.store(true, Ordering::Release);
            socket.cord.pull();
        }
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<Tie, Vec<Arc<Socket>>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    pub fn is_over(&self) -> bool {
        self.socket.is_over.load(Ordering::Acquire)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut sockets = self.revocations.sockets();
        for tie in &self.ties {
            if let Some(others) = sockets.get_mut(tie) {
                others.retain(|other| !Arc::ptr_eq(other, &self.socket));
                if others.is_empty() {
                    sockets.remove(tie);
                }
            }
        }
    }
}
