//! The commands of `bikelease`.

mod administrator;
mod client;
mod epoch;
mod healthcheck;
mod import;
mod invariants;
mod migrate;
mod operations;
mod permissions;
mod replay;
mod schema;
mod seed;
mod serve;
mod tenant;
mod user;
mod watch;
mod worker;

use std::{
    fmt::Display,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Result, anyhow};
use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use futures_util::future::BoxFuture;
use service::{clock::SystemClock, config::Config};

use crate::{log, node::Node};

/// Rents and leases bikes, and anything else with wheels: one GraphQL API.
#[derive(Parser)]
#[command(
    name = "bikelease",
    version,
    after_help = "\
Without a command, it serves. Everything can be configured by variables, such as
BIKELEASE_DATABASE_URL, or by the same keys in a TOML file.

Example:
  bikelease --port 9000"
)]
struct Cli {
    /// The configuration file [default: $BIKELEASE_CONFIG, or bikelease.toml here if there is one]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(flatten)]
    serve: serve::Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Options),
    Worker(worker::Options),
    Migrate(migrate::Options),
    Seed(seed::Options),
    Import(import::Options),
    Replay(replay::Options),
    Schema(schema::Options),
    Permissions(permissions::Options),
    Tenant(tenant::Options),
    User(user::Options),
    Administrator(administrator::Options),
    Client(client::Options),
    Operations(operations::Options),
    Epoch(epoch::Options),
    Invariants(invariants::Options),
    Watch(watch::Options),
    #[command(hide = true)]
    Healthcheck(healthcheck::Options),
}

/// 0 when it did what was asked, 1 when it could not, 2 when it was asked wrongly.
///
/// Behind a pointer, so that all commands are compiled with this crate, and not with the binary.
pub fn run() -> BoxFuture<'static, ExitCode> {
    Box::pin(run_command())
}

async fn run_command() -> ExitCode {
    let cli = match Cli::try_parse().and_then(Cli::checked) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap, with the code 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli.execute().await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bikelease: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    /// Options of `serve` may stand without its name, but before no other command.
    fn checked(self) -> Result<Self, clap::Error> {
        let misplaced = self.command.is_some() && self.serve.any();
        if !misplaced {
            return Ok(self);
        }
        let message = "options of `serve` stand after it, and before no other command";
        Err(Self::command().error(ErrorKind::ArgumentConflict, message))
    }

    async fn execute(self) -> Result<ExitCode> {
        let command = self.command.unwrap_or(Command::Serve(self.serve));
        // These need no configuration, so that they work where there is none.
        match command {
            Command::Schema(_) => return schema::run(),
            Command::Permissions(_) => return permissions::run(),
            Command::Watch(options) => return watch::run(&options).await,
            _ => {}
        }
        let config = Config::read(self.config.as_deref())?;
        match command {
            Command::Serve(options) => {
                return serve::run(options.apply(config), &options).await;
            }
            Command::Worker(options) => return worker::run(config, options).await,
            Command::Healthcheck(_) => return healthcheck::run(&config).await,
            _ => log::start_quietly(&config)?,
        }
        if let Command::Migrate(options) = command {
            let owner = Node::start(&config.of_owner(), Arc::new(SystemClock)).await?;
            return migrate::run(&owner, options).await;
        }
        let node = Node::start(&config, Arc::new(SystemClock)).await?;
        match command {
            Command::Seed(_) => seed::run(&node, &config).await,
            Command::Import(options) => import::run(&node, &config, options).await,
            Command::Replay(options) => replay::run(&node, &config, options).await,
            Command::Tenant(options) => tenant::run(&node, options).await,
            Command::User(options) => user::run(&node, options).await,
            Command::Administrator(options) => administrator::run(&node, options).await,
            Command::Client(options) => client::run(&node, options).await,
            Command::Operations(options) => operations::run(&node, options).await,
            Command::Epoch(options) => epoch::run(&node, options).await,
            _ => invariants::run(&node).await,
        }
    }
}

/// One line of an answer. A reader that has gone, such as `head`, is no error.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A refusal in words, with the field that it is about.
fn explain(error: service::Error) -> anyhow::Error {
    match error {
        service::Error::Invalid(invalid) => {
            anyhow!("{} {}", invalid.field.join("."), invalid.message)
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' ')).and_then(Cli::checked)
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_no_name() {
        assert!(parse("bikelease").unwrap().command.is_none());
        assert!(parse("bikelease --port 0 --no-worker").unwrap().serve.any());
        assert!(matches!(
            parse("bikelease serve --port 0").unwrap().command,
            Some(Command::Serve(_))
        ));
        assert!(parse("bikelease --config x migrate status").unwrap().config.is_some());
        assert!(parse("bikelease migrate status --config x").unwrap().config.is_some());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--port 0 migrate up",
            "--port 70000",
            "migrate",
            "tenant",
            "fly",
            "migrate down --steps 0",
        ] {
            let error = parse(&format!("bikelease {line}")).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn every_command_has_an_example() {
        let mut cli = Cli::command();
        cli.build();
        let mut open: Vec<_> =
            cli.get_subcommands().filter(|command| command.get_name() != "help").collect();
        while let Some(command) = open.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example:\n  bikelease "), "{}", command.get_name());
            assert!(command.get_about().is_some(), "{}", command.get_name());
            open.extend(command.get_subcommands().filter(|command| command.get_name() != "help"));
        }
    }
}
