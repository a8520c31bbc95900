//! Asking the provider what became of a payment: for jobs, for the janitor, and for whoever cannot wait.

use entity::{
    payment::{Model, PaymentId, State},
    payment_attempt::Verb,
    tenant::TenantId,
};

use super::{
    account,
    apply::{Heard, Told, apply},
    call,
    provider::Outcome,
};
use crate::{
    ctx::{App, Ctx},
    error::Result,
};

/// As a job: safe at any time and any number of times.
pub async fn run(app: &App, tenant: TenantId, payment: PaymentId) -> Result<()> {
    resume(&app.system(tenant, "check_payment"), payment).await.map(drop)
}

/// Finds out how the payment stands, and finishes a call that nobody has finished.
pub(super) async fn resume(ctx: &Ctx, id: PaymentId) -> Result<Model> {
    let payment = super::by_id(ctx, id).await?;
    if payment.state.is_settled() && payment.check_at.is_none() {
        return Ok(payment);
    }
    ask(ctx, payment, None, None).await
}

/// A provider has told something of it: the reference and the transaction that it named may be new to us.
pub(super) async fn heard(
    ctx: &Ctx,
    id: PaymentId,
    reference: Option<&str>,
    transaction: Option<&str>,
) -> Result<Model> {
    let payment = super::by_id(ctx, id).await?;
    if matches!(payment.state, State::Failed | State::Canceled) {
        return Ok(payment);
    }
    ask(ctx, payment, reference, transaction).await
}

async fn ask(
    ctx: &Ctx,
    payment: Model,
    reference: Option<&str>,
    transaction: Option<&str>,
) -> Result<Model> {
    let id = payment.id;
    let pending = call::pending(ctx, id).await?;
    if pending.as_ref().is_some_and(|attempt| attempt.locked_until > ctx.now()) {
        return Ok(payment);
    }
    let provider = account::provider(ctx, payment.provider).await?;
    let charge = call::charge_of(ctx, id).await?;
    let reference = payment.provider_reference.as_deref().or(reference);
    let asked = provider.fetch(&charge, reference).await.map(|mut answer| {
        answer.transaction = answer.transaction.or_else(|| transaction.map(ToOwned::to_owned));
        answer
    });
    let mut told = Told::of_question(asked);
    // What was to change a hold, and has not, is asked for again under the same name.
    if let (Some(attempt), Told::Answer(answer)) = (&pending, &told)
        && answer.outcome == Outcome::Authorized
        && payment.state == State::Authorized
        && matches!(attempt.verb, Verb::Capture | Verb::Cancel)
    {
        told = Told::of(call::again(ctx, &*provider, &payment, attempt).await?);
    }
    let attempt = pending.map(|attempt| attempt.id);
    apply(ctx, Heard { payment: id, attempt, as_of: Some(payment.version), told }).await
}
