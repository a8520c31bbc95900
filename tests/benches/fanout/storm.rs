//! Everybody comes back at once after a restart, each with the cursor that it had.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tests::bench::{Case, Round};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    POOL,
    client::Client,
    crowd::HANDSHAKES,
    hall::{Hall, Kind, line},
    process::{self, Process},
    source::{Source, number},
};
use crate::place::Place;

/// Events that nobody has got.
const MISSED: usize = 100;
/// And those that happen while everybody comes back.
const MEANWHILE: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(120);
const READS: &str = "bikelease_replay_reads_total ";

pub struct Storm {
    place: Place,
    sockets: usize,
    /// The product's, and that of the other server.
    sides: [(Kind, Source); 2],
}

impl Storm {
    pub async fn boxed(sockets: usize) -> Result<Box<dyn Case>> {
        process::allow_files(sockets).await?;
        let place = Place::sqlite(POOL).await?;
        let product = Hall::open(&place, Kind::Product, 1).await?;
        let bytes = product.bytes()?;
        let sides =
            [product.close().await?, (Kind::Raw(bytes), Source::create(&place, "raw").await?)];
        Ok(Box::new(Self { place, sockets, sides }))
    }
}

#[async_trait]
impl Case for Storm {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let (kind, source) = &mut self.sides[round.side];
        let variables = json!({"after": source.cursor(&self.place.app.keys)});
        let first = source.next_number();
        let mut past = Vec::new();
        for _ in 0..MISSED {
            past.push(line(kind, source.next().await?)?);
        }
        let mut server = match kind {
            Kind::Product => Process::spawn(&["product", &self.place.url, &source.slug]).await?,
            Kind::Raw(_) | Kind::Stock { .. } => Process::spawn(&["past"]).await?,
        };
        if let Kind::Raw(_) = kind {
            for line in past {
                server.tell(line).await?;
            }
            // Until it has read them.
            sleep(PAUSE).await;
        }
        let began = Instant::now();
        let back = timeout(PATIENCE, come_back(server.address, self.sockets, &variables, first));
        let meanwhile = async {
            for _ in 0..MEANWHILE {
                server.tell(line(kind, source.next().await?)?).await?;
                sleep(PAUSE).await;
            }
            anyhow::Ok(())
        };
        let (back, ()) =
            tokio::try_join!(async { back.await.context("not all came back")? }, meanwhile)?;
        let took = back - began;
        if let Kind::Product = kind {
            eprintln!("  the table was read {} times", reads(server.address).await?);
        }
        server.end().await?;
        Ok(took.as_secs_f64())
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.place.check().await?;
        self.place.remove().await
    }
}

/// When the last one has got the last event.
async fn come_back(
    address: SocketAddr,
    sockets: usize,
    variables: &Value,
    first: i64,
) -> Result<Instant> {
    let mut clients = JoinSet::new();
    let mut connected = stream::iter(0..sockets)
        .map(|number| Client::subscribed(address, "product", number, variables))
        .buffer_unordered(HANDSHAKES);
    while let Some(client) = connected.try_next().await.context("a client could not connect")? {
        clients.spawn(catch_up(client, first));
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    Ok(Instant::now())
}

/// Each number once and in order.
async fn catch_up(mut client: Client, first: i64) -> Result<Client> {
    for expected in (first..).take(MISSED + MEANWHILE) {
        let text = client.text().await?;
        let number = number(text).with_context(|| format!("not an event: {text}"))?;
        ensure!(number == expected, "{number} came in place of {expected}");
    }
    // Stays open until everybody has come back.
    Ok(client)
}

async fn reads(address: SocketAddr) -> Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let line = answer.lines().find_map(|line| line.strip_prefix(READS));
    Ok(line.context("no count of reads")?.trim().parse()?)
}
