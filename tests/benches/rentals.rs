//! Rentals per second, each a start and an end, for riders of one tenant and of fifty.

mod bare;
mod comparison;
pub mod fleet;
pub mod pgbench;
pub mod product;
mod script;

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use tests::bench::{Better, Case, Round, Spec};

use crate::place::Place;
use bare::Commits;
use fleet::Fleet;

/// Riders, who all ride at once: tasks of the product, clients of pgbench, and connections of each.
pub const SEATS: u32 = 50;

const UNIT: &str = "rentals/s";
const ON_SQLITE: &[&str] = &[
    "bikelease",
    "a loop over one connection, the same SQL",
    "the loop with one commit for 50 rentals",
];
const ON_POSTGRES: &[&str] = &["bikelease", "pgbench, the same SQL"];

pub const SPECS: &[Spec] = &[
    Spec {
        name: "rentals/sqlite/1-tenant",
        unit: UNIT,
        better: Better::Higher,
        sides: ON_SQLITE,
        start: |_| Box::pin(async { Rentals::boxed(Place::sqlite(SEATS).await?, 1).await }),
    },
    Spec {
        name: "rentals/sqlite/50-tenants",
        unit: UNIT,
        better: Better::Higher,
        sides: ON_SQLITE,
        start: |_| Box::pin(async { Rentals::boxed(Place::sqlite(SEATS).await?, SEATS).await }),
    },
    Spec {
        name: "rentals/postgres/1-tenant",
        unit: UNIT,
        better: Better::Higher,
        sides: ON_POSTGRES,
        start: |_| Box::pin(async { Rentals::boxed(Place::postgres(SEATS).await?, 1).await }),
    },
    Spec {
        name: "rentals/postgres/50-tenants",
        unit: UNIT,
        better: Better::Higher,
        sides: ON_POSTGRES,
        start: |_| Box::pin(async { Rentals::boxed(Place::postgres(SEATS).await?, SEATS).await }),
    },
];

/// One database with two fleets: the product rents in the first, plain SQL in the second.
struct Rentals {
    place: Place,
    product: Fleet,
    plain: Fleet,
}

impl Rentals {
    async fn boxed(place: Place, tenants: u32) -> Result<Box<dyn Case>> {
        let product = fleet::create(&place.app, "product", tenants).await?;
        let plain = fleet::create(&place.app, "plain", tenants).await?;
        fleet::describe(&place.app, &plain).await?;
        if let (false, Some(seat)) = (place.is_sqlite(), product.seats.first()) {
            comparison::check(&place, seat).await?;
        }
        Ok(Box::new(Self { place, product, plain }))
    }
}

#[async_trait]
impl Case for Rentals {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let time = Duration::from_secs(round.seconds.into());
        self.place.tidy().await?;
        match (round.side, self.place.is_sqlite()) {
            (0, _) => product::per_second(&self.product, time).await,
            (side, true) => {
                let commits = if side == 1 { Commits::Each } else { Commits::Together };
                // Both sides make ids, which have to differ.
                let round = round.number * 2 + u32::from(side == 1);
                bare::per_second(&self.place, &self.plain, (round, time), commits).await
            }
            (_, false) => {
                pgbench::per_second(&self.place, pgbench::SCRIPT, round.number, time).await
            }
        }
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.place.check().await?;
        self.place.remove().await
    }
}
