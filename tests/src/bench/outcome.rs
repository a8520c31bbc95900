//! What came out of each case, as a table for people and as JSON for programs.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{Better, Machine, Options, Spec};

/// All cases that were measured, by name; a run of some leaves the others as they were.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// Of the last run.
    pub machine: Machine,
    pub cases: BTreeMap<String, Outcome>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub name: String,
    pub unit: String,
    pub higher_is_better: bool,
    pub seconds: u32,
    /// The product first.
    pub sides: Vec<Side>,
    /// When, and on what.
    pub machine: Machine,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Side {
    pub name: String,
    pub rounds: Vec<f64>,
}

impl Results {
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is not from this benchmark", path.display())),
            Err(_) => Ok(Self::default()),
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, serde_json::to_string_pretty(self)? + "\n")?)
    }

    /// Forgets cases that are no more.
    pub fn keep(&mut self, specs: &[Spec]) {
        self.cases.retain(|name, _| specs.iter().any(|spec| spec.name == name));
    }

    /// The cases of the topics that these are of.
    pub fn of(&self, specs: &[&Spec]) -> Self {
        let mut results = self.clone();
        results.cases.retain(|name, _| specs.iter().any(|spec| spec.topic() == super::topic(name)));
        results
    }

    pub fn put(&mut self, mut outcome: Outcome, machine: Machine) {
        self.machine = machine.clone();
        outcome.machine = machine;
        self.cases.insert(outcome.name.clone(), outcome);
    }
}

impl Outcome {
    pub fn new(spec: &Spec, options: &Options) -> Self {
        let side = |name: &&str| Side { name: (*name).to_owned(), rounds: Vec::new() };
        Self {
            name: spec.name.to_owned(),
            unit: spec.unit.to_owned(),
            higher_is_better: spec.better == Better::Higher,
            seconds: options.seconds,
            sides: spec.sides.iter().map(side).collect(),
            machine: Machine::default(),
        }
    }

    pub fn add(&mut self, figures: &[f64]) {
        for (side, figure) in self.sides.iter_mut().zip(figures) {
            side.rounds.push(*figure);
        }
    }

    /// The product's figure as a part of a limit's: the median of the rounds' own ratios.
    pub fn ratio(&self, limit: usize) -> f64 {
        let (Some(product), Some(limit)) = (self.sides.first(), self.sides.get(limit)) else {
            return f64::NAN;
        };
        let ratios = product.rounds.iter().zip(&limit.rounds).map(|(a, b)| a / b).collect();
        Side { name: String::new(), rounds: ratios }.median()
    }
}

impl Side {
    /// Of an even number, the lower of the two in the middle.
    pub fn median(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    }

    pub fn min(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn max(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// Three digits say enough.
pub(super) fn figure(number: f64) -> String {
    match number.abs() {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let better = if self.higher_is_better { "more" } else { "less" };
        writeln!(f, "\n{}: {}, {better} is better", self.name, self.unit)?;
        writeln!(f, "  {:<44}{:>10}{:>10}{:>10}{:>10}", "", "median", "min", "max", "of it")?;
        for (number, side) in self.sides.iter().enumerate() {
            let ratio = match number {
                0 => String::new(),
                limit => format!("{:.2}", self.ratio(limit)),
            };
            let [median, min, max] = [side.median(), side.min(), side.max()].map(figure);
            writeln!(f, "  {:<44}{median:>10}{min:>10}{max:>10}{ratio:>10}", side.name)?;
        }
        Ok(())
    }
}
