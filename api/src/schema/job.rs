//! What happens later: jobs that were given up, and how much waits.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::dead_job::{self, DeadJobId};
use service::job::{
    dead::{self, DiscardDeadJob, Filter, Retried},
    queue::Queue,
    waiting::{self, Waiting},
};

use super::{
    connection::{connection, counted, nodes, page},
    outcome::{self, UserError, payload},
    scalar::{DateTime, Gid},
};
use crate::{context::Call, error::Result};

/// Where jobs wait. What waits in one never delays what waits in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Queue")]
pub enum JobQueueName {
    /// What nothing may wait for.
    Critical,
    /// Money.
    Payments,
    /// What has a time.
    Default,
    /// What tidies up.
    Low,
}

/// A job that was given up.
#[derive(Clone)]
pub struct DeadJob(pub dead_job::Model);

impl From<dead_job::Model> for DeadJob {
    fn from(model: dead_job::Model) -> Self {
        Self(model)
    }
}

/// A job that was tried as often as it may be, or that cannot succeed. It waits for somebody who runs it again or discards it.
/// Jobs that are the same share one as long as nobody has.
#[Object]
impl DeadJob {
    /// Global id, `dead_job_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Where it waited; null for a queue that this version does not have.
    async fn queue(&self) -> Option<JobQueueName> {
        self.0.queue.parse::<Queue>().ok().map(Into::into)
    }

    /// What it does, such as `mark_overdue`. New ones may come; `unreadable` is one that nobody can read.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it was told, as JSON: its name and ids.
    async fn payload(&self) -> &str {
        &self.0.payload
    }

    /// The global id of the object that it is about, such as `rental_…`; null when it is about none. `node` may find it.
    async fn subject_id(&self) -> Option<ID> {
        self.0.subject.clone().map(ID)
    }

    /// How often it was tried.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// Why the last attempt failed, for people. What the database said is in the worker's log alone.
    async fn last_error(&self) -> &str {
        &self.0.error
    }

    /// When an attempt failed first.
    async fn first_failed_at(&self) -> DateTime {
        DateTime(self.0.first_failed_at)
    }

    /// When the last attempt failed.
    async fn last_failed_at(&self) -> DateTime {
        DateTime(self.0.last_failed_at)
    }

    /// Whether nobody has run it again or discarded it yet.
    async fn open(&self) -> bool {
        self.0.is_open()
    }

    /// When it became a new job; null when it did not. Should that die too, it is another dead job.
    async fn retried_at(&self) -> Option<DateTime> {
        self.0.retried_at.map(DateTime)
    }

    /// When somebody said that it does not have to run; null when nobody did.
    async fn discarded_at(&self) -> Option<DateTime> {
        self.0.discarded_at.map(DateTime)
    }

    /// Why it does not have to run; null when nobody said so.
    async fn discard_reason(&self) -> Option<&str> {
        self.0.discard_reason.as_deref()
    }
}

connection!(DeadJobConnection, DeadJobEdge, DeadJob, "jobs that were given up");

/// Which jobs; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct DeadJobFilter {
    /// Of this queue.
    queue: Option<JobQueueName>,
    /// Of exactly this name, such as `mark_overdue`.
    name: Option<String>,
    /// Only those that nobody has run again or discarded, or only the others.
    open: Option<bool>,
}

impl From<DeadJobFilter> for Filter {
    fn from(filter: DeadJobFilter) -> Self {
        Self { queue: filter.queue.map(Into::into), name: filter.name, open: filter.open }
    }
}

/// One queue as it is now, over all tenants.
pub struct JobQueue(Waiting);

/// One queue as it is now, over all tenants.
#[Object]
impl JobQueue {
    /// Which.
    async fn name(&self) -> JobQueueName {
        self.0.queue.into()
    }

    /// Jobs that are due and not begun.
    async fn waiting(&self) -> i64 {
        self.0.waiting
    }

    /// Jobs for a later time.
    async fn scheduled(&self) -> i64 {
        self.0.scheduled
    }

    /// Jobs that are being run.
    async fn running(&self) -> i64 {
        self.0.running
    }

    /// Jobs that have failed and are to be tried again.
    async fn retrying(&self) -> i64 {
        self.0.retrying
    }

    /// Jobs that were given up, and that nobody has run again or discarded yet.
    async fn dead(&self) -> i64 {
        self.0.dead
    }

