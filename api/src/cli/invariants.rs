//! `bikelease invariants`: whether what must always hold does.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::say;
use crate::node::Node;

/// Checks what must always hold, and counts where it does not
#[derive(Args)]
#[command(after_help = "\
Reads only, and may run beside a server. Ends with 1 when something is broken.

Example:
  bikelease invariants")]
pub struct Options {}

pub async fn run(node: &Node) -> Result<ExitCode> {
    let findings = service::invariant::check(&node.app).await?;
    for finding in &findings {
        say(format_args!("{:>8}  {:<28}  {}", finding.count, finding.name, finding.what));
    }
    let broken = findings.iter().filter(|finding| finding.count > 0).count();
    if broken == 0 {
        say(format_args!("all {} invariants hold", findings.len()));
        return Ok(ExitCode::SUCCESS);
    }
    say(format_args!("{broken} of {} invariants are broken", findings.len()));
    Ok(ExitCode::FAILURE)
}
