//! One call to a provider: its row is written before it is made, and its answer is applied after.
//!
//! Between the two nothing is certain, so whoever finds a row without an answer asks the provider before doing anything
//! again. The call itself is a task of its own: a client that goes away does not cut it in half.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration as Pause,
};

use chrono::Duration;
use entity::{
    payment::{Model, PaymentId},
    payment_attempt::{self as attempt, AttemptId, State, Verb},
};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};

use super::{
    account,
    apply::{self, Heard, Told},
    provider::{Cancel, Capture, Charge, Confirm, PaymentProvider},
};
use crate::{
    ctx::Ctx,
    error::{Constraint, Error, OnConstraint, Result, Subject},
    refusal::Refusal,
    write::Tx,
};

/// The guarantee behind one call at a time for each payment.
pub const ONE_OPEN: Constraint = Constraint {
    name: "payment_attempt_one_open",
    columns: "payment_attempt.tenant_id, payment_attempt.payment_id",
};

/// How long whoever has begun a call may take for it. Longer than any provider is waited for.
pub(super) const LEASE: Duration = Duration::seconds(60);
/// How long the same call, made again elsewhere, waits for the first one's answer.
const PATIENCE: Pause = Pause::from_secs(30);
const SEAL: &str = "payment_attempt";

/// What a provider is asked for. Kept with the attempt, sealed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub(super) enum Request {
    Charge(Box<Charge>),
    Confirm { method: Option<String>, return_url: Option<String> },
    Capture,
    Cancel,
}

/// A call that is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub attempt: AttemptId,
    pub payment: PaymentId,
}

/// Which of the calls that are written down is this task's to make.
#[derive(Default)]
pub(super) struct Ours(Mutex<Option<AttemptId>>);

impl Ours {
    fn is(&self, id: AttemptId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
    }

    fn has(&self, begun: Begun) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Some(begun.attempt)
    }
}

impl Request {
    fn verb(&self) -> Verb {
        match self {
            Self::Charge(_) => Verb::Charge,
            Self::Confirm { .. } => Verb::Confirm,
            Self::Capture => Verb::Capture,
            Self::Cancel => Verb::Cancel,
        }
    }
}

/// Writes a call down, in the write that decides on it. A second one at the same time is refused.
pub(super) async fn begin(
    tx: &Tx,
    payment: &Model,
    amount_minor: i64,
    (id, request): (AttemptId, Request),
    ours: &Ours,
) -> Result<Begun> {
    let last = attempt::Entity::of(tx.tenant())
        .filter(attempt::Column::PaymentId.eq(payment.id))
        .order_by_desc(attempt::Column::Number)
        .one(&**tx)
        .await?;
    let text = serde_json::to_vec(&request).map_err(Error::internal)?;
    let row = attempt::Model {
        tenant_id: tx.tenant(),
        id,
        payment_id: payment.id,
        number: last.map_or(1, |last| last.number + 1),
        verb: request.verb(),
        amount_minor,
        state: State::Pending,
        sealed_request: tx.ctx().app.keys.encrypt(SEAL, &text)?,
        locked_until: tx.now() + LEASE,
        failure_code: None,
        failure_message: None,
        answer: None,
        started_at: tx.now(),
        ended_at: None,
    };
    let row = row.into_active_model().reset_all();
    row.insert(&**tx).await.on_constraint(ONE_OPEN, Refusal::PaymentUnderWay)?;
    ours.is(id);
    Ok(Begun { attempt: id, payment: payment.id })
}

/// The payment as the call left it: by making it, or by waiting for whoever does.
pub(super) async fn conclude(ctx: &Ctx, begun: Begun, ours: &Ours) -> Result<Model> {
    if ours.has(begun) {
        let ctx = ctx.clone();
        let call = tokio::spawn(async move { make(&ctx, begun).await });
        return call.await.map_err(Error::internal)?;
    }
    let mut pause = Pause::from_millis(10);
    let waited = async {
        loop {
            let row = get(ctx, begun.attempt).await?;
            if let Some(attempt::Answer(answer)) = row.answer {
                return Ok(*answer);
            }
            if row.locked_until <= ctx.now() {
                return super::check::resume(ctx, begun.payment).await;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Pause::from_millis(250));
        }
    };
    let late = |_| Error::Unavailable("the provider has not answered yet".into());
    tokio::time::timeout(PATIENCE, waited).await.map_err(late)?
}

