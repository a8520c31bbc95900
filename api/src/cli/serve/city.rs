//! `serve --replay`: the demo fleet moves like the city that it was recorded in.

use std::{sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result, bail};
use chrono::NaiveDateTime;
use clap::Args;
use service::{
    config::{Config, Environment},
    replay::{Prepared, Replay, Speed, Tally, UseCase},
};
use tokio::sync::watch;

use crate::{cli::replay::speed, node::Node};

/// Bikes in hand at once: a city on a laptop.
const LANES: usize = 4;
const SAID_EVERY: Duration = Duration::from_secs(60);

#[derive(Args)]
#[group(id = "city")]
pub struct Options {
    /// Let the recorded trips happen, so many times faster than they did; never in production
    #[arg(long, value_name = "TIMES", value_parser = speed::times)]
    replay: Option<f64>,
    /// Where in the records to begin, by San Francisco's clocks, such as 2014-09-03T07:00 [default: the first trip]
    #[arg(long, value_name = "TIME", value_parser = speed::moment, requires = "replay")]
    replay_from: Option<NaiveDateTime>,
}

impl Options {
    pub fn any(&self) -> bool {
        self.replay.is_some() || self.replay_from.is_some()
    }

    pub fn replay(&self, config: &Config) -> Result<Option<Replay>> {
        let Some(times) = self.replay else { return Ok(None) };
        if config.env == Environment::Production {
            bail!("--replay makes rentals that nobody rides; it is refused in production");
        }
        if !config.demo {
            bail!("--replay needs the demo fleet, and BIKELEASE_DEMO is false");
        }
        let replay = Replay { speed: Speed::Times(times), from: self.replay_from, lanes: LANES };
        replay.check().context("--replay-from")?;
        Ok(Some(replay))
    }
}

/// Runs beside the server until that stops.
pub async fn start(node: &Node, replay: Replay, stop: watch::Receiver<bool>) -> Result<()> {
    let prepared = replay.prepare(&node.app, None).await.context("cannot begin the replay")?;
    tokio::spawn(run(prepared, stop));
    Ok(())
}

async fn run(prepared: Prepared, mut stop: watch::Receiver<bool>) {
    let tally = prepared.tally();
    let mut running = Box::pin(prepared.run(stop.clone()));
    loop {
        tokio::select! {
            ended = &mut running => {
                if let Err(error) = ended {
                    tracing::warn!(?error, "the replay did not end well");
                }
                return say(&tally);
            }
            _ = tokio::time::sleep(SAID_EVERY), if !*stop.borrow_and_update() => say(&tally),
        }
    }
}

/// Nothing that a van or a refusal did is hidden.
fn say(tally: &Tally) {
    let refused: Vec<String> = tally
        .cases()
        .iter()
        .flat_map(|case| {
            case.refused.iter().map(|(code, count)| format!("{} {code} {count}", case.case.name()))
        })
        .collect();
    tracing::info!(
        started = tally.count(UseCase::StartRental),
        ended = tally.count(UseCase::EndRental),
        brought = tally.brought.load(Ordering::Relaxed),
        cleared = tally.cleared.load(Ordering::Relaxed),
        skipped = tally.skipped.load(Ordering::Relaxed),
        refused = refused.join(", "),
        "the replay goes on"
    );
}
