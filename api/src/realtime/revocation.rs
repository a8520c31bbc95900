//! Open sockets by what they depend on, so that they end when it does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service::ctx::App;
use service::entity::{session::SessionId, tenant::TenantId};
use service::user::revocation::{self, Ended};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::bell::Cord;

/// How often a node asks which sessions have ended.
const CHECK: Duration = Duration::from_secs(1);

/// What a socket ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    Session(SessionId),
    Tenant(TenantId),
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
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            if self.sockets().is_empty() {
                continue;
            }
            match revocation::lately(&app).await {
                Ok(ended) => self.end(&ended),
                Err(error) => tracing::warn!(%error, "what has ended is not known"),
            }
        }
    }

    fn end(&self, ended: &Ended) {
        let sockets = self.sockets();
        let sessions = ended.sessions.iter().copied().map(Tie::Session);
        let ties = sessions.chain(ended.tenants.iter().copied().map(Tie::Tenant));
        for socket in ties.filter_map(|tie| sockets.get(&tie)).flatten() {
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
