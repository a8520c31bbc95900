//! `bikelease worker`: the jobs, without the API.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Error, Result, anyhow};
use clap::Args;
use service::{clock::SystemClock, config::Config};

use crate::{
    http::shutdown::{self, Shutdown},
    log,
    node::Node,
};

/// Runs jobs and schedules, beside `serve --no-worker`
#[derive(Args)]
#[command(after_help = "\
Any number may run at once; each job runs in one of them. Stops on SIGTERM and Ctrl-C, when
the jobs in flight have ended.

Example:
  bikelease worker --config /etc/bikelease.toml")]
pub struct Options {}

pub async fn run(config: Config) -> Result<ExitCode> {
    log::start(&config)?;
    let node = Node::start(&config, Arc::new(SystemClock)).await?;
    node.make_ready(&config).await?;
    let queue = node.queue().await?;
    let shutdown = Shutdown::new();
    let mut worker =
        Box::pin(service::job::worker::run(node.app.clone(), queue, shutdown.listen()));
    tracing::info!("ready");
    tokio::select! {
        signal = shutdown::requested() => signal?,
        ended = &mut worker => {
            return Err(ended.map_or_else(Error::from, |()| anyhow!("the worker ended by itself")));
        }
    }
    tracing::info!("shutting down");
    let work = async {
        if let Err(error) = worker.await {
            tracing::warn!(error = ?error, "the worker did not end well");
        }
    };
    if !shutdown.finish(work, Duration::from_secs(config.shutdown_grace_seconds)).await {
        tracing::warn!("jobs that had not ended in time were cut off; they run again");
    }
    Ok(ExitCode::SUCCESS)
}