    /// Since when the oldest of those that are due has been due; null when none is.
    async fn oldest_waiting(&self) -> Option<DateTime> {
        self.0.oldest.map(DateTime)
    }
}

#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// Jobs that were given up, those that failed last first. Owners and administrators of the tenant see the tenant's, the
    /// platform's administrators the platform's own.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and one of the list")]
    async fn dead_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only jobs that match.")] filter: Option<DeadJobFilter>,
    ) -> Result<DeadJobConnection> {
        let filter = Arc::new(Filter::from(filter.unwrap_or_default()));
        let args = page(first, after, last, before);
        let found = dead::list(ctx.call()?, &filter, &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { dead::count(&call, &filter).await }
        });
        Ok(DeadJobConnection { page: nodes(found), count })
    }

    /// How much waits in the queues. For the platform's administrators: the queues are all tenants' together, and a tenant's
    /// share is not known without reading all of them.
    async fn job_queues(&self, ctx: &Context<'_>) -> Result<Vec<JobQueue>> {
        Ok(waiting::queues(ctx.call()?).await?.into_iter().map(JobQueue).collect())
    }
}

/// Which job runs again.
#[derive(InputObject)]
pub struct RetryDeadJobInput {
    /// Which.
    dead_job_id: Gid<DeadJobId>,
}

/// Which jobs run again.
#[derive(InputObject)]
pub struct RetryDeadJobsInput {
    /// Of this queue.
    queue: Option<JobQueueName>,
    /// Of exactly this name, such as `mark_overdue`.
    name: Option<String>,
}

/// Which job does not have to run, and why.
#[derive(InputObject)]
pub struct DiscardDeadJobInput {
    /// Which.
    dead_job_id: Gid<DeadJobId>,
    /// 1 to 500 characters, for those who ask later.
    reason: String,
}

payload!(
    /// What `retryDeadJob` answers.
    RetryDeadJobPayload {
        /// The job, with when it became a new one.
        dead_job: DeadJob
    }
);

/// What `retryDeadJobs` answers.
#[derive(SimpleObject)]
pub struct RetryDeadJobsPayload {
    /// Those that run again by this call.
    dead_jobs: Option<Vec<DeadJob>>,
    /// How many of the same are left for another call.
    left: Option<u64>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

impl RetryDeadJobsPayload {
    fn from_outcome(outcome: service::Result<Retried>) -> Result<Self> {
        let (retried, user_errors) = outcome::outcome(outcome)?;
        let left = retried.as_ref().map(|retried| retried.left);
        let jobs = |retried: Retried| retried.jobs.into_iter().map(DeadJob).collect();
        Ok(Self { dead_jobs: retried.map(jobs), left, user_errors })
    }
}

payload!(
    /// What `discardDeadJob` answers.
    DiscardDeadJobPayload {
        /// The job, with when and why it was discarded.
        dead_job: DeadJob
    }
);

#[derive(Default)]
pub struct JobMutation;

#[Object]
impl JobMutation {
    /// Runs a job again that was given up: as one new job, however often this is called. Fails with `DEAD_JOB_DISCARDED`.
    async fn retry_dead_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job.")] input: RetryDeadJobInput,
    ) -> Result<RetryDeadJobPayload> {
        let outcome = dead::retry(ctx.call()?, input.dead_job_id.0).await;
        RetryDeadJobPayload::from_outcome(outcome)
    }

    /// Runs all open ones again that match, at most 100 in one call and those that failed first before others.
    async fn retry_dead_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which jobs.")] input: RetryDeadJobsInput,
    ) -> Result<RetryDeadJobsPayload> {
        let queue = input.queue.map(Into::into);
        let filter = Filter { queue, name: input.name, open: Some(true) };
        RetryDeadJobsPayload::from_outcome(dead::retry_many(ctx.call()?, &filter).await)
    }

    /// Says that a job does not have to run any more. Fails with `DEAD_JOB_RETRIED` when it runs again already.
    async fn discard_dead_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which job, and why.")] input: DiscardDeadJobInput,
    ) -> Result<DiscardDeadJobPayload> {
        let input = DiscardDeadJob { id: input.dead_job_id.0, reason: input.reason };
        DiscardDeadJobPayload::from_outcome(dead::discard(ctx.call()?, input).await)
    }
}
