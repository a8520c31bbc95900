//! Every event of a tenant, in order and without a gap, for whoever listens on this node.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use entity::{stream_head, tenant::TenantId};
use tokio::sync::{broadcast, mpsc, watch};

use super::{Recorded, bus::Bus, epoch, pages::Pages, table};
use crate::{
    db::Db,
    error::{Error, Result},
};

/// What a slow listener may fall behind before it is sent to the table.
const LIVE: usize = 1_024;
const HEAD_CHECK: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    db: Db,
    bus: OnceLock<Arc<dyn Bus>>,
    channels: Mutex<HashMap<TenantId, Channel>>,
    pages: Pages,
    events: AtomicU64,
    late: AtomicU64,
    resumes: AtomicU64,
}

/// What a feed has seen since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Events that went to listeners.
    pub events: u64,
    /// Of these, found in the table before the bus told of them.
    pub late: u64,
    /// Clients that came back with a cursor, or fell behind and went on from the table.
    pub resumes: u64,
    /// Reads of the table for them.
    pub replay_reads: u64,
    /// Tenants with listeners now.
    pub tenants: u64,
    /// By how many events the table was ahead of this node at the last look, for the tenant with most.
    pub lag: u64,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Feed").field(&self.counts()).finish()
    }
}

#[derive(Clone)]
struct Channel {
    hints: mpsc::Sender<Hint>,
    live: broadcast::Sender<Arc<Recorded>>,
    /// True once the channel knows its next number.
    ready: watch::Receiver<bool>,
    lag: Arc<AtomicU64>,
}

enum Hint {
    Events(Vec<Arc<Recorded>>),
    CheckHead,
}

impl Feed {
    pub fn new(db: Db) -> Self {
        Self(Arc::new(Shared {
            db,
            bus: OnceLock::new(),
            channels: Mutex::default(),
            pages: Pages::default(),
            events: AtomicU64::new(0),
            late: AtomicU64::new(0),
            resumes: AtomicU64::new(0),
        }))
    }

    /// Which bus to tell of new listeners; set once, when the node starts.
    pub fn use_bus(&self, bus: Arc<dyn Bus>) {
        let _ = self.0.bus.set(bus);
    }

    /// Events that were heard of; they may be late, early, or known already.
    pub fn offer(&self, tenant: TenantId, events: &[Arc<Recorded>]) {
        let channels = self.channels();
        if let Some(channel) = channels.get(&tenant) {
            // A full queue loses a hint; the head check finds what it was about.
            let _ = channel.hints.try_send(Hint::Events(events.to_vec()));
        }
    }

    /// Looks into the table now rather than at the next second.
    pub fn check_heads(&self) {
        for channel in self.channels().values() {
            let _ = channel.hints.try_send(Hint::CheckHead);
        }
    }

    pub fn counts(&self) -> Counts {
        let Shared { events, late, resumes, pages, .. } = &*self.0;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let channels = self.channels();
        Counts {
            events: count(events),
            late: count(late),
            resumes: count(resumes),
            replay_reads: pages.reads(),
            tenants: channels.len() as u64,
            lag: channels.values().map(|channel| count(&channel.lag)).max().unwrap_or(0),
        }
    }

    /// Somebody came back with a cursor, or fell behind and goes on from the table.
    pub fn resumed(&self) {
        self.0.resumes.fetch_add(1, Ordering::Relaxed);
    }

