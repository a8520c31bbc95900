//! A job whose last attempt has failed becomes a row that people see.

use chrono::{DateTime, Utc};
use entity::{
    dead_job::{Column, Entity, Model},
    tenant::{self, TenantId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
};
use serde_json::Value;

use super::super::{Job, store::Claimed};
use crate::{
    ctx::App,
    error::{Error, Result},
    event::Event,
    tenant::administrator,
    write::{ROW, Tx},
};

/// Of a payload that nobody can read, so much is kept.
const SHOWN: usize = 4_000;

/// Once for each job; and jobs that are the same share one row as long as it is open, so that what comes again and again does
/// not flood anybody.
pub(in super::super) async fn bury(
    app: &App,
    claimed: &Claimed,
    error: &str,
    first_failed_at: DateTime<Utc>,
) -> Result<()> {
    let letter = Letter::of(claimed)?;
    let tenant = home(app, letter.tenant).await?;
    tracing::error!(%tenant, name = letter.name, queue = %claimed.queue, id = claimed.id, error, "a job is dead");
    let letter = &letter;
    let ctx = app.system(tenant, "bury");
    ctx.write(|tx| async move {
        if is_told(&tx, claimed).await? || joins_another(&tx, claimed, letter, error).await? {
            return Ok(());
        }
        let dead = Model {
            tenant_id: tenant,
            id: tx.new_id(),
            job_id: claimed.id.clone(),
            queue: claimed.queue.as_str().to_owned(),
            name: letter.name.clone(),
            payload: letter.payload.clone(),
            subject: letter.subject.clone(),
            attempts: tried(claimed),
            error: error.to_owned(),
            first_failed_at,
            last_failed_at: tx.now(),
            retried_at: None,
            discarded_at: None,
            discard_reason: None,
        };
        let dead = dead.into_active_model().reset_all().insert(&*tx).await?;
        tx.record(Event::DeadJobChanged { id: dead.id });
        Ok(())
    })
    .await
}

/// The worker that told it died before it could write that down.
async fn is_told(tx: &Tx, claimed: &Claimed) -> Result<bool> {
    let of_job = Entity::of(tx.tenant()).filter(Column::JobId.eq(&claimed.id));
    Ok(of_job.count(&**tx).await? > 0)
}

async fn joins_another(tx: &Tx, claimed: &Claimed, letter: &Letter, error: &str) -> Result<bool> {
    let same = Entity::of(tx.tenant())
        .filter(Column::Queue.eq(claimed.queue.as_str()))
        .filter(Column::Name.eq(&letter.name))
        .filter(Column::Payload.eq(&letter.payload))
        .filter(Column::RetriedAt.is_null())
        .filter(Column::DiscardedAt.is_null())
        .lock(ROW)
        .one(&**tx)
        .await?;
    let Some(same) = same else { return Ok(false) };
    let attempts = same.attempts.saturating_add(tried(claimed));
    let (error, last_failed_at) = (error.to_owned(), tx.now());
    super::store(tx, Model { attempts, error, last_failed_at, ..same }).await?;
    Ok(true)
}

/// The one after the last is not made.
fn tried(claimed: &Claimed) -> i32 {
    Ord::max(Ord::min(claimed.attempt, claimed.most_attempts), 1)
}

/// What can be told of a job, even of one that cannot be read.
struct Letter {
    tenant: TenantId,
    name: String,
    payload: String,
    subject: Option<String>,
}

impl Letter {
    fn of(claimed: &Claimed) -> Result<Self> {
        if let Ok(job) = serde_json::from_slice::<Job>(&claimed.payload) {
            let (tenant, subject) = job.about();
            let payload = serde_json::to_string(&job).map_err(Error::internal)?;
            return Ok(Self { tenant, name: job.name().to_owned(), payload, subject });
        }
        let text = String::from_utf8_lossy(&claimed.payload);
        let value = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_ref()));
        let field = |name: &str| value.get(name).and_then(Value::as_str);
        let tenant = field("tenant").and_then(|id| id.parse().ok()).unwrap_or(TenantId::PLATFORM);
        let name = field("job").unwrap_or("unreadable").chars().take(100).collect();
        let mut payload = value.to_string();
        if payload.len() > SHOWN {
            let shown: String = text.chars().take(SHOWN / 8).collect();
            payload = Value::from(shown).to_string();
        }
        Ok(Self { tenant, name, payload, subject: None })
    }
}

/// The platform's own where there is no such tenant.
async fn home(app: &App, id: TenantId) -> Result<TenantId> {
    let known = tenant::Entity::all().filter(tenant::Column::Id.eq(id));
    if id != TenantId::PLATFORM && known.count(app.db.reader()).await? > 0 {
        return Ok(id);
    }
    administrator::found(app).await?;
    Ok(TenantId::PLATFORM)
}
