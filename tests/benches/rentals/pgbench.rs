//! The same SQL by pgbench, with a client for each seat.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::SEATS;
use crate::place::Place;

/// What a round's script begins with: `n` is a number that no other round comes to.
pub fn variables(round: u32) -> [(&'static str, i64); 2] {
    [("seen", 0), ("n", 1 + i64::from(round) * 1_000_000_000)]
}

pub fn arguments() -> [String; 7] {
    let clients = SEATS.to_string();
    ["-n", "-M", "prepared", "-c", &clients, "-j", "2"].map(str::to_owned)
}

/// Before and after what counts: in the first second clients prepare and plan their statements, as the product did in
/// its warm-up, and in the last they end.
const MARGIN: u64 = 1;

pub const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/rentals/script.pgbench.sql");

pub async fn per_second(place: &Place, file: &str, round: u32, time: Duration) -> Result<f64> {
    let folder = std::env::var("BIKELEASE_TEST_PG_BIN").context("run this by `make bench`")?;
    let seconds = time.as_secs() + 2 * MARGIN;
    let mut command = Command::new(format!("{folder}/pgbench"));
    command.args(arguments()).args(["-P", "1", "-T", &seconds.to_string(), "-f", file]);
    for (name, value) in variables(round) {
        command.arg("-D").arg(format!("{name}={value}"));
    }
    command.arg(&place.url).stdin(Stdio::null()).kill_on_drop(true);
    let patience = Duration::from_secs(seconds + 30);
    let output = tokio::time::timeout(patience, command.output()).await??;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench failed: {said}{complained}");
    counted(&complained, time.as_secs())
}

/// From lines such as `progress: 2.0 s, 393.0 tps, lat …`, one for each second.
fn counted(progress: &str, seconds: u64) -> Result<f64> {
    let lines = progress.lines().filter_map(|line| line.strip_prefix("progress: "));
    let (mut rentals, mut time, mut last) = (0.0, 0.0, 0.0);
    for (number, line) in (0..MARGIN + seconds).zip(lines) {
        let (at, rest) = line.split_once(" s, ").context("a time")?;
        let (tps, _) = rest.split_once(" tps").context("a figure")?;
        let (at, tps): (f64, f64) = (at.parse()?, tps.parse()?);
        if number >= MARGIN {
            rentals += tps * (at - last);
            time += at - last;
        }
        last = at;
    }
    ensure!(time > 0.0, "pgbench did not say how far it was: {progress}");
    Ok(rentals / time)
}