async fn make(ctx: &Ctx, begun: Begun) -> Result<Model> {
    let payment = super::by_id(ctx, begun.payment).await?;
    let row = get(ctx, begun.attempt).await?;
    crate::fail::point("payment.before_call");
    let told = match account::provider(ctx, payment.provider).await {
        Ok(provider) => Told::of(call(ctx, &*provider, &payment, &row).await?),
        Err(error) if error.is_retryable() => return Err(error),
        // Without credentials nothing is asked, so nothing has happened.
        Err(_) => Told::misconfigured(),
    };
    crate::fail::point("payment.after_call");
    apply::apply(ctx, Heard { payment: begun.payment, attempt: Some(row.id), as_of: None, told })
        .await
}

async fn call(
    ctx: &Ctx,
    provider: &dyn PaymentProvider,
    payment: &Model,
    row: &attempt::Model,
) -> Result<super::provider::Result<super::provider::Answer>> {
    let reference = || {
        payment.provider_reference.clone().ok_or_else(|| Error::internal("no provider reference"))
    };
    Ok(match open(ctx, row)? {
        Request::Charge(charge) => provider.charge(&charge).await,
        Request::Confirm { method, return_url } => {
            let confirm = Confirm {
                attempt: row.id,
                reference: reference()?,
                amount: payment.amount(),
                manual_capture: payment.manual_capture,
                method,
                return_url,
            };
            provider.confirm(&confirm).await
        }
        Request::Capture => {
            let amount = payment.of(row.amount_minor);
            provider.capture(&Capture { attempt: row.id, reference: reference()?, amount }).await
        }
        Request::Cancel => {
            provider.cancel(&Cancel { attempt: row.id, reference: reference()? }).await
        }
    })
}

/// Makes a call again that may have been made: for providers that know it by the attempt.
pub(super) async fn again(
    ctx: &Ctx,
    provider: &dyn PaymentProvider,
    payment: &Model,
    row: &attempt::Model,
) -> Result<super::provider::Result<super::provider::Answer>> {
    call(ctx, provider, payment, row).await
}

/// What the payment was asked for with at first.
pub(super) async fn charge_of(ctx: &Ctx, payment: PaymentId) -> Result<Charge> {
    let first = attempt::Entity::of(ctx.tenant)
        .filter(attempt::Column::PaymentId.eq(payment))
        .filter(attempt::Column::Number.eq(1))
        .one(ctx.reader())
        .await?;
    let first = first.ok_or_else(|| Error::internal("a payment without an attempt"))?;
    match open(ctx, &first)? {
        Request::Charge(charge) => Ok(*charge),
        _ => Err(Error::internal("a payment that did not begin with a charge")),
    }
}

/// The one that has no answer yet.
pub(super) async fn pending(ctx: &Ctx, payment: PaymentId) -> Result<Option<attempt::Model>> {
    Ok(attempt::Entity::of(ctx.tenant)
        .filter(attempt::Column::PaymentId.eq(payment))
        .filter(attempt::Column::State.eq(State::Pending))
        .one(ctx.reader())
        .await?)
}

async fn get(ctx: &Ctx, id: AttemptId) -> Result<attempt::Model> {
    let row = attempt::Entity::of(ctx.tenant)
        .filter(attempt::Column::Id.eq(id))
        .one(ctx.reader())
        .await?;
    row.ok_or(Error::NotFound(Subject::Payment))
}

fn open(ctx: &Ctx, row: &attempt::Model) -> Result<Request> {
    let text = ctx.app.keys.decrypt(SEAL, &row.sealed_request)?;
    serde_json::from_slice(&text).map_err(Error::internal)
}
