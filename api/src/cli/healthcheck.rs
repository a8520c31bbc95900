//! `bikelease healthcheck`: asks the server on this machine whether it lives; for containers, which have no curl.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use service::config::Config;

const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the server on this machine whether it lives
#[derive(Args)]
#[command(after_help = "\
Asks /healthz at the configured host and port; ends with 1 when there is no good answer.
Whether it can also work is for the load balancer to ask, at /readyz: a restart brings no
database back.

Example:
  bikelease healthcheck")]
pub struct Options {}

pub async fn run(config: &Config) -> Result<ExitCode> {
    let host = match config.host {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(host, config.port);
    let answer = tokio::task::spawn_blocking(move || ask(address)).await?;
    let answer = answer.with_context(|| format!("no answer from {address}"))?;
    match answer.lines().next().unwrap_or_default() {
        status if status.starts_with("HTTP/1.1 200 ") => Ok(ExitCode::SUCCESS),
        status => bail!("{address} answered {status:?}"),
    }
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
