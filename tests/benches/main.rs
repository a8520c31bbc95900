//! What the product reaches, each beside a plain limit: `make bench`, or `make bench CASE=rentals` for some.

mod cell;
mod import;
mod place;
mod rentals;

use anyhow::Result;
use tests::bench::{self, Options};

/// As the product is built.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    let Some(options) = Options::read(std::env::args())? else { return Ok(()) };
    let specs: Vec<_> = [rentals::SPECS, import::SPECS].concat();
    bench::run(&specs, &options).await
}
