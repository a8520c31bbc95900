//! What the product reaches, each beside a plain limit: `make bench`, or `make bench CASE=rentals` for some.

mod cell;
mod fanout;
mod import;
mod isolation;
mod ledger;
mod place;
mod rentals;

use anyhow::{Result, bail};
use tests::bench::{self, Options};
use tokio::signal::unix::{SignalKind, signal};

/// As the product is built.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(fanout::ARGUMENT) {
        return fanout::serve(arguments).await;
    }
    let Some(options) = Options::read(std::env::args())? else { return Ok(()) };
    let specs: Vec<_> =
        [rentals::SPECS, import::SPECS, fanout::SPECS, isolation::SPECS, ledger::SPECS].concat();
    // What is under way when somebody stops this is dropped, and takes its files along.
    tokio::select! {
        done = bench::run(&specs, &options) => done,
        stopped = stopped() => bail!("stopped by {}", stopped?),
    }
}

async fn stopped() -> Result<&'static str> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok("Ctrl-C"),
        _ = terminated.recv() => Ok("a signal"),
    }
}
