//! How far an import is: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::{IsTerminal, stderr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use service::import::Step;

const BAR: &str =
    "{msg} {wide_bar} {human_pos} of {human_len} rides, {per_sec} rides/s, {eta} left";
const NOW_AND_THEN: Duration = Duration::from_secs(10);

pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
    began: Instant,
    said: Mutex<Instant>,
}

impl Progress {
    pub fn start() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, terminal: stderr().is_terminal(), began: now, said: Mutex::new(now) }
    }

    pub fn tell(&self, step: Step) {
        match step {
            Step::Reading => self.say("reading the files"),
            Step::Placing => self.say("placing stations and vehicles"),
            Step::Rides { done: 0, of, .. } => {
                if let Ok(style) = ProgressStyle::with_template(BAR) {
                    self.bar.set_style(style.with_key(
                        "per_sec",
                        |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                            let _ = write!(out, "{:.0}", state.per_sec());
                        },
                    ));
                }
                self.bar.reset_elapsed();
                self.bar.set_length(of);
                self.bar.set_message("importing");
            }
            Step::Rides { done, of, .. } => {
                self.bar.set_position(done);
                self.now_and_then(done, of);
            }
        }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, what: &'static str) {
        self.bar.set_message(what);
        self.bar.tick();
        if !self.terminal {
            eprintln!("{what}");
        }
    }

    /// For logs, which cannot draw.
    fn now_and_then(&self, done: u64, of: u64) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if self.terminal || said.elapsed() < NOW_AND_THEN {
            return;
        }
        *said = Instant::now();
        let (rate, left) = (self.bar.per_sec(), self.bar.eta().as_secs());
        let since = self.began.elapsed().as_secs();
        eprintln!("{done} of {of} rides after {since} s, {rate:.0} rides/s, {left} s left");
    }
}
