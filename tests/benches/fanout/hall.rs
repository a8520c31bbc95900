//! One server with its clients, and the events that it passes on to them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use service::event::Recorded;
use tokio::time::sleep;

use super::{
    crowd::Crowd,
    process::Process,
    source::{Bytes, Source},
};
use crate::place::Place;

/// Between events that only ask whether everybody listens.
const PAUSE: Duration = Duration::from_millis(100);
/// How many of them.
const GREETINGS: usize = 300;

pub struct Hall {
    kind: Kind,
    process: Process,
    pub source: Source,
    crowd: Crowd,
}

/// Whose server it is.
pub enum Kind {
    Product,
    /// Broadcasts these.
    Raw(Bytes),
    /// The product's schema behind async-graphql's websocket; with a small read buffer.
    Stock {
        is_small: bool,
    },
}

impl Kind {
    /// Of its tenant.
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Raw(_) => "raw",
            Self::Stock { is_small: false } => "stock",
            Self::Stock { is_small: true } => "stock-small",
        }
    }
}

/// What the product is compared with.
pub fn others(bytes: Bytes) -> [Kind; 3] {
    [Kind::Raw(bytes), Kind::Stock { is_small: false }, Kind::Stock { is_small: true }]
}

/// What was done in a while.
pub struct Done {
    pub deliveries: f64,
    pub took: Duration,
    /// Of the server.
    pub cpu: Duration,
}

impl Hall {
    /// With a tenant of its own, and with all clients listening.
    pub async fn open(place: &Place, kind: Kind, clients: usize) -> Result<Self> {
        let source = Source::create(place, kind.slug()).await?;
        let mut hall = Self::with(place, kind, source).await?;
        hall.grow(clients).await?;
        Ok(hall)
    }

    /// Without clients.
    pub async fn with(place: &Place, kind: Kind, source: Source) -> Result<Self> {
        let process = match kind {
            Kind::Product => Process::spawn(&["product", &place.url, &source.slug]).await?,
            Kind::Raw(_) => Process::spawn(&["raw"]).await?,
            Kind::Stock { is_small } => {
                let how = if is_small { "stock-small" } else { "stock" };
                Process::spawn(&[how, &place.url, &source.slug]).await?
            }
        };
        Ok(Self { kind, process, source, crowd: Crowd::empty() })
    }

    /// Returns when everybody listens and has got all that was sent meanwhile.
    pub async fn grow(&mut self, clients: usize) -> Result<()> {
        self.crowd.grow(clients, self.process.address, &self.source.slug).await?;
        for _ in 0..GREETINGS {
            if self.crowd.is_listening()? {
                self.crowd.count_from(self.source.next_number());
                self.crowd.room().await?;
                self.send().await?;
                return self.crowd.all_arrived().await;
            }
            self.send().await?;
            sleep(PAUSE).await;
        }
        self.crowd.is_listening()?;
        ensure!(false, "not everybody listens");
        Ok(())
    }

    async fn send(&mut self) -> Result<()> {
        let event = self.source.next().await?;
        let line = line(&self.kind, event)?;
        self.process.tell(line).await
    }

    /// As many events as can be in this time.
    pub async fn saturate(&mut self, time: Duration) -> Result<Done> {
        let (began, before, mut events) = (Instant::now(), self.process.cpu().await?, 0_u32);
        while began.elapsed() < time {
            self.crowd.room().await?;
            self.send().await?;
            events += 1;
        }
        self.crowd.all_arrived().await?;
        let (took, after) = (began.elapsed(), self.process.cpu().await?);
        let deliveries = f64::from(events) * self.crowd.size() as f64;
        Ok(Done { deliveries, took, cpu: after.saturating_sub(before) })
    }

    /// KiB of the server's memory.
    pub async fn resident(&self) -> Result<f64> {
        self.process.resident().await
    }

    /// What the product's clients get, for the other server.
    pub fn bytes(&self) -> Result<Bytes> {
        Bytes::of(&self.crowd.sample()?)
    }

    /// Gives back what can be used again.
    pub async fn close(self) -> Result<(Kind, Source)> {
        self.crowd.is_listening()?;
        drop(self.crowd);
        self.process.end().await?;
        Ok((self.kind, self.source))
    }
}

/// What a server is told of an event.
pub fn line(kind: &Kind, event: &Recorded) -> Result<String> {
    Ok(match kind {
        Kind::Product | Kind::Stock { .. } => serde_json::to_string(event)?,
        Kind::Raw(bytes) => bytes.with(event.seq),
    })
}
