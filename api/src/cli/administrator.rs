//! `bikelease administrator`: those who look after the platform.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use service::tenant::administrator::{PLATFORM_SLUG, appoint};

use super::{explain, say, user::password};
use crate::node::Node;

/// Makes administrators of the platform
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease administrator create --email ops@example.com --name Operations --password-stdin < password")]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes somebody who creates, suspends and resumes tenants, and sees nothing inside them
    #[command(after_help = "\
They sign in to the tenant `platform`. The password, 8 to 128 characters, is the first line of
stdin with --password-stdin, else the variable NEW_USER_PASSWORD.

Example:
  bikelease administrator create --email ops@example.com --name Operations --password-stdin < password")]
    Create {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// Read the password from stdin
        #[arg(long)]
        password_stdin: bool,
    },
}

pub async fn run(node: &Node, options: Options) -> Result<ExitCode> {
    let Action::Create { email, name, password_stdin } = options.action;
    let password = password(password_stdin)?;
    let user = appoint(&node.app, email, name, password).await.map_err(explain)?;
    let email = user.email.as_deref().unwrap_or_default();
    say(format_args!("made administrator {email} ({}) of {PLATFORM_SLUG}, {}", user.name, user.id));
    Ok(ExitCode::SUCCESS)
}
