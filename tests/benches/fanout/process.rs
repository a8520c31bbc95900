//! A server as a process of its own, so that its processor time and memory can be told from the clients'.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::{
    fs,
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

use super::server::ARGUMENT;

/// Until it listens, or has ended.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of all times in /proc, whatever the kernel counts in.
const TICKS_PER_SECOND: u64 = 100;
/// Files beside the sockets.
const OTHERS: usize = 200;

pub struct Process {
    /// Killed when dropped; and without its input it ends by itself.
    child: Child,
    input: ChildStdin,
    id: u32,
    pub address: SocketAddr,
}

impl Process {
    pub async fn spawn(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id().context("the server has no id")?;
        let input = child.stdin.take().context("the server has no input")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.context("the server is late")??;
        let port: u16 = line.context("the server has ended")?.parse()?;
        Ok(Self { child, input, id, address: (Ipv4Addr::LOCALHOST, port).into() })
    }

    /// One line of its input.
    pub async fn tell(&mut self, mut line: String) -> Result<()> {
        line.push('\n');
        self.input.write_all(line.as_bytes()).await.context("the server has ended")
    }

    /// What its processors have worked so far, in user and in kernel mode.
    pub async fn cpu(&self) -> Result<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id)).await?;
        // The name, in parentheses, may contain anything; utime and stime are fields 14 and 15.
        let (_, fields) = text.rsplit_once(')').context("not a process")?;
        let mut ticks = 0;
        for field in fields.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    /// In KiB.
    pub async fn resident(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id)).await?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.context("no memory")?.trim().trim_end_matches(" kB").parse()?)
    }

    pub async fn end(self) -> Result<()> {
        let Self { mut child, input, .. } = self;
        drop(input);
        let status = timeout(PATIENCE, child.wait()).await.context("the server does not end")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// Sockets are files, here and in the servers.
pub async fn allow_files(sockets: usize) -> Result<()> {
    let needed = sockets + OTHERS;
    let limits = fs::read_to_string("/proc/self/limits").await?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).context("no limit of files")?;
    if soft == "unlimited" || soft.parse::<usize>()? >= needed {
        return Ok(());
    }
    let process = format!("--pid={}", std::process::id());
    let limit = format!("--nofile={needed}:");
    let raised = Command::new("prlimit").args([process, limit]).status().await;
    ensure!(
        raised.is_ok_and(|status| status.success()),
        "{needed} files have to be open at once and only {soft} may be: `ulimit -n {needed}` first"
    );
    Ok(())
}
