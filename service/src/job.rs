//! What happens later, or again and again: jobs, the queue that keeps them, and the one reader of events that makes them.

pub mod consumer;
mod prune;
pub mod queue;
pub mod worker;

use chrono::Duration;
use entity::{receipt::ReceiptId, rental::RentalId, tenant::TenantId, vehicle::VehicleId};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use crate::{ctx::App, error::Result, receipt, rental::overdue, tenant, vehicle::reserve};

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
    /// Mails a receipt to its customer.
    SendReceipt { tenant: TenantId, receipt: ReceiptId },
    /// Looks for holds and rentals whose own job was lost.
    Sweep,
    /// Takes old events and done jobs out of their tables.
    Prune,
}

/// What comes again and again, and how often.
pub(crate) const SCHEDULE: [(Job, Duration); 2] =
    [(Job::Sweep, Duration::seconds(30)), (Job::Prune, Duration::minutes(10))];

/// More than this is left to the next sweep.
const SWEPT_AT_ONCE: u64 = 500;

impl Job {
    pub fn name(&self) -> &'static str {
        match self {
            Self::ExpireHold { .. } => "expire_hold",
            Self::MarkOverdue { .. } => "mark_overdue",
            Self::SendReceipt { .. } => "send_receipt",
            Self::Sweep => "sweep",
            Self::Prune => "prune",
        }
    }

    pub fn run<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<()>> {
        match *self {
            Self::ExpireHold { tenant, vehicle } => reserve::expire(app, tenant, vehicle).boxed(),
            Self::MarkOverdue { tenant, rental } => overdue::mark(app, tenant, rental).boxed(),
            Self::SendReceipt { tenant, receipt } => {
                receipt::send::run(app, tenant, receipt).boxed()
            }
            Self::Sweep => sweep(app).boxed(),
            Self::Prune => prune::run(app).boxed(),
        }
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
