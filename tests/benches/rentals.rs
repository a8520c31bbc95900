//! Rentals per second, each a start and an end: the use cases on SQLite and on PostgreSQL, and beside each what sends the same SQL without them.

use std::time::Duration;

use anyhow::{Result, ensure};

#[path = "rentals/bare.rs"]
mod bare;
#[path = "rentals/fleet.rs"]
mod fleet;
#[path = "rentals/pgbench.rs"]
mod pgbench;
#[path = "rentals/place.rs"]
mod place;
#[path = "rentals/product.rs"]
mod product;
#[path = "rentals/report.rs"]
mod report;
#[path = "rentals/script.rs"]
mod script;

use fleet::Fleet;
use place::Place;
use report::Figures;

/// As the product is built.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tasks of the product, clients of pgbench, and connections of each.
const TASKS: u32 = 16;
const ROUNDS: u32 = 3;
const ROUND: Duration = Duration::from_secs(5);
const WARM_UP: Duration = Duration::from_secs(2);

/// One database with two fleets: the product rents in the first, plain SQL in the second.
struct Side {
    place: Place,
    product: Fleet,
    plain: Fleet,
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --all-targets` only asks whether it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let sqlite = side(Place::sqlite().await?).await?;
    let postgres = side(Place::postgres().await?).await?;
    let mut figures = Figures::default();
    round(&sqlite, &postgres, 0, WARM_UP).await?;
    for number in 1..=ROUNDS {
        figures.add(round(&sqlite, &postgres, number, ROUND).await?);
    }
    report::print(&figures, &sqlite.place, &postgres.place).await?;
    for side in [sqlite, postgres] {
        check(&side.place).await?;
        side.place.remove().await?;
    }
    Ok(())
}

async fn side(place: Place) -> Result<Side> {
    let product = fleet::create(&place.app, "product").await?;
    let plain = fleet::create(&place.app, "plain").await?;
    fleet::describe(&place.app, &plain).await?;
    Ok(Side { place, product, plain })
}

/// Each for as long, one after the other.
async fn round(
    sqlite: &Side,
    postgres: &Side,
    number: u32,
    time: Duration,
) -> Result<[f64; report::NAMES.len()]> {
    let on_sqlite = product::per_second(&sqlite.product, time).await?;
    let by_loop = bare::per_second(&sqlite.place, &sqlite.plain, number, time).await?;
    postgres.place.tidy().await?;
    let on_postgres = product::per_second(&postgres.product, time).await?;
    postgres.place.tidy().await?;
    let by_pgbench = pgbench::per_second(&postgres.place, number, time).await?;
    let figures = [on_sqlite, by_loop, on_postgres, by_pgbench];
    report::progress(number, &figures);
    Ok(figures)
}

/// Whoever was fast must have been right.
async fn check(place: &Place) -> Result<()> {
    for finding in service::invariant::check(&place.app).await? {
        ensure!(finding.count == 0, "{}: {} is broken: {}", place.url, finding.name, finding.what);
    }
    Ok(())
}
