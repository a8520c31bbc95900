//! `bikelease tenant`: operators.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use service::{entity::money::Currency, tenant::CreateTenant};

use super::{explain, say};
use crate::node::Node;

/// Makes operators
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease tenant create velo-nord --name 'Velo Nord' --time-zone Europe/Berlin --currency EUR")]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes an operator with an empty fleet
    #[command(after_help = "\
Its first user comes with `bikelease user create`.

Example:
  bikelease tenant create velo-nord --name 'Velo Nord' --time-zone Europe/Berlin --currency EUR")]
    Create {
        /// What its people type to sign in: lower-case letters, digits and hyphens
        slug: String,
        /// As its customers know it
        #[arg(long)]
        name: String,
        /// An IANA name; billing days are days there
        #[arg(long, value_name = "ZONE")]
        time_zone: String,
        /// An ISO 4217 code
        #[arg(long, value_name = "CODE")]
        currency: Currency,
        /// Let anyone see its stations and their availability
        #[arg(long)]
        publish_board: bool,
    },
}

pub async fn run(node: &Node, options: Options) -> Result<ExitCode> {
    let Action::Create { slug, name, time_zone, currency, publish_board: publishes_board } =
        options.action;
    let input = CreateTenant { slug, name, time_zone, currency, publishes_board };
    let tenant = service::tenant::create(&node.app, input).await.map_err(explain)?;
    say(format_args!("made tenant {} ({}), {}", tenant.slug, tenant.name, tenant.id));
    Ok(ExitCode::SUCCESS)
}
