//! `bikelease worker`: the jobs, without the API.

use std::{net::IpAddr, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Error, Result, anyhow};
use clap::Args;
use service::{clock::SystemClock, config::Config, job::queue::Queues};

use tokio::net::TcpListener;

use crate::{
    http::{
        self,
        shutdown::{self, Shutdown},
    },
    log,
    node::Node,
};

/// Runs jobs and schedules, beside `serve --no-worker`
#[derive(Args)]
#[command(after_help = "\
Any number may run at once; each job runs in one of them. Stops on SIGTERM and Ctrl-C, when
the jobs in flight have ended. What waits in one queue never delays another; events become jobs
in every worker, whatever its queues.

Example:
  bikelease worker --queues critical,payments")]
pub struct Options {
    /// Only these of critical, payments, default and low, with commas between them
    #[arg(long, value_name = "QUEUES")]
    queues: Option<Queues>,
    /// Answer /healthz and /metrics at this port of BIKELEASE_HOST; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    metrics_port: Option<u16>,
}

pub async fn run(config: Config, options: Options) -> Result<ExitCode> {
    log::start(&config)?;
    let node = Node::start(&config, Arc::new(SystemClock)).await?;
    node.make_ready(&config).await?;
    let queues = options.queues.unwrap_or_else(Queues::every);
    let shutdown = Shutdown::new();
    let mut worker =
        Box::pin(service::job::worker::run(node.app.clone(), queues, shutdown.listen()));
    if let Some(port) = options.metrics_port {
        answer(&node, config.host, port).await?;
    }
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

/// For as long as the process lives.
async fn answer(node: &Node, host: IpAddr, port: u16) -> Result<()> {
    let listener = TcpListener::bind((host, port))
        .await
        .with_context(|| format!("cannot listen on port {port} of {host}"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics");
    let router = http::worker::router(node.app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(())
}
