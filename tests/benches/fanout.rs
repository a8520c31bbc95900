//! One event to many sockets, beside axum's WebSocket that broadcasts bytes which are ready.

mod boards;
mod client;
mod commit;
mod crowd;
mod delays;
mod hall;
mod idle;
mod process;
mod server;
mod source;
mod stock;
mod storm;

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use tests::bench::{Better, Case, Round, Spec};

use crate::place::Place;
use boards::Boards;
use commit::Commit;
use hall::{Hall, Kind};
use idle::Idle;
pub use server::{ARGUMENT, serve};
use storm::Storm;

const POOL: u32 = 4;
/// Events that are under way at once: the next is recorded when everybody has got the one so many before.
const IN_FLIGHT: u32 = 3;
const SIDES: &[&str] = &["bikelease", RAW];
const ALL_SIDES: &[&str] =
    &["bikelease", RAW, "async-graphql's websocket", "the same with a small read buffer"];
const RAW: &str = "axum's WebSocket, the same bytes";

pub const SPECS: &[Spec] = &[
    Spec {
        name: "fan-out/1000-sockets",
        unit: "deliveries/s",
        better: Better::Higher,
        sides: ALL_SIDES,
        start: |_| Box::pin(async { FanOut::boxed(4, 1_000, Figure::PerSecond).await }),
    },
    Spec {
        name: "fan-out/5000-sockets",
        unit: "deliveries/s",
        better: Better::Higher,
        sides: SIDES,
        start: |_| Box::pin(async { FanOut::boxed(2, 5_000, Figure::PerSecond).await }),
    },
    Spec {
        name: "fan-out/cpu-1000-sockets",
        unit: "CPU s/million deliveries",
        better: Better::Lower,
        sides: ALL_SIDES,
        start: |_| Box::pin(async { FanOut::boxed(4, 1_000, Figure::Cpu).await }),
    },
    Spec {
        name: "fan-out/cpu-5000-sockets",
        unit: "CPU s/million deliveries",
        better: Better::Lower,
        sides: SIDES,
        start: |_| Box::pin(async { FanOut::boxed(2, 5_000, Figure::Cpu).await }),
    },
    Spec {
        name: "fan-out/200-boards",
        unit: "ms, 99th percentile",
        better: Better::Lower,
        sides: SIDES,
        start: |_| Box::pin(async { Boards::boxed(200, 25).await }),
    },
    Spec {
        name: "fan-out/commit-to-frame",
        unit: "ms, 99th percentile",
        better: Better::Lower,
        sides: SIDES,
        start: |_| Box::pin(async { Commit::boxed(false).await }),
    },
    Spec {
        name: "fan-out/commit-to-frame-by-redis",
        unit: "ms, 99th percentile",
        better: Better::Lower,
        sides: SIDES,
        start: |_| Box::pin(async { Commit::boxed(true).await }),
    },
    Spec {
        name: "fan-out/10000-come-back",
        unit: "s",
        better: Better::Lower,
        sides: SIDES,
        start: |_| Box::pin(async { Storm::boxed(10_000).await }),
    },
    Spec {
        name: "fan-out/memory-per-idle-socket",
        unit: "KiB",
        better: Better::Lower,
        sides: ALL_SIDES,
        start: |_| Box::pin(async { Idle::boxed(5_000).await }),
    },
];

enum Figure {
    PerSecond,
    /// Of the server, in seconds, for a million deliveries.
    Cpu,
}

/// Servers, each with its sockets, which stay open from round to round.
struct FanOut {
    place: Place,
    halls: Vec<Hall>,
    figure: Figure,
}

impl FanOut {
    async fn boxed(sides: usize, sockets: usize, figure: Figure) -> Result<Box<dyn Case>> {
        process::allow_files(sides * sockets).await?;
        let place = Place::sqlite(POOL).await?;
        let product = Hall::open(&place, Kind::Product, sockets).await?;
        let others = hall::others(product.bytes()?);
        let mut halls = vec![product];
        for kind in others.into_iter().take(sides - 1) {
            halls.push(Hall::open(&place, kind, sockets).await?);
        }
        Ok(Box::new(Self { place, halls, figure }))
    }
}

#[async_trait]
impl Case for FanOut {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let time = Duration::from_secs(round.seconds.into());
        let done = self.halls[round.side].saturate(time).await?;
        Ok(match self.figure {
            Figure::PerSecond => done.deliveries / done.took.as_secs_f64(),
            Figure::Cpu => done.cpu.as_secs_f64() / done.deliveries * 1e6,
        })
    }

    async fn end(self: Box<Self>) -> Result<()> {
        for hall in self.halls {
            hall.close().await?;
        }
        self.place.check().await?;
        self.place.remove().await
    }
}
