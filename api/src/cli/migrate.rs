//! `bikelease migrate`: the database's shape.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::say;
use crate::node::Node;

/// Brings the database to the shape that this version needs
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease migrate up")]
pub struct Options {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand)]
enum Direction {
    /// Applies what is pending, and sets up the job queue
    #[command(after_help = "\
Safe to run again, and by several at once.

Example:
  bikelease migrate up --config /etc/bikelease.toml")]
    Up,
    /// Takes back what was applied last, and the data in it
    #[command(after_help = "\
Example:
  bikelease migrate down --steps 1")]
    Down {
        /// How many to take back
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
    /// Creates the roles that row-level security holds, on PostgreSQL
    #[command(after_help = "\
The roles bikelease_application, bikelease_reader, bikelease_feed and bikelease_worker, which
logins are made members of. Needs a role that may create roles, and is safe to run again.

Example:
  bikelease migrate roles")]
    Roles,
    /// Lists what is applied and what is pending
    #[command(after_help = "\
Example:
  bikelease migrate status")]
    Status,
}

pub async fn run(node: &Node, options: Options) -> Result<ExitCode> {
    match options.direction {
        Direction::Up => node.migrate().await?,
        Direction::Down { steps } => node.migrate_down(steps).await?,
        Direction::Roles => {
            node.create_roles().await?;
            say("the roles are there, and may do their work");
            return Ok(ExitCode::SUCCESS);
        }
        Direction::Status => {}
    }
    for (name, applied) in node.migrations().await? {
        say(format_args!("{:<8} {name}", if applied { "applied" } else { "pending" }));
    }
    Ok(ExitCode::SUCCESS)
}
