//! The same SQL by pgbench, with a client for each seat.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::{SEATS, script};
use crate::place::Place;

/// What a round's script begins with: `n` is a number that no other round comes to.
pub fn variables(round: u32) -> [(&'static str, i64); 2] {
    [("seen", 0), ("n", 1 + i64::from(round) * 1_000_000_000)]
}

pub fn arguments() -> [String; 7] {
    let clients = SEATS.to_string();
    ["-n", "-M", "prepared", "-c", &clients, "-j", "2"].map(str::to_owned)
}

pub async fn per_second(place: &Place, round: u32, time: Duration) -> Result<f64> {
    let folder = std::env::var("BIKELEASE_TEST_PG_BIN").context("run this by `make bench`")?;
    let file = std::env::temp_dir().join(format!("bikelease-bench-{}.sql", std::process::id()));
    std::fs::write(&file, script::TEXT)?;
    let mut command = Command::new(format!("{folder}/pgbench"));
    command.args(arguments()).arg("-T").arg(time.as_secs().to_string()).arg("-f").arg(&file);
    for (name, value) in variables(round) {
        command.arg("-D").arg(format!("{name}={value}"));
    }
    command.arg(&place.url).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(time + Duration::from_secs(30), command.output()).await??;
    std::fs::remove_file(&file)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench failed: {said}{complained}");
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")).context("no tps")?;
    Ok(tps.split(' ').next().unwrap_or_default().parse()?)
}
