//! `bikelease serve`: the API, and in the same process the jobs.

mod city;
mod greeting;

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Error, Result, anyhow};
use axum::serve::ListenerExt;
use clap::Args;
use service::{
    clock::SystemClock,
    config::{Config, Environment},
    job::{queue::Queues, worker},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    http::{
        self,
        shutdown::{self, Shutdown},
    },
    log,
    node::Node,
};

/// Serves the API (this is what happens without a command)
#[derive(Args)]
#[command(after_help = "\
Creates and migrates the database on the first start, and loads the demo; in production
(BIKELEASE_ENV=production) it does neither. Stops on SIGTERM and Ctrl-C, when what is in
flight has ended.

With --replay the demo fleet lives: the recorded trips of a month as rentals of now, so many times
faster than they were. A bike that is not where its trip begins is brought there first.

Example:
  bikelease serve --port 9000
  bikelease serve --replay 60 --replay-from 2014-09-03T07:00")]
pub struct Options {
    /// The port to listen on; 0 takes a free one [default: BIKELEASE_PORT or 8000]
    #[arg(long)]
    port: Option<u16>,
    /// The address to listen on [default: BIKELEASE_HOST or 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// Leave the jobs to `bikelease worker`, whatever BIKELEASE_JOBS says
    #[arg(long)]
    no_worker: bool,
    #[command(flatten)]
    city: city::Options,
}

impl Options {
    pub fn any(&self) -> bool {
        self.port.is_some() || self.host.is_some() || self.no_worker || self.city.any()
    }

    pub fn apply(&self, config: Config) -> Config {
        Config {
            port: self.port.unwrap_or(config.port),
            host: self.host.unwrap_or(config.host),
            jobs: if self.no_worker { Queues::none() } else { config.jobs },
            ..config
        }
    }
}

pub async fn run(config: Config, options: &Options) -> Result<ExitCode> {
    log::start(&config)?;
    let replay = options.city.replay(&config)?;
    let listener = bind(&config).await?;
    let address = listener.local_addr()?;
    let node = Node::start(&config, Arc::new(SystemClock)).await?;
    node.make_ready(&config).await?;
    if config.demo {
        let seeded = service::seed::demo(&node.app).await.context("cannot load the demo")?;
        tracing::info!("{seeded}");
    }
    let shutdown = Shutdown::new();
    let worker = start_worker(&node, &config.jobs, &shutdown);
    if let Some(replay) = replay {
        city::start(&node, replay, shutdown.listen()).await?;
    }
    let server = start_server(&node, &config, &shutdown, listener);
    tracing::info!(%address, worker = worker.is_some(), "ready");
    if config.env == Environment::Development {
        greeting::print(address, &config);
    }
    until_stopped(server, worker, &shutdown, Duration::from_secs(config.shutdown_grace_seconds))
        .await
}

async fn bind(config: &Config) -> Result<TcpListener> {
    let address = SocketAddr::new(config.host, config.port);
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!(
                "port {} is in use: stop what listens there, or choose another with --port",
                config.port
            )
        }
        ErrorKind::AddrNotAvailable => anyhow!("{} is no address of this machine", config.host),
        ErrorKind::PermissionDenied => {
            anyhow!("port {} is not for this user: choose one above 1023", config.port)
        }
        _ => Error::from(error).context(format!("cannot listen on {address}")),
    })
}

/// None where the jobs are left to others.
fn start_worker(
    node: &Node,
    queues: &Queues,
    shutdown: &Shutdown,
) -> Option<JoinHandle<Result<()>>> {
    if queues.are_none() {
        return None;
    }
    let work = worker::run(node.app.clone(), queues.clone(), shutdown.listen());
    Some(tokio::spawn(async move { work.await.map_err(Error::from) }))
}

fn start_server(
    node: &Node,
    config: &Config,
    shutdown: &Shutdown,
    listener: TcpListener,
) -> JoinHandle<Result<()>> {
    let router = http::router(node.app.clone(), config, shutdown.listen());
    // Small answers and events must not wait for more to send.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let stop = shutdown::begun(shutdown.listen());
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, router).with_graceful_shutdown(stop);
    tokio::spawn(async move { server.await.map_err(Error::from) })
}

/// Until a signal comes, or one of the two gives up and takes the other with it.
async fn until_stopped(
    mut server: JoinHandle<Result<()>>,
    worker: Option<JoinHandle<Result<()>>>,
    shutdown: &Shutdown,
    grace: Duration,
) -> Result<ExitCode> {
    let mut worker = worker.unwrap_or_else(|| tokio::spawn(std::future::pending()));
    let outcome = tokio::select! {
        signal = shutdown::requested() => signal.map_err(Error::from),
        ended = &mut server => Err(gave_up("the server", ended)),
        ended = &mut worker => Err(gave_up("the worker", ended)),
    };
    tracing::info!("shutting down");
    // The worker holds a listener, and is waited for like every other that does.
    let work = async {
        if !server.is_finished() {
            let _ = server.await;
        }
    };
    if shutdown.finish(work, grace).await {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped; what had not ended in time was cut off");
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

fn gave_up(who: &str, ended: Result<Result<()>, tokio::task::JoinError>) -> Error {
    match ended {
        Ok(Ok(())) => anyhow!("{who} ended by itself"),
        Ok(Err(error)) => error.context(format!("{who} failed")),
        Err(error) => Error::from(error).context(format!("{who} failed")),
    }
}
