//! `bikelease schema`: the API as text.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::say;

/// Prints the GraphQL schema
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease schema > schema.graphql")]
pub struct Options {}

pub fn run() -> Result<ExitCode> {
    say(crate::schema::sdl().trim_end());
    Ok(ExitCode::SUCCESS)
}
