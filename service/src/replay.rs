//! Letting a recorded city live: its trips as rentals of now, through the same use cases as the API.
//!
//! Day follows day at so many times the speed at which they were recorded, and after the last day the first comes again.

mod city;
mod lane;
mod tally;
mod timetable;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::NaiveDateTime;
use entity::rental::RentalId;
use tokio::{sync::watch, task::JoinSet};

pub use tally::{CaseSummary, Tally, UseCase};

use crate::{
    bayarea,
    ctx::App,
    error::{Error, Result},
    tenant,
};

use city::City;
use lane::Lane;
use timetable::Timetable;

/// How many times faster than it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    Times(f64),
    /// One trip after the other, as fast as they come.
    Max,
}

#[derive(Clone, Debug)]
pub struct Replay {
    pub speed: Speed,
    /// Where in the records to begin, by the clocks of San Francisco; None: at their first trip.
    pub from: Option<NaiveDateTime>,
    /// How many trips are in hand at once; a bike's own come one after the other.
    pub lanes: usize,
}

/// What has been acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Started(RentalId),
    Ended(RentalId),
}

/// Hears of each acknowledged use case.
pub type Listener = Arc<dyn Fn(Done) + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the records go from {first} to {last}")]
pub struct NotInTheRecords {
    first: NaiveDateTime,
    last: NaiveDateTime,
}

/// A replay that is ready to run: every bike, station and rider that its trips need is there.
pub struct Prepared {
    city: Arc<City>,
    timetable: Timetable,
    replay: Replay,
}

impl Replay {
    /// Whether the records know this moment.
    pub fn check(&self) -> Result<(), NotInTheRecords> {
        let Some(from) = self.from else { return Ok(()) };
        let (first, last) = (timetable::first_day(), timetable::last_day());
        if (first..last).contains(&from) { Ok(()) } else { Err(NotInTheRecords { first, last }) }
    }

    /// Finds the demo fleet, adds the riders, and ends what an earlier replay has left open.
    pub async fn prepare(self, app: &App, listener: Option<Listener>) -> Result<Prepared> {
        let tenant = tenant::by_slug(app, bayarea::TENANT).await?;
        let ctx = app.system(tenant.id, "replay");
        let timetable = tokio::task::spawn_blocking(Timetable::read);
        let timetable = timetable.await.map_err(Error::internal)??;
        let city = City::of(ctx, &timetable, listener).await?;
        city.settle().await?;
        Ok(Prepared { city: Arc::new(city), timetable, replay: self })
    }
}

impl Prepared {
    /// What has happened so far, at any time.
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.city.tally)
    }

    /// Until told to stop; rides that are under way then are ended.
    pub async fn run(self, stop: watch::Receiver<bool>) -> Result<()> {
        let lanes = self.replay.lanes.max(1);
        let begin = self.timetable.after(self.replay.from);
        let mut by_lane: HashMap<usize, Vec<_>> = HashMap::new();
        for moment in self.timetable.moments {
            by_lane.entry(moment.trip.bike as usize % lanes).or_default().push(moment);
        }
        let mut running = JoinSet::new();
        let began = Instant::now();
        for moments in by_lane.into_values() {
            let lane = Lane {
                city: Arc::clone(&self.city),
                moments,
                begin,
                began,
                speed: self.replay.speed,
                stop: stop.clone(),
            };
            running.spawn(lane.run());
        }
        while let Some(ended) = running.join_next().await {
            ended.map_err(Error::internal)?;
        }
        self.city.settle().await
    }
}

/// Waits as long, or until told to stop, which is true.
async fn stopped_within(stop: &mut watch::Receiver<bool>, time: Duration) -> bool {
    tokio::time::timeout(time, stop.wait_for(|stop| *stop)).await.is_ok()
}
