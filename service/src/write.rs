//! The one way to write: a transaction that is retried as a whole, numbers its events last, and announces them after the commit.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use entity::{Id, event, stream_head, tenant::TenantId};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, Statement, sea_query::LockType};

use crate::{
    audit,
    ctx::{Actor, App, Ctx},
    db::Transaction,
    error::{Error, Result},
    event::{Event, Recorded},
};

const ATTEMPTS: u32 = 5;
/// SQLite takes 32,766 values in one statement, and an event has six.
const EVENTS_AT_ONCE: usize = 5_000;

/// The lock of a row that is about to change. Rows that refer to it may come meanwhile: with the stronger `FOR UPDATE`, two
/// that both refer to a station and then count at it would wait for each other for ever.
pub(crate) const ROW: LockType = LockType::NoKeyUpdate;

/// A running write; cheap to clone, and a connection for every query.
#[derive(Clone)]
pub struct Tx(Arc<Inner>);

struct Inner {
    transaction: Transaction,
    ctx: Ctx,
    now: DateTime<Utc>,
    events: Mutex<Vec<Event>>,
    audit: audit::Lines,
}

impl Deref for Tx {
    type Target = Transaction;
    fn deref(&self) -> &Self::Target {
        &self.0.transaction
    }
}

impl Tx {
    /// The time of the whole write.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.now
    }

    pub fn ctx(&self) -> &Ctx {
        &self.0.ctx
    }

    pub fn tenant(&self) -> TenantId {
        self.0.ctx.tenant
    }

    pub fn actor(&self) -> Actor {
        self.0.ctx.actor
    }

    pub fn new_id<I: Id>(&self) -> I {
        self.0.ctx.app.new_id()
    }

    /// Tells everyone, if and when this write commits.
    pub fn record(&self, event: Event) {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    pub(crate) fn audit_lines(&self) -> &audit::Lines {
        &self.0.audit
    }

    /// In a build for development, a change of the fleet that the audit log should have been told of is a defect.
    fn check_audit(&self) -> Result<()> {
        let expected = cfg!(debug_assertions) && audit::is_audited(self.actor());
        let told = || self.0.audit.any();
        let changed = || !self.0.events.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if expected && !told() && changed() {
            return Err(Error::internal("a change that the audit log was not told of"));
        }
        Ok(())
    }
}

impl Ctx {
    /// Runs the whole closure in one transaction, again when the database asks for it.
    pub async fn write<T, F, Fut>(&self, run: F) -> Result<T>
    where
        F: Fn(Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
        T: Send,
    {
        if matches!(self.actor, Actor::Audience(_)) {
            return Err(Error::no_viewer());
        }
        let mut attempt = 1;
        loop {
            match self.attempt(&run).await {
                Err(error) if error.is_retryable() && !error.has_waited() && attempt < ATTEMPTS => {
                    tracing::debug!(attempt, "write is tried again");
                    tokio::time::sleep(jitter(attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt<T, F, Fut>(&self, run: &F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let transaction = self.app.db.begin(self.tenant).await?;
        let limit = transaction.limit();
        let tx = Tx(Arc::new(Inner {
            transaction,
            ctx: self.clone(),
            now: self.now(),
            events: Mutex::default(),
            audit: audit::Lines::default(),
        }));
        let outcome = match limit {
            Some(limit) => tokio::time::timeout(limit, run_whole(run, &tx))
                .await
                .unwrap_or_else(|_| Err(Error::internal("a write held up the others"))),
            None => run_whole(run, &tx).await,
        };
        let inner =
            Arc::try_unwrap(tx.0).map_err(|_| Error::internal("a write outlived its closure"))?;
        match outcome {
            Ok(value) => {
                commit(inner).await?;
                Ok(value)
            }
            Err(error) => {
                let undone = inner.transaction.rollback().await;
                // A defect is one whatever it saw.
                if error.is_defect() { Err(error) } else { undone.and(Err(error)) }
            }
        }
    }
}

/// The use case and its lines in the audit log.
async fn run_whole<T, F, Fut>(run: &F, tx: &Tx) -> Result<T>
where
    F: Fn(Tx) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let value = run(tx.clone()).await?;
    tx.check_audit()?;
    tx.write_audit().await?;
    Ok(value)
}

/// Events take their numbers at the very end, so that the lock on the tenant's head is held for one insert and the commit.
async fn commit(inner: Inner) -> Result<()> {
    let Inner { transaction, ctx, now, events, .. } = inner;
    let events = events.into_inner().unwrap_or_else(PoisonError::into_inner);
    let recorded = if events.is_empty() {
        Vec::new()
    } else {
        number(&transaction, &ctx, now, events).await?
    };
    transaction.commit(move || announce(&ctx.app, ctx.tenant, &recorded)).await
}

async fn number(
    transaction: &Transaction,
    ctx: &Ctx,
    now: DateTime<Utc>,
    events: Vec<Event>,
) -> Result<Vec<Arc<Recorded>>> {
    let count = i64::try_from(events.len()).map_err(Error::internal)?;
    let payloads: Vec<String> = events
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let statement = Statement::from_sql_and_values(
        transaction.get_database_backend(),
        "UPDATE stream_head SET last_seq = last_seq + $1 WHERE tenant_id = $2 RETURNING last_seq, epoch",
        [count.into(), ctx.tenant.into()],
    );
    let head = transaction
        .query_one_raw(statement)
        .await?
        .ok_or_else(|| Error::internal("no stream head"))?;
    let last: i64 = head.try_get("", "last_seq")?;
    let epoch = head.try_get("", "epoch")?;
    let mut rows = Vec::with_capacity(events.len());
    let mut recorded = Vec::with_capacity(events.len());
    for ((event, payload), seq) in events.into_iter().zip(payloads).zip(last - count + 1..) {
        rows.push(event::ActiveModel {
            tenant_id: Set(ctx.tenant),
            seq: Set(seq),
            kind: Set(event.kind().as_str().to_owned()),
            payload: Set(payload),
            actor: Set(ctx.actor.to_string()),
            occurred_at: Set(now),
        });
        let (tenant, actor) = (ctx.tenant, ctx.actor.to_string());
        recorded.push(Arc::new(Recorded { tenant, epoch, seq, event, actor, occurred_at: now }));
    }
    for some in rows.chunks(EVENTS_AT_ONCE) {
        event::Entity::insert_many(some.to_vec()).exec_without_returning(transaction).await?;
    }
    Ok(recorded)
}

fn announce(app: &App, tenant: TenantId, recorded: &[Arc<Recorded>]) {
    if !recorded.is_empty() {
        app.feed.offer(tenant, recorded);
        app.bus.publish(tenant, recorded);
    }
}

/// The head that a new tenant's stream begins with.
pub(crate) fn new_head(ctx: &Ctx, epoch: uuid::Uuid) -> stream_head::ActiveModel {
    stream_head::ActiveModel {
        tenant_id: Set(ctx.tenant),
        last_seq: Set(0),
        first_seq: Set(1),
        epoch: Set(epoch),
    }
}

fn jitter(attempt: u32) -> Duration {
    let spread = crate::keys::random::<1>().map_or(0, |[byte]| u64::from(byte) % 20);
    Duration::from_millis(u64::from(attempt * attempt) * 5 + spread)
}
