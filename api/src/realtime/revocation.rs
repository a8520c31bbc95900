//! Open sockets by their session, so that they end when it does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service::ctx::App;
use service::entity::session::SessionId;
use service::user::revocation;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::bell::Cord;

/// How often a node asks which sessions have ended.
const CHECK: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Revocations {
    sockets: Mutex<HashMap<SessionId, Vec<Arc<Socket>>>>,
}

struct Socket {
    cord: Cord,
    is_over: AtomicBool,
}

/// One socket among those of its session, as long as it exists.
pub struct Watched {
    revocations: Arc<Revocations>,
    session: SessionId,
    socket: Arc<Socket>,
}

impl Revocations {
    /// The cord is pulled when the session has ended.
    pub fn watch(self: &Arc<Self>, session: SessionId, cord: Cord) -> Watched {
        let socket = Arc::new(Socket { cord, is_over: AtomicBool::new(false) });
        self.sockets().entry(session).or_default().push(Arc::clone(&socket));
        Watched { revocations: Arc::clone(self), session, socket }
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
                Err(error) => tracing::warn!(%error, "revoked sessions are not known"),
            }
        }
    }

    fn end(&self, sessions: &[SessionId]) {
        let sockets = self.sockets();
        for socket in sessions.iter().filter_map(|session| sockets.get(session)).flatten() {
            socket.is_over.store(true, Ordering::Release);
            socket.cord.pull();
        }
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Arc<Socket>>>> {
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
        if let Some(others) = sockets.get_mut(&self.session) {
            others.retain(|other| !Arc::ptr_eq(other, &self.socket));
            if others.is_empty() {
                sockets.remove(&self.session);
            }
        }
    }
}
