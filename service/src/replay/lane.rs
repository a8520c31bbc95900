//! Some of the bikes, one moment after the other, round after round.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use entity::rental::RentalId;
use tokio::sync::watch;

use super::{
    Speed,
    city::City,
    stopped_within,
    timetable::{Moment, What, period},
};

/// A database that is away is not asked in a loop.
const PATIENCE: Duration = Duration::from_millis(500);
const TRIES: u32 = 20;

pub(super) struct Lane {
    pub city: Arc<City>,
    pub moments: Vec<Moment>,
    /// Where in the period it begins, and when that was.
    pub begin: chrono::Duration,
    pub began: Instant,
    pub speed: Speed,
    pub stop: watch::Receiver<bool>,
}

impl Lane {
    pub async fn run(mut self) {
        let mut out: HashMap<u32, RentalId> = HashMap::new();
        let first = self.moments.partition_point(|moment| moment.at < self.begin);
        for round in 0.. {
            let from = if round == 0 { first } else { 0 };
            for at in from..self.moments.len() {
                let moment = self.moments[at];
                if self.wait(round, moment.at).await {
                    return;
                }
                // Under the same key: what did happen does not happen again.
                for _ in 0..TRIES {
                    if self.happen(round, moment, &mut out).await {
                        break;
                    }
                    if stopped_within(&mut self.stop, PATIENCE).await {
                        return;
                    }
                }
            }
        }
    }

    /// Until it is time. True: it is time to stop instead.
    async fn wait(&mut self, round: u32, at: chrono::Duration) -> bool {
        let due = match self.speed {
            Speed::Max => Duration::ZERO,
            Speed::Times(times) => {
                let since = period() * i32::try_from(round).unwrap_or(i32::MAX) + at - self.begin;
                let seconds = since.as_seconds_f64() / times;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
            }
        };
        let left = (self.began + due).saturating_duration_since(Instant::now());
        if left.is_zero() {
            // Others have their turn, also when this lane is never early.
            tokio::task::yield_now().await;
            return *self.stop.borrow();
        }
        stopped_within(&mut self.stop, left).await
    }

    /// False: the database did not answer.
    async fn happen(&self, round: u32, moment: Moment, out: &mut HashMap<u32, RentalId>) -> bool {
        let trip = &moment.trip;
        let key = format!("{round}/{}", trip.id);
        let outcome = match moment.what {
            What::Leaves => self.city.leave(trip, &key).await.map(|rental| {
                if let Some(rental) = rental {
                    out.insert(trip.bike, rental);
                }
            }),
            What::Arrives => match out.get(&trip.bike) {
                Some(rental) => self.city.arrive(trip, *rental, &key).await.map(|()| {
                    out.remove(&trip.bike);
                }),
                // It left before the replay began, or was refused.
                None => Ok(()),
            },
        };
        if let Err(error) = &outcome {
            tracing::warn!(?error, trip = trip.id, "a replayed trip failed");
        }
        outcome.is_ok()
    }
}
