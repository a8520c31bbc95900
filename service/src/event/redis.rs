//! The bus between nodes: Redis Pub/Sub, one channel for each tenant.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use entity::{Id, tenant::TenantId};
use futures_util::StreamExt;
use redis::{Client, aio::ConnectionManager};
use tokio::{sync::mpsc, time::timeout};

use super::{Recorded, bus::Bus, feed::Feed};
use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(500);
/// What waits to be published while Redis is slow; beyond it, hints are dropped.
const QUEUE: usize = 4_096;

pub struct Redis {
    client: Client,
    outgoing: mpsc::Sender<(String, String)>,
    listening: mpsc::UnboundedSender<TenantId>,
}

impl Redis {
    /// Starts at once, whether or not Redis can be reached; it is connected in the background, again and again.
    pub fn start(url: &str, feed: Feed) -> Result<Self> {
        let client = Client::open(url).map_err(Error::internal)?;
        let (outgoing, publications) = mpsc::channel(QUEUE);
        let (listening, tenants) = mpsc::unbounded_channel();
        tokio::spawn(publish_all(client.clone(), publications));
        tokio::spawn(listen_for_ever(client.clone(), tenants, feed));
        Ok(Self { client, outgoing, listening })
    }
}

#[async_trait]
impl Bus for Redis {
    fn publish(&self, tenant: TenantId, events: &[Arc<Recorded>]) {
        let events: Vec<&Recorded> = events.iter().map(AsRef::as_ref).collect();
        let Ok(message) = serde_json::to_string(&events) else { return };
        if self.outgoing.try_send((channel(tenant), message)).is_err() {
            tracing::debug!("a hint was dropped: redis is slow or away");
        }
    }

    fn listen(&self, tenant: TenantId) {
        // Fails only while the process ends.
        let _ = self.listening.send(tenant);
    }

    async fn tell(&self, channel: &str, message: String) -> Result<()> {
        let tell = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            let publish = redis::cmd("PUBLISH").arg(channel).arg(message).to_owned();
            publish.query_async::<()>(&mut connection).await
        };
        match timeout(PATIENCE, tell).await {
            Ok(answer) => answer.map_err(|error| Error::Unavailable(error.into())),
            Err(late) => Err(Error::Unavailable(late.into())),
        }
    }

    async fn ping(&self) -> Result<()> {
        let ping = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            redis::cmd("PING").query_async::<()>(&mut connection).await
        };
        match timeout(PATIENCE, ping).await {
            Ok(answer) => answer.map_err(|error| Error::Unavailable(error.into())),
            Err(late) => Err(Error::Unavailable(late.into())),
        }
    }
}

fn channel(tenant: TenantId) -> String {
    format!("bikelease:{{{}}}:events", tenant.uuid().simple())
}

async fn publish_all(client: Client, mut publications: mpsc::Receiver<(String, String)>) {
    let mut connection: Option<ConnectionManager> = None;
    while let Some((channel, message)) = publications.recv().await {
        if connection.is_none() {
            connection =
                timeout(PATIENCE, client.get_connection_manager()).await.ok().and_then(Result::ok);
        }
        let Some(open) = connection.as_mut() else { continue };
        let publish = redis::cmd("PUBLISH").arg(channel).arg(message).to_owned();
        let sent = timeout(PATIENCE, publish.query_async::<()>(open)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::debug!("a hint was not published");
            connection = None;
        }
    }
}

async fn listen_for_ever(
    client: Client,
    mut tenants: mpsc::UnboundedReceiver<TenantId>,
    feed: Feed,
) {
    let mut wanted = HashSet::new();
    let mut failures = 0_u32;
    loop {
        let began = Instant::now();
        let Err(error) = listen_until_lost(&client, &mut tenants, &mut wanted, &feed).await else {
            return;
        };
        // Said once for each time that it goes away, not for each attempt.
        failures = if began.elapsed() > PATIENCE { 1 } else { failures + 1 };
        if failures == 1 {
            tracing::warn!(%error, "redis is away: events go through the table");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Ends well only when nobody can ask for another tenant: the process ends.
async fn listen_until_lost(
    client: &Client,
    tenants: &mut mpsc::UnboundedReceiver<TenantId>,
    wanted: &mut HashSet<TenantId>,
    feed: &Feed,
) -> redis::RedisResult<()> {
    let (mut sink, mut messages) = client.get_async_pubsub().await?.split();
    for tenant in wanted.iter() {
        sink.subscribe(channel(*tenant)).await?;
    }
    // Whatever was said while nobody listened is in the table.
    feed.check_heads();
    loop {
        tokio::select! {
            tenant = tenants.recv() => match tenant {
                Some(tenant) => {
                    wanted.insert(tenant);
                    sink.subscribe(channel(tenant)).await?;
                }
                None => return Ok(()),
            },
            message = messages.next() => {
                let Some(message) = message else {
                    return Err((redis::ErrorKind::Io, "subscription ended").into());
                };
                hear(feed, message.get_payload_bytes());
            }
        }
    }
}

fn hear(feed: &Feed, payload: &[u8]) {
    match serde_json::from_slice::<Vec<Recorded>>(payload) {
        Ok(events) => {
            let events: Vec<_> = events.into_iter().map(Arc::new).collect();
            if let Some(first) = events.first() {
                feed.offer(first.tenant, &events);
            }
        }
        Err(error) => tracing::warn!(%error, "a message on the bus cannot be read"),
    }
}
