//! docs/performance.md: prose by hand, and between markers the tables that a run wrote.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::{Outcome, Results, outcome::figure};

const OPEN: &str = "<!-- bench: ";
const CLOSE: &str = "<!-- end -->";

/// The topics that a text has places for, in its order.
pub fn sections(text: &str) -> Vec<&str> {
    text.split(OPEN).skip(1).filter_map(|rest| Some(rest.split_once(" -->")?.0)).collect()
}

/// The text with the table of each topic that was measured; the others stay.
pub fn render(text: &str, results: &Results) -> Result<String> {
    let mut parts = text.split(OPEN);
    let mut rendered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (topic, rest) = part.split_once(" -->").context("a marker without an end")?;
        let (old, after) =
            rest.split_once(CLOSE).with_context(|| format!("nothing ends `{topic}`"))?;
        let of_topic: Vec<&Outcome> = results
            .cases
            .values()
            .filter(|outcome| outcome.name.split('/').next() == Some(topic))
            .collect();
        let new = if of_topic.is_empty() { old.to_owned() } else { table(&of_topic)? };
        write!(rendered, "{OPEN}{topic} -->{new}{CLOSE}{after}")?;
    }
    Ok(rendered)
}

fn table(outcomes: &[&Outcome]) -> Result<String> {
    let mut text = String::from("\n");
    if let Some(outcome) = outcomes.first() {
        let rounds = outcome.sides.first().map_or(0, |side| side.rounds.len());
        writeln!(text, "Measured by `make bench` in {rounds} rounds, {}.\n", outcome.machine)?;
    }
    text.push_str(
        "| case | side | median | min | max | product / limit |\n|---|---|---|---|---|---|\n",
    );
    for outcome in outcomes {
        for (number, side) in outcome.sides.iter().enumerate() {
            let name = match number {
                0 => format!("`{}`, {}", outcome.name, outcome.unit),
                _ => String::new(),
            };
            let ratio = match number {
                0 => String::new(),
                limit => format!("{:.2}", outcome.ratio(limit)),
            };
            let [median, min, max] = [side.median(), side.min(), side.max()].map(figure);
            writeln!(text, "| {name} | {} | {median} | {min} | {max} | {ratio} |", side.name)?;
        }
    }
    Ok(text)
}
