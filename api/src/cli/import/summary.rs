//! What an import did, in words and numbers.

use std::time::Duration;

use indicatif::HumanCount;
use service::{import::Report, records::Rejects};

use super::super::say;

/// A screen of them.
const SHOWN: usize = 20;

pub fn print(report: &Report, time: Duration) {
    let (notes, vehicles, added) = (&report.notes, &report.vehicles, &report.added);
    heading("read");
    line(report.lines, "lines");
    line(report.rides, "rides");
    line(report.known, "of them were there already");
    heading("understood");
    line(notes.stations_moved, "stations were moved or renamed: taken as they were last");
    line(notes.names_differ, "trips name a station otherwise than its file does: its id counts");
    line(notes.zips_malformed, "ZIP codes are none: these riders have none");
    line(
        notes.clock_changes,
        "trips are an hour off, as the clocks were changed: the duration counts",
    );
    line(
        notes.overlaps,
        "rides end when their bike's next one begins: the records let them overlap",
    );
    line(notes.longer_than_a_day, "rides took more than a day");
    line(notes.rebalanced, "times a bike was brought to another station");
    heading("added");
    line(report.stations, "stations");
    line(vehicles.added, "vehicles");
    line(vehicles.in_warehouse, "of them stand in the warehouse: their last station has no dock");
    line(vehicles.moved, "vehicles were brought to where their last ride ended");
    line(vehicles.left_alone, "vehicles stay where they are: rented since, in use, or no dock");
    line(report.customers, "customers, by rider type and ZIP code");
    line(added.rentals, "rentals");
    line(added.price_lines, "price lines");
    line(added.history, "entries of vehicle history");
    print_rejects(&report.rejects);
    let rate = added.rows() as f64 / time.as_secs_f64();
    say(format_args!(
        "{} rows in {:.1} s, {rate:.0} rows/s",
        HumanCount(added.rows()),
        time.as_secs_f64()
    ));
}

pub fn print_rejects(rejects: &Rejects) {
    heading("left out");
    line(rejects.count(), "lines");
    for (kind, count) in &rejects.by_kind {
        line(*count, kind);
    }
    for rejected in rejects.first.iter().take(SHOWN) {
        say(format_args!("  {rejected}"));
    }
    let more = rejects.count().saturating_sub(SHOWN as u64);
    if more > 0 {
        say(format_args!("  … and {} more", HumanCount(more)));
    }
}

fn heading(text: &str) {
    say(format_args!("{text}"));
}

/// What did not happen is not mentioned.
fn line(count: u64, what: &str) {
    if count > 0 || what == "lines" {
        say(format_args!("{:>12}  {what}", HumanCount(count).to_string()));
    }
}
