//! Log lines: text on a terminal, JSON otherwise, on stderr, so that stdout is for answers.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use service::config::{Config, LogFormat};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

const DEFAULT: &str = "info";
/// Libraries that tell every step.
const QUIET: &str = "sea_orm_migration=warn,apalis=warn";

/// For processes that serve: what `log` asks for.
pub fn start(config: &Config) -> Result<()> {
    install(config, &format!("{QUIET},{}", config.log))
}

/// For commands that answer and end: warnings, unless `log` asks for something.
pub fn start_quietly(config: &Config) -> Result<()> {
    let filter = if config.log == DEFAULT { "warn" } else { &config.log };
    install(config, filter)
}

fn install(config: &Config, filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("log is {:?}; allowed: filters such as info or info,service=debug", config.log)
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let json = match config.log_format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let installed = if json {
        let lines = fmt::layer().json().flatten_event(true).with_span_list(false);
        registry.with(lines.with_writer(io::stderr)).try_init()
    } else {
        let lines = fmt::layer().with_ansi(io::stderr().is_terminal());
        registry.with(lines.with_writer(io::stderr)).try_init()
    };
    installed.context("the log is started already")
}
