//! From a committed write to the frame that a client reads, on a node that has nothing else to do.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use axum::{
    Router,
    extract::ws::{Utf8Bytes, WebSocketUpgrade},
    routing::get,
};
use entity::station::StationId;
use futures_util::StreamExt;
use redis::AsyncCommands;
use serde_json::json;
use service::{
    clock::SystemClock,
    config::Config,
    ctx::{App, Ctx},
    event::{Event, feed::Feed, redis::Redis},
};
use tests::bench::{Case, Round};
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    POOL,
    client::Client,
    delays::p99,
    server::{PROTOCOL, READ_BUFFER, WRITE_BUFFER, listen_at_any, pass_on},
    source,
};
use crate::place::Place;

/// Between events.
const PAUSE: Duration = Duration::from_millis(5);
/// Until a subscription stands.
const REST: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(5);
const CHANNEL: &str = "bench";

pub struct Commit {
    place: Place,
    writer: Ctx,
    station: StationId,
    /// What the other servers pass on.
    text: String,
    capacity: i32,
    product: Watcher,
    raw: (Raw, Watcher),
    /// Dropped, it stops the node.
    _running: watch::Sender<bool>,
}

/// Reads frames and says when each came.
struct Watcher {
    arrivals: mpsc::UnboundedReceiver<Instant>,
    task: JoinHandle<Result<()>>,
}

/// The shortest way: bytes that are ready, to one socket.
enum Raw {
    Direct(broadcast::Sender<Utf8Bytes>),
    ByRedis(redis::aio::MultiplexedConnection),
}

impl Commit {
    /// One node that writes and serves; or one of each, and Redis between them.
    pub async fn boxed(by_redis: bool) -> Result<Box<dyn Case>> {
        let redis = by_redis.then(redis_url).transpose()?;
        let place =
            if by_redis { Place::postgres(POOL).await? } else { Place::sqlite(POOL).await? };
        let first = source::first(&place, "product").await?;
        let Event::StationChanged { after, .. } = &first.event else { bail!("not of a station") };
        let (station, text) = (after.id, serde_json::to_string(&first)?);
        let (writer, server) = match &redis {
            Some(url) => (node(&place, url).await?, node(&place, url).await?),
            None => (place.app.clone(), place.app.clone()),
        };
        let variables =
            [("BIKELEASE_DATABASE_URL", place.url.as_str()), ("BIKELEASE_DEMO", "false")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::load(None, variables.into_iter())?;
        let (running, stopping) = watch::channel(false);
        let address = listen_at_any(api::http::router(server, &config, stopping)).await?;
        let product = Watcher::start(address, "product").await?;
        let raw = raw(redis.as_deref()).await?;
        let writer = writer.system(first.tenant, "bench");
        let case =
            Self { place, writer, station, text, capacity: 30, product, raw, _running: running };
        Ok(Box::new(case))
    }

    async fn product(&mut self) -> Result<Duration> {
        self.capacity = if self.capacity == 30 { 31 } else { 30 };
        let input = source::resize(self.station, self.capacity);
        service::station::update(&self.writer, input).await?;
        let committed = Instant::now();
        Ok(self.product.next().await?.saturating_duration_since(committed))
    }

    async fn raw(&mut self) -> Result<Duration> {
        let (raw, watcher) = &mut self.raw;
        let text = self.text.clone();
        let sent = Instant::now();
        match raw {
            Raw::Direct(events) => {
                events.send(Utf8Bytes::from(text))?;
            }
            Raw::ByRedis(connection) => connection.publish::<_, _, ()>(CHANNEL, text).await?,
        }
        Ok(watcher.next().await?.saturating_duration_since(sent))
    }
}

#[async_trait]
impl Case for Commit {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let (began, mut delays) = (Instant::now(), Vec::new());
        while began.elapsed() < Duration::from_secs(round.seconds.into()) {
            delays.push(if round.side == 0 { self.product().await? } else { self.raw().await? });
            sleep(PAUSE).await;
        }
        Ok(p99(delays))
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.product.task.abort();
        self.raw.1.task.abort();
        self.place.check().await?;
        self.place.remove().await
    }
}

impl Watcher {
    async fn start(address: SocketAddr, tenant: &str) -> Result<Self> {
        let mut client = Client::subscribed(address, tenant, 1, &json!({})).await?;
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                client.text().await?;
                arrived.send(Instant::now())?;
            }
        });
        sleep(REST).await;
        Ok(Self { arrivals, task })
    }

    async fn next(&mut self) -> Result<Instant> {
        let arrived = timeout(PATIENCE, self.arrivals.recv()).await.context("nothing came")?;
        arrived.context("the connection has gone")
    }
}

fn redis_url() -> Result<String> {
    std::env::var("BIKELEASE_TEST_REDIS_URL").context("no Redis server: run this by `make bench`")
}

/// One of two nodes on the same database.
async fn node(place: &Place, redis: &str) -> Result<App> {
    let app = place.again(POOL).await?;
    let feed = Feed::new(app.db.clone());
    let bus = Arc::new(Redis::start(redis, feed.clone())?);
    feed.use_bus(bus.clone());
    Ok(App::new(app.db, Arc::new(SystemClock), app.keys, bus, feed))
}

async fn raw(redis: Option<&str>) -> Result<(Raw, Watcher)> {
    let (events, _) = broadcast::channel(64);
    let sender = events.clone();
    let socket = move |upgrade: WebSocketUpgrade| {
        let events = sender.subscribe();
        let upgrade = upgrade.protocols([PROTOCOL]);
        let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
        let answer =
            upgrade.on_upgrade(|socket| async { drop(pass_on(socket, events, false).await) });
        std::future::ready(answer)
    };
    let address = listen_at_any(Router::new().route("/graphql", get(socket))).await?;
    let raw = match redis {
        None => Raw::Direct(events),
        Some(url) => {
            let client = redis::Client::open(url)?;
            let mut heard = client.get_async_pubsub().await?;
            heard.subscribe(CHANNEL).await?;
            tokio::spawn(async move {
                let mut heard = heard.into_on_message();
                while let Some(message) = heard.next().await {
                    let Ok(text) = message.get_payload::<String>() else { return };
                    let _ = events.send(Utf8Bytes::from(text));
                }
            });
            Raw::ByRedis(client.get_multiplexed_async_connection().await?)
        }
    };
    Ok((raw, Watcher::start(address, "raw").await?))
}
