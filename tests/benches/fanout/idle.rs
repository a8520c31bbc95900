//! What a subscription that waits for events holds in the server's memory.

use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use tests::bench::{Case, Round};
use tokio::time::sleep;

use super::{
    POOL,
    hall::{self, Hall, Kind},
    process,
    source::Source,
};
use crate::place::Place;

/// Sockets that come first, so that what is made once for all of them is there.
const FIRST: usize = 100;
/// Until a server has given back what it needed for the handshakes.
const REST: Duration = Duration::from_secs(2);

pub struct Idle {
    place: Place,
    sockets: usize,
    /// Each round has a new server.
    sides: Vec<Option<(Kind, Source)>>,
}

impl Idle {
    pub async fn boxed(sockets: usize) -> Result<Box<dyn Case>> {
        process::allow_files(sockets + FIRST).await?;
        let place = Place::sqlite(POOL).await?;
        let product = Hall::open(&place, Kind::Product, 1).await?;
        let bytes = product.bytes()?;
        let product = product.close().await?;
        let mut sides = vec![Some(product)];
        for kind in hall::others(bytes) {
            let source = Source::create(&place, kind.slug()).await?;
            sides.push(Some((kind, source)));
        }
        Ok(Box::new(Self { place, sockets, sides }))
    }
}

#[async_trait]
impl Case for Idle {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let side = self.sides[round.side].take();
        let (kind, source) = side.context("the round before has failed")?;
        let mut hall = Hall::with(&self.place, kind, source).await?;
        hall.grow(FIRST).await?;
        sleep(REST).await;
        let before = hall.resident().await?;
        hall.grow(FIRST + self.sockets).await?;
        sleep(REST).await;
        let kib = (hall.resident().await? - before) / self.sockets as f64;
        self.sides[round.side] = Some(hall.close().await?);
        Ok(kib)
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.place.check().await?;
        self.place.remove().await
    }
}
