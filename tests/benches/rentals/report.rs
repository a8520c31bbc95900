//! What came out: a table for people, and a line for programs.

use anyhow::Result;
use serde_json::json;

use super::{ROUND, ROUNDS, TASKS, pgbench, place::Place};

pub const NAMES: [&str; 4] =
    ["bikelease on SQLite", "bare loop on SQLite", "bikelease on PostgreSQL", "pgbench"];
const KEYS: [&str; NAMES.len()] = ["sqlite", "bare_loop", "postgres", "pgbench"];

/// Rentals per second of each, by round.
#[derive(Default)]
pub struct Figures([Vec<f64>; NAMES.len()]);

impl Figures {
    pub fn add(&mut self, round: [f64; NAMES.len()]) {
        for (figures, figure) in self.0.iter_mut().zip(round) {
            figures.push(figure);
        }
    }

    fn ratio(&self, product: usize, plain: usize) -> f64 {
        (median(&self.0[product]) / median(&self.0[plain]) * 100.0).round() / 100.0
    }
}

pub fn progress(round: u32, figures: &[f64]) {
    let round = if round == 0 { "warm-up".to_owned() } else { format!("round {round}") };
    let figures: Vec<_> =
        NAMES.iter().zip(figures).map(|(name, figure)| format!("{name} {figure:.0}")).collect();
    eprintln!("{round}: {}", figures.join(", "));
}

pub async fn print(figures: &Figures, sqlite: &Place, postgres: &Place) -> Result<()> {
    let machine = machine(sqlite, postgres).await?;
    println!("\n{machine}");
    println!(
        "make bench; {ROUNDS} rounds of {ROUND:?}, in turn; pgbench {} -T {} -f rentals.pgbench.sql\n",
        pgbench::arguments().join(" "),
        ROUND.as_secs(),
    );
    println!("{:<26}{:>8}{:>8}{:>8}", "rentals per second", "median", "min", "max");
    for (name, figures) in NAMES.iter().zip(&figures.0) {
        let (min, max) = range(figures);
        println!("{name:<26}{:>8.0}{min:>8.0}{max:>8.0}", median(figures));
    }
    let (of_loop, of_pgbench) = (figures.ratio(0, 1), figures.ratio(2, 3));
    println!("\nSQLite: {of_loop:.2} of the bare loop; PostgreSQL: {of_pgbench:.2} of pgbench");
    let mut line = json!({
        "bench": "rentals", "machine": machine, "tasks": TASKS, "seconds": ROUND.as_secs(),
        "sqlite_of_bare_loop": of_loop, "postgres_of_pgbench": of_pgbench,
    });
    for (key, figures) in KEYS.iter().zip(&figures.0) {
        line[key] = figures.iter().map(|figure| figure.round()).collect();
    }
    println!("{line}");
    Ok(())
}

async fn machine(sqlite: &Place, postgres: &Place) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let model = field("/proc/cpuinfo", "model name");
    let kilobytes: u64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse()?;
    let gigabytes = kilobytes / 1_048_576;
    let version = postgres.text("SHOW server_version").await?;
    let fsync = postgres.text("SHOW fsync").await?;
    let commit = postgres.text("SHOW synchronous_commit").await?;
    let sqlite = sqlite.text("SELECT sqlite_version()").await?;
    Ok(format!(
        "{cores} cores, {model}, {gigabytes} GiB; PostgreSQL {version}, fsync {fsync}, \
         synchronous_commit {commit}; SQLite {sqlite}, synchronous FULL"
    ))
}

/// A value of one of Linux's files about itself.
fn field(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or("0", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn range(figures: &[f64]) -> (f64, f64) {
    let min = figures.iter().copied().fold(f64::INFINITY, f64::min);
    (min, figures.iter().copied().fold(0.0, f64::max))
}
