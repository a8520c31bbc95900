//! What came of a load: each use case with its rate and times, what was refused, and what the vans did.

use std::{sync::atomic::Ordering, time::Duration};

use indicatif::HumanCount;
use service::replay::{Tally, UseCase};

use crate::cli::say;

pub fn print(tally: &Tally, took: Duration) {
    let seconds = took.as_secs_f64();
    let rate = |count: u64| count as f64 / seconds;
    let ended = tally.count(UseCase::EndRental);
    say(format_args!(
        "{} rentals in {seconds:.1} s, {:.1} rentals/s",
        HumanCount(ended),
        rate(ended)
    ));
    say(format_args!(
        "\n{:<14}{:>10}{:>10}{:>10}{:>10}  refused",
        "use case", "done", "per s", "p50 ms", "p99 ms"
    ));
    for case in tally.cases() {
        let refused: Vec<String> =
            case.refused.iter().map(|(code, count)| format!("{code} {count}")).collect();
        say(format_args!(
            "{:<14}{:>10}{:>10.1}{:>10.1}{:>10.1}  {}",
            case.case.name(),
            case.done,
            rate(case.done),
            case.p50.as_secs_f64() * 1e3,
            case.p99.as_secs_f64() * 1e3,
            if refused.is_empty() { "nothing".to_owned() } else { refused.join(", ") }
        ));
    }
    say("");
    for (counter, what) in [
        (&tally.brought, "bikes were brought to where a trip begins, because they were elsewhere"),
        (&tally.cleared, "bikes were taken away from full stations"),
        (&tally.parked_beside, "rides ended beside their station, which was full all the same"),
        (&tally.skipped, "trips did not take place, because their start was refused"),
        (&tally.settled, "open rides of this or an earlier replay were ended"),
    ] {
        say(format_args!("{:>8}  {what}", HumanCount(counter.load(Ordering::Relaxed)).to_string()));
    }
}
