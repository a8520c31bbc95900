//! The clients of one server: each sees every number once and in order, or the measurement fails.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Error, Result, anyhow, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use super::{IN_FLIGHT, client::Client, source::number};

/// Handshakes at once: what waits must fit into the queue of the listening socket.
pub const HANDSHAKES: usize = 64;
/// Until everybody has an event.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Crowd {
    size: usize,
    tally: Arc<Tally>,
    /// Dropped, it ends them.
    clients: JoinSet<()>,
}

/// Who has got what.
struct Tally {
    size: AtomicUsize,
    /// Clients that have got any event: their subscription stands.
    greeted: AtomicUsize,
    /// From which number on deliveries count.
    from: AtomicI64,
    /// How many have got a number, at its place in a ring.
    got: [AtomicUsize; 16],
    /// A permit for each event that may be sent. Closed when a client fails.
    room: Semaphore,
    failure: Mutex<Option<Error>>,
    sample: Mutex<Option<String>>,
}

impl Crowd {
    pub fn empty() -> Self {
        let tally = Tally {
            size: AtomicUsize::new(0),
            greeted: AtomicUsize::new(0),
            from: AtomicI64::new(i64::MAX),
            got: Default::default(),
            room: Semaphore::new(IN_FLIGHT as usize),
            failure: Mutex::default(),
            sample: Mutex::default(),
        };
        Self { size: 0, tally: Arc::new(tally), clients: JoinSet::new() }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// More of them. An event has to follow until [`Self::is_listening`]: nothing else says that a subscription stands.
    pub async fn grow(&mut self, to: usize, address: SocketAddr, tenant: &str) -> Result<()> {
        self.tally.from.store(i64::MAX, Ordering::SeqCst);
        let nothing = json!({});
        let clients: Vec<Client> = stream::iter(self.size..to)
            .map(|number| Client::subscribed(address, tenant, number, &nothing))
            .buffer_unordered(HANDSHAKES)
            .try_collect()
            .await
            .context("a client could not connect")?;
        for client in clients {
            self.clients.spawn(listen(client, Arc::clone(&self.tally)));
        }
        self.size = to;
        self.tally.size.store(to, Ordering::SeqCst);
        Ok(())
    }

    /// Whether everybody has got an event by now.
    pub fn is_listening(&self) -> Result<bool> {
        self.tally.check()?;
        Ok(self.tally.greeted.load(Ordering::SeqCst) == self.size)
    }

    /// Deliveries count, beginning with this number.
    pub fn count_from(&self, number: i64) {
        self.tally.got.iter().for_each(|got| got.store(0, Ordering::SeqCst));
        self.tally.from.store(number, Ordering::SeqCst);
    }

    /// Waits until one more event may be sent.
    pub async fn room(&self) -> Result<()> {
        self.take(1).await
    }

    /// Waits until everybody has got everything.
    pub async fn all_arrived(&self) -> Result<()> {
        self.take(IN_FLIGHT).await?;
        self.tally.room.add_permits(IN_FLIGHT as usize);
        Ok(())
    }

    async fn take(&self, events: u32) -> Result<()> {
        let taken = timeout(PATIENCE, self.tally.room.acquire_many(events)).await;
        self.tally.check()?;
        taken.context("an event has not reached everybody")??.forget();
        Ok(())
    }

    /// One event as it came.
    pub fn sample(&self) -> Result<String> {
        let sample = self.tally.sample.lock().unwrap_or_else(PoisonError::into_inner);
        sample.clone().context("nothing has come")
    }
}

impl Tally {
    fn received(&self, number: i64) {
        if number < self.from.load(Ordering::Relaxed) {
            return;
        }
        let place = &self.got[number.unsigned_abs() as usize % self.got.len()];
        // Nobody counts here again before the event three after this one.
        if place.fetch_add(1, Ordering::AcqRel) + 1 == self.size.load(Ordering::Relaxed) {
            place.store(0, Ordering::Release);
            self.room.add_permits(1);
        }
    }

    fn greeted(&self, text: &str) {
        if self.greeted.fetch_add(1, Ordering::SeqCst) == 0 {
            let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
            *sample = Some(text.to_owned());
        }
    }

    fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        self.room.close();
    }

    fn check(&self) -> Result<()> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}

async fn listen(client: Client, tally: Arc<Tally>) {
    if let Err(error) = follow(client, &tally).await {
        tally.fail(error);
    }
}

async fn follow(mut client: Client, tally: &Tally) -> Result<()> {
    let mut last = None;
    loop {
        let text = client.text().await?;
        let number = number(text).ok_or_else(|| anyhow!("not an event: {text}"))?;
        match last {
            None => tally.greeted(text),
            Some(last) => ensure!(number == last + 1, "{number} came after {last}"),
        }
        last = Some(number);
        tally.received(number);
    }
}
