//! The frame of all benchmarks: named cases, each beside a plain limit that is measured in the same run.
//!
//! A case is one file with a [`Spec`] in the list that `benches/main.rs` gives to [`run`]. Its sides take turns, round
//! after round, with another one first each time, so that what else the machine does meets all of them.

mod docs;
mod machine;
mod options;
mod outcome;

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use futures_util::future::BoxFuture;

pub use docs::{check, render};
pub use machine::Machine;
pub use options::Options;
pub use outcome::{Outcome, Results, Side};

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// What a case is, before anything has run.
#[derive(Clone, Copy)]
pub struct Spec {
    /// `topic/where/how`; the topic is the section of docs/performance.md.
    pub name: &'static str,
    pub unit: &'static str,
    pub better: Better,
    /// The product first, then the limits.
    pub sides: &'static [&'static str],
    pub start: Start,
}

impl Spec {
    pub fn topic(&self) -> &'static str {
        topic(self.name)
    }
}

fn topic(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// Sets a case up.
pub type Start = fn(Options) -> BoxFuture<'static, Result<Box<dyn Case>>>;

/// One side, once.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub side: usize,
    /// 0 is the warm-up.
    pub number: u32,
    /// How long, for cases whose rounds are a time and not an amount of work.
    pub seconds: u32,
}

/// A case that is set up.
#[async_trait]
pub trait Case: Send {
    /// Gives the figure in the unit of the case.
    async fn round(&mut self, round: Round) -> Result<f64>;

    /// Whoever was fast must have been right; then everything that was made goes.
    async fn end(self: Box<Self>) -> Result<()>;
}

/// Runs what the options ask for, prints it, and keeps it as JSON.
pub async fn run(specs: &[Spec], options: &Options) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    check(&fs::read_to_string(&docs)?, specs)?;
    let chosen: Vec<&Spec> = specs.iter().filter(|spec| options.wants(spec.name)).collect();
    ensure!(!chosen.is_empty(), "no case has `{}` in its name", options.only.join("` or `"));
    if options.list {
        for spec in &chosen {
            println!("{:<28} {}: {}", spec.name, spec.unit, spec.sides.join(", "));
        }
        return Ok(());
    }
    let mut results = Results::read(&options.json)?;
    results.keep(specs);
    for spec in chosen.iter().filter(|_| !options.only_docs) {
        let outcome = measure(spec, options).await.with_context(|| spec.name)?;
        println!("{outcome}");
        results.put(outcome, Machine::read().await?);
        results.write(&options.json)?;
    }
    println!("{}", results.machine);
    if options.docs {
        let text = render(&fs::read_to_string(&docs)?, &results.of(&chosen))?;
        fs::write(&docs, text)?;
        eprintln!("wrote {}", docs.display());
    }
    Ok(())
}

async fn measure(spec: &Spec, options: &Options) -> Result<Outcome> {
    eprintln!("{}: setting up", spec.name);
    let mut case = (spec.start)(options.clone()).await?;
    let mut outcome = Outcome::new(spec, options);
    for number in 0..=options.rounds {
        let mut figures = vec![0.0; spec.sides.len()];
        for turn in 0..spec.sides.len() {
            let side = (turn + number as usize) % spec.sides.len();
            let round = Round { side, number, seconds: options.seconds };
            let figure = case.round(round).await.with_context(|| spec.sides[side])?;
            ensure!(
                figure.is_finite() && figure > 0.0,
                "{}: {figure} is no figure",
                spec.sides[side]
            );
            figures[side] = figure;
        }
        let told: Vec<_> = spec
            .sides
            .iter()
            .zip(&figures)
            .map(|(side, figure)| format!("{side} {}", outcome::figure(*figure)))
            .collect();
        let what = if number == 0 { "warm-up".to_owned() } else { format!("round {number}") };
        eprintln!("{}: {what}: {}", spec.name, told.join(", "));
        if number > 0 {
            outcome.add(&figures);
        }
    }
    case.end().await?;
    Ok(outcome)
}
