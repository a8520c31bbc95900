//! What it was measured on.

use std::fmt;

use anyhow::{Context, Result};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    pub cores: usize,
    pub cpu: String,
    pub memory_gib: u64,
    pub system: String,
    pub rustc: String,
    pub postgres: String,
    pub sqlite: String,
    pub date: String,
}

impl Machine {
    pub async fn read() -> Result<Self> {
        let kilobytes: u64 =
            field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            cpu: field("/proc/cpuinfo", "model name"),
            memory_gib: kilobytes / 1_048_576,
            system: field("/etc/os-release", "PRETTY_NAME=").trim_matches('"').to_owned(),
            rustc: version().await,
            postgres: postgres().await?,
            sqlite: text("sqlite::memory:", "SELECT sqlite_version()").await?
                + ", synchronous FULL",
            date: service::clock::Clock::now(&service::clock::SystemClock).format("%F").to_string(),
        })
    }
}

async fn version() -> String {
    let output = tokio::process::Command::new("rustc").arg("--version").output().await;
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().split(" (").next().unwrap_or_default().trim().to_owned()
}

async fn postgres() -> Result<String> {
    let Ok(url) = std::env::var("BIKELEASE_TEST_POSTGRES_URL") else {
        return Ok("not asked".to_owned());
    };
    let version = text(&url, "SHOW server_version").await?;
    let version = version.split(' ').next().unwrap_or_default();
    let (fsync, commit) =
        (text(&url, "SHOW fsync").await?, text(&url, "SHOW synchronous_commit").await?);
    Ok(format!("{version}, fsync {fsync}, synchronous_commit {commit}"))
}

/// The one text that a query gives.
async fn text(url: &str, sql: &str) -> Result<String> {
    let db = Database::connect(url).await?;
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.context("a row")?;
    let text = row.try_get_by_index(0)?;
    db.close().await?;
    Ok(text)
}

/// A value of one of Linux's files about itself.
fn field(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, memory_gib, system, rustc, postgres, sqlite, date } = self;
        write!(
            f,
            "{date}: {cores} cores, {cpu}, {memory_gib} GiB; {system}; {rustc}; PostgreSQL {postgres}; SQLite {sqlite}"
        )
    }
}
