//! What happens later, or again and again: jobs, the queues that keep them, and the one reader of events that makes them.
//!
//! To add one: a variant of `Job` and its row in `row`, `about` and `run`; then what makes it, an event in
//! `consumer::follow_up` or a time in `SCHEDULE`. What must run in one place at a time does so under a `lease`.

mod attempt;
pub mod consumer;
pub mod count;
pub mod dead;
mod failure;
pub mod lease;
mod prune;
pub mod queue;
mod retry;
pub mod store;
pub mod waiting;
pub mod worker;

use chrono::Duration;
use entity::{rental::RentalId, tenant::TenantId, vehicle::VehicleId};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

pub use failure::Reason;

use crate::{ctx::App, error::Result, rental::overdue, tenant, vehicle::reserve};
use queue::Queue;
use retry::Retry;

/// A job: ids only, because it runs when everything else may have changed. Each is safe to run twice, early or late.
///
/// A renamed one keeps its old name readable until no queue holds it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Ends a hold that has run out.
    ExpireHold { tenant: TenantId, vehicle: VehicleId },
    /// Marks a rental that is out for too long.
    MarkOverdue { tenant: TenantId, rental: RentalId },
    /// Looks for holds and rentals whose own job was lost.
    Sweep,
    /// Takes old events and done jobs out of their tables.
    Prune,
}

/// What comes again and again, and how often.
pub(crate) const SCHEDULE: &[(Job, Duration)] =
    &[(Job::Sweep, Duration::seconds(30)), (Job::Prune, Duration::minutes(10))];

/// More than this is left to the next sweep.
const SWEPT_AT_ONCE: u64 = 500;

impl Job {
    /// Its name, where it waits, and how often it is tried.
    fn row(&self) -> (&'static str, Queue, Retry) {
        match self {
            Self::ExpireHold { .. } => ("expire_hold", Queue::Default, Retry::FOR_MINUTES),
            Self::MarkOverdue { .. } => ("mark_overdue", Queue::Default, Retry::FOR_MINUTES),
            Self::Sweep => ("sweep", Queue::Low, Retry::BRIEFLY),
            Self::Prune => ("prune", Queue::Low, Retry::BRIEFLY),
        }
    }

    /// Whose it is, and the global id of what it is about.
    fn about(&self) -> (TenantId, Option<String>) {
        match self {
            Self::ExpireHold { tenant, vehicle } => (*tenant, Some(vehicle.to_string())),
            Self::MarkOverdue { tenant, rental } => (*tenant, Some(rental.to_string())),
            Self::Sweep | Self::Prune => (TenantId::PLATFORM, None),
        }
    }

    pub fn run<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<()>> {
        match *self {
            Self::ExpireHold { tenant, vehicle } => reserve::expire(app, tenant, vehicle).boxed(),
            Self::MarkOverdue { tenant, rental } => overdue::mark(app, tenant, rental).boxed(),
            Self::Sweep => sweep(app).boxed(),
            Self::Prune => prune::run(app).boxed(),
        }
    }

    pub fn name(&self) -> &'static str {
        self.row().0
    }

    pub fn queue(&self) -> Queue {
        self.row().1
    }

    pub(crate) fn retry(&self) -> Retry {
        self.row().2
    }
}

/// Goes on after a failure, so that nobody waits for somebody else's trouble; the first failure is the outcome.
async fn sweep(app: &App) -> Result<()> {
    let mut outcome = Ok(());
    for tenant in tenant::all(app).await? {
        outcome = outcome.and(sweep_one(app, tenant.id).await);
    }
    outcome
}

async fn sweep_one(app: &App, tenant: TenantId) -> Result<()> {
    let ctx = app.system(tenant, "sweep");
    let mut outcome = Ok(());
    for vehicle in reserve::run_out(&ctx, app.now(), SWEPT_AT_ONCE).await? {
        outcome = outcome.and(reserve::expire(app, tenant, vehicle).await);
    }
    for rental in overdue::unmarked(&ctx, app.now(), SWEPT_AT_ONCE).await? {
        outcome = outcome.and(overdue::mark(app, tenant, rental).await);
    }
    outcome
}
