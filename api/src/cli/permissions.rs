//! `bikelease permissions`: who may do what, as text.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use service::permission::table;

use super::say;

/// Prints which role may do what
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease permissions > docs/permissions.md")]
pub struct Options {}

pub fn run() -> Result<ExitCode> {
    say(table().trim_end());
    Ok(ExitCode::SUCCESS)
}
