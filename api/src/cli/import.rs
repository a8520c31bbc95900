//! `bikelease import`: what another system has recorded.

mod progress;
mod summary;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use service::{
    bayarea,
    config::Config,
    import::{self, Import, ImportError},
    records::Source,
};

use super::explain;
use crate::node::Node;
use progress::Progress;

/// What a shell gives to a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Brings in what another system has recorded
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease import bayarea --stations stations.csv --trips trips.csv.gz")]
pub struct Options {
    #[command(subcommand)]
    records: Records,
}

#[derive(Subcommand)]
enum Records {
    Bayarea(BayArea),
}

/// Brings in Bay Area Bike Share's trips as ended rentals
#[derive(Args)]
#[command(after_help = "\
Both files may be gzipped. Each trip comes in once: run it again and it adds what is missing,
also after it was interrupted. Imported rentals are marked so (`importedFrom`), move no money
and make no events; each vehicle makes one, where its last ride left it.

Lines with a flaw are left out and listed; then it ends with 0, and with 1 where a file broke
off. With --strict it takes nothing and ends with 1.

Example:
  bikelease import bayarea --stations stations.csv --trips trips.csv.gz --tenant bayarea")]
struct BayArea {
    /// Stations as CSV: station_id, name, lat, long, dock_count, landmark, install_date [default: built in]
    #[arg(long, value_name = "PATH")]
    stations: Option<PathBuf>,
    /// Trips as CSV: trip_id, duration (seconds), start_date and end_date (RFC 3339), start_terminal, end_terminal, bike_id, subscription_type, zip_code [default: September 2014, built in]
    #[arg(long, value_name = "PATH")]
    trips: Option<PathBuf>,
    /// Whose they become, by slug; made when there is no such tenant
    #[arg(long, default_value = bayarea::TENANT, value_name = "SLUG")]
    tenant: String,
    /// Take nothing when a line has a flaw
    #[arg(long)]
    strict: bool,
}

pub async fn run(node: &Node, config: &Config, options: Options) -> Result<ExitCode> {
    let Records::Bayarea(files) = options.records;
    node.make_ready(config).await?;
    let import = Import {
        tenant: files.tenant,
        stations: files.stations.map_or(bayarea::STATIONS, Source::Path),
        trips: files.trips.map_or(bayarea::TRIPS, Source::Path),
        strict: files.strict,
    };
    let (began, progress) = (Instant::now(), Progress::start());
    let tell = |step| progress.tell(step);
    let outcome = tokio::select! {
        outcome = import::bayarea(&node.app, import, &tell) => outcome,
        _ = tokio::signal::ctrl_c() => {
            progress.end();
            eprintln!("interrupted; run the same command again and it goes on");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    progress.end();
    match outcome {
        Ok(report) => {
            summary::print(&report, began.elapsed());
            Ok(if report.rejects.cut_short { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Err(ImportError::Flawed(rejects)) => {
            summary::print_rejects(&rejects);
            bail!("nothing was imported, because of --strict");
        }
        Err(ImportError::Service(error)) => Err(explain(error)),
        Err(error) => Err(error.into()),
    }
}
