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
use entity::{
    payment::{self, PaymentId},
    receipt::ReceiptId,
    refund::RefundId,
    rental::RentalId,
    tenant::TenantId,
    vehicle::VehicleId,
    webhook::WebhookId,
};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

pub use failure::Reason;

use crate::{
    ctx::App,
    error::Result,
    payment::{announce, check, deposit, refund, sweep as payment_sweep, webhook},
    receipt,
    rental::overdue,
    tenant,
    vehicle::reserve,
};
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
    /// Asks a provider what became of a payment.
    CheckPayment { tenant: TenantId, payment: PaymentId },
    /// Asks a provider what became of a refund.
    CheckRefund { tenant: TenantId, refund: RefundId },
    /// Looks into what a provider has told.
    ProcessWebhook { tenant: TenantId, webhook: WebhookId },
    /// Tells an older system's listeners how a payment stands.
    AnnouncePayment { tenant: TenantId, payment: PaymentId, state: payment::State },
    /// Lets go what was held for a ride, or takes what its rider has to pay for.
    SettleDeposit { tenant: TenantId, rental: RentalId },
    /// Looks for payments and refunds whose own job was lost.
    SweepPayments,
    /// Mails a receipt to its customer.
    SendReceipt { tenant: TenantId, receipt: ReceiptId },
    /// Looks for holds and rentals whose own job was lost.
    Sweep,
    /// Takes old events and done jobs out of their tables.
    Prune,
}

/// What comes again and again, and how often.
pub(crate) const SCHEDULE: &[(Job, Duration)] = &[
    (Job::Sweep, Duration::seconds(30)),
    (Job::SweepPayments, Duration::seconds(60)),
    (Job::Prune, Duration::minutes(10)),
];

/// More than this is left to the next sweep.
const SWEPT_AT_ONCE: u64 = 500;

impl Job {
    /// Its name, where it waits, and how often it is tried.
    fn row(&self) -> (&'static str, Queue, Retry) {
        match self {
            Self::ExpireHold { .. } => ("expire_hold", Queue::Default, Retry::FOR_MINUTES),
            Self::MarkOverdue { .. } => ("mark_overdue", Queue::Default, Retry::FOR_MINUTES),
            Self::CheckPayment { .. } => ("check_payment", Queue::Payments, Retry::BRIEFLY),
            Self::CheckRefund { .. } => ("check_refund", Queue::Payments, Retry::BRIEFLY),
            Self::ProcessWebhook { .. } => ("process_webhook", Queue::Payments, Retry::FOR_A_DAY),
            Self::AnnouncePayment { .. } => ("announce_payment", Queue::Default, Retry::FOR_A_DAY),
            Self::SettleDeposit { .. } => ("settle_deposit", Queue::Payments, Retry::FOR_A_DAY),
            Self::SendReceipt { .. } => ("send_receipt", Queue::Default, Retry::FOR_A_DAY),
            Self::SweepPayments => ("sweep_payments", Queue::Payments, Retry::BRIEFLY),
            Self::Sweep => ("sweep", Queue::Low, Retry::BRIEFLY),
            Self::Prune => ("prune", Queue::Low, Retry::BRIEFLY),
        }
    }

    /// Whose it is, and the global id of what it is about.
    fn about(&self) -> (TenantId, Option<String>) {
        match self {
            Self::ExpireHold { tenant, vehicle } => (*tenant, Some(vehicle.to_string())),
            Self::MarkOverdue { tenant, rental } | Self::SettleDeposit { tenant, rental } => {
                (*tenant, Some(rental.to_string()))
            }
            Self::CheckPayment { tenant, payment }
            | Self::AnnouncePayment { tenant, payment, .. } => (*tenant, Some(payment.to_string())),
            Self::CheckRefund { tenant, refund } => (*tenant, Some(refund.to_string())),
            Self::SendReceipt { tenant, receipt } => (*tenant, Some(receipt.to_string())),
            Self::ProcessWebhook { tenant, webhook } => (*tenant, Some(webhook.to_string())),
            Self::Sweep | Self::SweepPayments | Self::Prune => (TenantId::PLATFORM, None),
        }
    }

    pub fn run<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<()>> {
        match *self {
            Self::ExpireHold { tenant, vehicle } => reserve::expire(app, tenant, vehicle).boxed(),
            Self::MarkOverdue { tenant, rental } => overdue::mark(app, tenant, rental).boxed(),
            Self::CheckPayment { tenant, payment } => check::run(app, tenant, payment).boxed(),
            Self::CheckRefund { tenant, refund: id } => refund::check(app, tenant, id).boxed(),
            Self::ProcessWebhook { tenant, webhook: id } => webhook::run(app, tenant, id).boxed(),
            Self::AnnouncePayment { tenant, payment, state } => {
                announce(app, tenant, payment, state).boxed()
            }
            Self::SettleDeposit { tenant, rental } => deposit::settle(app, tenant, rental).boxed(),
            Self::SweepPayments => payment_sweep::run(app).boxed(),
            Self::SendReceipt { tenant, receipt } => {
                receipt::send::run(app, tenant, receipt).boxed()
            }
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
