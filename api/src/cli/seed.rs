//! `bikelease seed`: the demo fleet.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use service::config::{Config, Environment};

use super::say;
use crate::node::Node;

/// Loads the demo: a real city's stations and bikes, with public logins
#[derive(Args)]
#[command(after_help = "\
Migrates first. Where the demo is already, it adds nothing. Refused in production, because
everybody knows the passwords.

Example:
  bikelease seed")]
pub struct Options {}

pub async fn run(node: &Node, config: &Config) -> Result<ExitCode> {
    if config.env == Environment::Production {
        bail!("the demo's logins are public; it is not loaded in production");
    }
    node.make_ready(config).await?;
    say(service::seed::demo(&node.app).await?);
    Ok(ExitCode::SUCCESS)
}
