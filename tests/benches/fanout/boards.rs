//! Many different boards, one for each station: how long an event takes to those who watch its station.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use axum::{
    Router,
    extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    routing::get,
};
use entity::station::StationId;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tests::bench::{Case, Round};
use tokio::{
    sync::{broadcast, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    POOL,
    client::Client,
    crowd::HANDSHAKES,
    delays::{Delays, p99},
    hall::{Hall, Kind, line},
    process::{self, Process},
    server::{ACK, PROTOCOL, READ_BUFFER, WRITE_BUFFER, each_line, listen, pass_on},
    source::{Source, number},
};
use crate::place::Place;

/// Events each second.
const RATE: u32 = 500;
/// Until the subscriptions of all stand, and until what was sent has come.
const REST: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Boards {
    place: Place,
    stations: Vec<StationId>,
    watchers: usize,
    sides: [Side; 2],
}

struct Side {
    kind: Kind,
    source: Source,
    server: Process,
    delays: Arc<Delays>,
    /// Says how long each delivery took.
    arrivals: mpsc::UnboundedReceiver<Duration>,
    clients: JoinSet<Result<()>>,
}

impl Boards {
    pub async fn boxed(stations: usize, watchers: usize) -> Result<Box<dyn Case>> {
        process::allow_files(2 * stations * watchers).await?;
        let place = Place::sqlite(POOL).await?;
        let product = Hall::open(&place, Kind::Product, 1).await?;
        let raw = Kind::Raw(product.bytes()?);
        let (product, mut source) = product.close().await?;
        let ids = source.stations(&place, stations).await?;
        source.skip(&place).await?;
        let other = Source::create(&place, raw.slug()).await?;
        let sides = [
            Side::open(&place, (product, source), &ids, watchers).await?,
            Side::open(&place, (raw, other), &ids, watchers).await?,
        ];
        Ok(Box::new(Self { place, stations: ids, watchers, sides }))
    }
}

impl Side {
    async fn open(
        place: &Place,
        (kind, source): (Kind, Source),
        stations: &[StationId],
        watchers: usize,
    ) -> Result<Self> {
        let server = match kind {
            Kind::Product => Process::spawn(&["product", &place.url, &source.slug]).await?,
            Kind::Raw(_) | Kind::Stock { .. } => Process::spawn(&["boards"]).await?,
        };
        let (delays, (arrived, arrivals)) =
            (Arc::new(Delays::default()), mpsc::unbounded_channel());
        let mut clients = JoinSet::new();
        let mut connected = stream::iter(0..stations.len() * watchers)
            .map(|number| {
                let station = stations[number % stations.len()].to_string();
                let variables = json!({"stations": [station]});
                let (address, slug) = (server.address, source.slug.clone());
                async move { Client::subscribed(address, &slug, number, &variables).await }
            })
            .buffer_unordered(HANDSHAKES);
        let apart = i64::try_from(stations.len())?;
        while let Some(client) = connected.try_next().await.context("a client could not connect")? {
            clients.spawn(watch(client, apart, (Arc::clone(&delays), arrived.clone())));
        }
        drop(connected);
        sleep(REST).await;
        Ok(Self { kind, source, server, delays, arrivals, clients })
    }

    /// Each station in its turn.
    async fn send(&mut self, stations: &[StationId], events: u32) -> Result<()> {
        let mut ticks = interval(Duration::from_secs(1) / RATE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for station in stations.iter().cycle().take(events as usize) {
            ticks.tick().await;
            let event = self.source.next_of(*station).await?;
            let (number, mut line) = (event.seq, line(&self.kind, event)?);
            if let Kind::Raw(_) = self.kind {
                line = format!("{station} {line}");
            }
            self.delays.sent(number);
            self.server.tell(line).await?;
        }
        Ok(())
    }

    async fn arrived(&mut self, deliveries: usize) -> Result<Vec<Duration>> {
        let mut delays = Vec::with_capacity(deliveries);
        while delays.len() < deliveries {
            tokio::select! {
                Some(delay) = self.arrivals.recv() => delays.push(delay),
                Some(failed) = self.clients.join_next() => failed??,
                else => break,
            }
        }
        Ok(delays)
    }
}

#[async_trait]
impl Case for Boards {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let side = &mut self.sides[round.side];
        // All stations equally often, so that each board knows which number comes next.
        let stations = u32::try_from(self.stations.len())?;
        let events = (RATE * round.seconds).next_multiple_of(stations);
        side.send(&self.stations, events).await?;
        let deliveries = events as usize * self.watchers;
        let delays =
            timeout(PATIENCE, side.arrived(deliveries)).await.context("something was lost")??;
        Ok(p99(delays))
    }

    async fn end(self: Box<Self>) -> Result<()> {
        for side in self.sides {
            drop(side.clients);
            side.server.end().await?;
        }
        self.place.check().await?;
        self.place.remove().await
    }
}

/// Each number of the station once and in order.
async fn watch(
    mut client: Client,
    apart: i64,
    (delays, arrived): (Arc<Delays>, mpsc::UnboundedSender<Duration>),
) -> Result<()> {
    let mut last = None;
    loop {
        let text = client.text().await?;
        let number = number(text).with_context(|| format!("not an event: {text}"))?;
        if let Some(last) = last.replace(number) {
            ensure!(number == last + apart, "{number} came after {last}");
        }
        arrived.send(delays.since(number))?;
    }
}

type Channels = Arc<Mutex<HashMap<String, broadcast::Sender<Utf8Bytes>>>>;

/// The limit: for each station those who watch it, and the bytes that they get.
pub async fn serve() -> Result<()> {
    let channels = Channels::default();
    let known = Arc::clone(&channels);
    let socket = move |upgrade: WebSocketUpgrade| {
        let known = Arc::clone(&known);
        let upgrade = upgrade.protocols([PROTOCOL]);
        let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
        std::future::ready(upgrade.on_upgrade(|socket| async { drop(follow(socket, known).await) }))
    };
    listen(Router::new().route("/graphql", get(socket))).await?;
    each_line(move |line| {
        let (station, text) = line.split_once(' ').context("an event of no station")?;
        let _ = channel(&channels, station).send(Utf8Bytes::from(text));
        Ok(())
    })
    .await
}

async fn follow(mut socket: WebSocket, channels: Channels) -> Result<()> {
    socket.recv().await.context("the client has gone")??;
    socket.send(Message::Text(ACK.into())).await?;
    let asked = socket.recv().await.context("the client has gone")??;
    let asked: Value = serde_json::from_str(asked.to_text()?)?;
    let station = asked["payload"]["variables"]["stations"][0].as_str().context("no station")?;
    let events = channel(&channels, station).subscribe();
    pass_on(socket, events, true).await
}

fn channel(channels: &Channels, station: &str) -> broadcast::Sender<Utf8Bytes> {
    let mut channels = channels.lock().unwrap_or_else(PoisonError::into_inner);
    channels.entry(station.to_owned()).or_insert_with(|| broadcast::channel(64).0).clone()
}
