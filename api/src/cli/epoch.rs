//! `bikelease epoch`: after which cursors from before are not believed.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::say;
use crate::node::Node;

/// Tells clients that the stream of events has another past
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease epoch renew")]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes every cursor from before ask for a resync
    #[command(after_help = "\
Part of a restore: run it after the backup is back and before anything serves from it.
Otherwise a client's cursor could name an event that has another number now.

Example:
  bikelease epoch renew")]
    Renew {
        /// Only this tenant [default: all]
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
    },
}

pub async fn run(node: &Node, options: Options) -> Result<ExitCode> {
    let Action::Renew { tenant } = options.action;
    let tenants = match tenant {
        Some(slug) => vec![service::tenant::by_slug(&node.app, &slug).await.context(slug)?],
        None => service::tenant::all(&node.app).await?,
    };
    for tenant in tenants {
        service::event::epoch::renew(&node.app.db, tenant.id).await?;
        say(format_args!("renewed the epoch of tenant {}", tenant.slug));
    }
    Ok(ExitCode::SUCCESS)
}