    /// Some of the events after one number up to another; see `Pages`.
    pub(crate) async fn replay(
        &self,
        head: &stream_head::Model,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<Arc<Recorded>>> {
        self.0.pages.read(self.0.db.feed(), head, after, up_to).await
    }

    /// How many follow this tenant on this node.
    pub fn listeners(&self, tenant: TenantId) -> usize {
        self.channels().get(&tenant).map_or(0, |channel| channel.live.receiver_count())
    }

    pub(crate) async fn attach(
        &self,
        tenant: TenantId,
    ) -> Result<broadcast::Receiver<Arc<Recorded>>> {
        let (live, mut ready) = {
            let mut channels = self.channels();
            let channel = channels.entry(tenant).or_insert_with(|| self.open(tenant));
            (channel.live.subscribe(), channel.ready.clone())
        };
        match ready.wait_for(|ready| *ready).await {
            Ok(_) => Ok(live),
            Err(_) => Err(Error::Unavailable("the feed of this tenant ended".into())),
        }
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<TenantId, Channel>> {
        self.0.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, tenant: TenantId) -> Channel {
        let (hints, heard) = mpsc::channel(256);
        let (live, _) = broadcast::channel(LIVE);
        let (set_ready, ready) = watch::channel(false);
        if let Some(bus) = self.0.bus.get() {
            bus.listen(tenant);
        }
        let (feed, sender) = (self.clone(), live.clone());
        tokio::spawn(async move {
            if let Err(error) = feed.run(tenant, heard, sender, set_ready).await {
                tracing::warn!(%error, %tenant, "a tenant's feed ended; listeners resync");
                // Still this one: a channel that nobody listens to has left the map before it ends.
                feed.channels().remove(&tenant);
            }
        });
        Channel { hints, live, ready, lag: Arc::default() }
    }

    /// Follows one tenant until nobody listens any more, or its numbers stop making sense.
    async fn run(
        &self,
        tenant: TenantId,
        mut heard: mpsc::Receiver<Hint>,
        live: broadcast::Sender<Arc<Recorded>>,
        ready: watch::Sender<bool>,
    ) -> Result<()> {
        let mut known = table::head(self.0.db.feed(), tenant).await?;
        ready.send_replace(true);
        let mut ticks = tokio::time::interval(HEAD_CHECK);
        loop {
            tokio::select! {
                hint = heard.recv() => match hint {
                    Some(Hint::Events(events)) => self.deliver(&mut known, &live, &events).await,
                    Some(Hint::CheckHead) => self.catch_up(&mut known, &live).await?,
                    None => return Ok(()),
                },
                _ = ticks.tick() => {
                    if self.forgotten(tenant) {
                        return Ok(());
                    }
                    self.catch_up(&mut known, &live).await?;
                }
            }
        }
    }

    /// With the map locked, so that nobody attaches to a channel that is about to go.
    fn forgotten(&self, tenant: TenantId) -> bool {
        let mut channels = self.channels();
        let forgotten =
            channels.get(&tenant).is_none_or(|channel| channel.live.receiver_count() == 0);
        if forgotten {
            channels.remove(&tenant);
        }
        forgotten
    }

    fn looked(&self, tenant: TenantId, behind: u64) {
        if let Some(channel) = self.channels().get(&tenant) {
            channel.lag.store(behind, Ordering::Relaxed);
        }
    }

    async fn deliver(
        &self,
        known: &mut stream_head::Model,
        live: &broadcast::Sender<Arc<Recorded>>,
        events: &[Arc<Recorded>],
    ) {
        let epoch = known.epoch;
        for event in events.iter().filter(|event| event.epoch == epoch) {
            if event.seq > known.last_seq + 1
                && self.fill(known, live, event.seq - 1).await.is_err()
            {
                // The head check tries again.
                return;
            }
            if event.seq == known.last_seq + 1 {
                known.last_seq = event.seq;
                self.0.events.fetch_add(1, Ordering::Relaxed);
                let _ = live.send(Arc::clone(event));
            }
        }
    }

    async fn catch_up(
        &self,
        known: &mut stream_head::Model,
        live: &broadcast::Sender<Arc<Recorded>>,
    ) -> Result<()> {
        let head = match table::head(self.0.db.feed(), known.tenant_id).await {
            Ok(head) => head,
            Err(error) if error.is_retryable() => return Ok(()),
            Err(error) => return Err(error),
        };
        if head.epoch != known.epoch {
            return Err(Error::ResyncRequired);
        }
        if head.last_seq < known.last_seq {
            tracing::error!(tenant = %known.tenant_id, "the event table went back: a new epoch begins");
            epoch::renew_from(&self.0.db, known).await?;
            return Err(Error::ResyncRequired);
        }
        self.looked(known.tenant_id, head.last_seq.abs_diff(known.last_seq));
        match self.fill(known, live, head.last_seq).await {
            Err(error) if error.is_retryable() => Ok(()),
            outcome => outcome,
        }
    }

    async fn fill(
        &self,
        known: &mut stream_head::Model,
        live: &broadcast::Sender<Arc<Recorded>>,
        up_to: i64,
    ) -> Result<()> {
        while known.last_seq < up_to {
            for event in table::read(self.0.db.feed(), known, known.last_seq, up_to).await? {
                known.last_seq = event.seq;
                self.0.events.fetch_add(1, Ordering::Relaxed);
                self.0.late.fetch_add(1, Ordering::Relaxed);
                let _ = live.send(event);
            }
        }
        Ok(())
    }
}
