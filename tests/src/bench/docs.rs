//! docs/performance.md: prose by hand, and between markers the tables that a run wrote.

use std::{collections::BTreeSet, fmt::Write};

use anyhow::{Context, Result, ensure};

use super::{Outcome, Results, Spec, outcome::figure};

const OPEN: &str = "<!-- bench: ";
const CLOSE: &str = "<!-- end -->";
const HEAD: &str =
    "| case | side | median | min | max | product / limit |\n|---|---|---|---|---|---|\n";

/// The topics that a text has places for, in its order.
fn sections(text: &str) -> Vec<&str> {
    text.split(OPEN).skip(1).filter_map(|rest| Some(rest.split_once(" -->")?.0)).collect()
}

/// Fails when a case has no place in the text, or a place no case.
pub fn check(text: &str, specs: &[Spec]) -> Result<()> {
    let topics: BTreeSet<&str> = specs.iter().map(Spec::topic).collect();
    let sections = sections(text);
    let places: BTreeSet<&str> = sections.iter().copied().collect();
    ensure!(
        topics == places && places.len() == sections.len(),
        "docs/performance.md has places for {sections:?}, and there are cases of {topics:?}"
    );
    Ok(())
}

/// The text with the table of each topic that was measured; the others stay.
pub fn render(text: &str, results: &Results) -> Result<String> {
    let mut parts = text.split(OPEN);
    let mut rendered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (topic, rest) = part.split_once(" -->").context("a marker without an end")?;
        let (old, after) =
            rest.split_once(CLOSE).with_context(|| format!("nothing ends `{topic}`"))?;
        let of_topic: Vec<&Outcome> =
            results.cases.values().filter(|outcome| super::topic(&outcome.name) == topic).collect();
        let new = if of_topic.is_empty() { old.to_owned() } else { table(&of_topic)? };
        write!(rendered, "{OPEN}{topic} -->{new}{CLOSE}{after}")?;
    }
    Ok(rendered)
}

fn table(outcomes: &[&Outcome]) -> Result<String> {
    let mut text = String::new();
    let mut said = String::new();
    for outcome in outcomes {
        let rounds = outcome.sides.first().map_or(0, |side| side.rounds.len());
        let how = format!("Measured by `make bench` in {rounds} rounds, {}.", outcome.machine);
        // Cases of one topic need not come from one run.
        if how != said {
            write!(text, "\n{how}\n\n{HEAD}")?;
            said = how;
        }
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
