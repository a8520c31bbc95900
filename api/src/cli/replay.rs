//! `bikelease replay`: the recorded city as a load on the configured database.

pub mod speed;
mod table;

use std::{
    io::{Write, stdout},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use chrono::NaiveDateTime;
use clap::Args;
use service::{
    config::{Config, Environment},
    replay::{Done, Listener, Prepared, Replay, Speed, Tally, UseCase},
    seed,
};
use tokio::sync::watch;

use crate::{http::shutdown, node::Node};

const SAID_EVERY: Duration = Duration::from_secs(5);

/// Lets recorded trips happen on the demo fleet, as a load on the database
#[derive(Args)]
#[command(after_help = "\
The same trips and use cases as `serve --replay`, without HTTP. Loads the demo where it is
missing, and ends every ride that it began. A node that serves the same database sees what
happens, on SQLite within a second. Refused in production.

Example:
  bikelease replay --speed max --for 60s")]
pub struct Options {
    /// So many times faster than it was, or `max`: one trip after the other
    #[arg(long, default_value = "60", value_name = "TIMES|max", value_parser = speed::any)]
    speed: Speed,
    /// How long, such as 60s or 5m
    #[arg(long = "for", default_value = "60s", value_name = "TIME", value_parser = speed::time)]
    time: Duration,
    /// Where in the records to begin, by San Francisco's clocks, such as 2014-09-03T07:00 [default: the first trip]
    #[arg(long, value_name = "TIME", value_parser = speed::moment)]
    from: Option<NaiveDateTime>,
    /// How many trips are in hand at once
    #[arg(long, default_value_t = 16, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    at_once: u16,
    /// Print each rental when its start or end is acknowledged
    #[arg(long)]
    each: bool,
}

pub async fn run(node: &Node, config: &Config, options: Options) -> Result<ExitCode> {
    if config.env == Environment::Production {
        bail!("a replay makes rentals that nobody rides; it is refused in production");
    }
    let lanes = usize::from(options.at_once);
    let replay = Replay { speed: options.speed, from: options.from, lanes };
    replay.check().context("--from")?;
    node.make_ready(config).await?;
    seed::demo(&node.app).await?;
    let listener: Option<Listener> = options.each.then(|| Arc::new(print) as Listener);
    let prepared = replay.prepare(&node.app, listener).await?;
    let (tally, began) = (prepared.tally(), Instant::now());
    let took = load(prepared, &tally, options.time).await?;
    table::print(&tally, took);
    eprintln!("ended after {:.1} s", began.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// For as long as was asked, or until somebody stops it; gives how long it was under load.
async fn load(prepared: Prepared, tally: &Tally, time: Duration) -> Result<Duration> {
    let (sender, stop) = watch::channel(false);
    let began = Instant::now();
    let mut running = tokio::spawn(prepared.run(stop));
    let mut over = Box::pin(async {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = shutdown::requested() => {}
        }
    });
    loop {
        tokio::select! {
            ended = &mut running => {
                ended??;
                return Ok(began.elapsed());
            }
            () = &mut over => break,
            () = tokio::time::sleep(SAID_EVERY) => say(tally, began.elapsed()),
        }
    }
    let took = began.elapsed();
    sender.send_replace(true);
    running.await??;
    Ok(took)
}

fn say(tally: &Tally, since: Duration) {
    let ended = tally.count(UseCase::EndRental);
    let rate = ended as f64 / since.as_secs_f64();
    eprintln!("{ended} rentals after {} s, {rate:.0} rentals/s", since.as_secs());
}

/// At once and whole, so that who reads it knows of every rental even when this process is killed.
fn print(done: Done) {
    let line = match done {
        Done::Started(rental) => format!("started {rental}\n"),
        Done::Ended(rental) => format!("ended {rental}\n"),
    };
    let mut out = stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}
