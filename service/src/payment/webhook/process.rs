//! Looking into what a provider has told: its own answer counts, and what it claimed has to fit.

use chrono::Duration;
use entity::{
    customer,
    payment::{self, Model as Payment, PaymentId, Provider, Purpose, State},
    refund,
    tenant::TenantId,
    webhook::{Column, Entity, Model, WebhookId},
};
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};

use super::{Kept, SEAL, payer_of};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    ledger::{self, Purse},
    payment::{
        call, check,
        create::{fresh, insert},
        due::Due,
        provider::{About, Charge, Claims, RefundOutcome, Unasked},
    },
};

/// A message may come before the answer that names its payment has been kept.
const EARLY: Duration = Duration::minutes(10);

/// As a job: safe to run again.
pub async fn run(app: &App, tenant: TenantId, id: WebhookId) -> Result<()> {
    let ctx = app.system(tenant, "webhook");
    let found = Entity::of(tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    let row = found.ok_or(Error::NotFound(Subject::Payment))?;
    if row.processed_at.is_some() {
        return Ok(());
    }
    let text = app.keys.decrypt(SEAL, &row.sealed_notice)?;
    let kept: Kept = serde_json::from_slice(&text).map_err(Error::internal)?;
    match kept.notice.about {
        About::Payment { reference, claims } => {
            of_payment(&ctx, &row, kept.payment, &reference, &claims).await?;
        }
        About::Refund { reference, outcome } => {
            of_refund(&ctx, &row, &reference, outcome).await?;
        }
        About::Unasked(unasked) => came_unasked(&ctx, row.provider, &unasked).await?,
        About::Question(_) | About::Nothing => {}
    }
    ctx.write(|tx| async move {
        Entity::update_of(tenant)
            .col_expr(Column::ProcessedAt, Expr::value(tx.now()))
            .filter(Column::Id.eq(id))
            .exec(&*tx)
            .await?;
        Ok(())
    })
    .await
}

async fn of_payment(
    ctx: &Ctx,
    row: &Model,
    at: Option<PaymentId>,
    reference: &str,
    claims: &Claims,
) -> Result<()> {
    let query = payment::Entity::of(ctx.tenant)
        .filter(payment::Column::Provider.eq(row.provider))
        .filter(match at {
            Some(id) => payment::Column::Id.eq(id),
            None => payment::Column::ProviderReference.eq(reference),
        });
    let Some(payment) = query.one(ctx.reader()).await? else {
        return early(ctx, row);
    };
    let charge = call::charge_of(ctx, payment.id).await?;
    if !fits(&payment, &charge, reference, claims) {
        tracing::warn!(payment = %payment.id, "a message does not fit the payment that it came for");
        return Ok(());
    }
    check::heard(ctx, payment.id, Some(reference), claims.transaction.as_deref()).await.map(drop)
}

/// Whoever knows the address may write anything into a message without a signature.
fn fits(payment: &Payment, charge: &Charge, reference: &str, claims: &Claims) -> bool {
    let same = payment.provider_reference.as_deref().is_none_or(|known| known == reference);
    let asked = charge.method.as_ref().zip(claims.payer.as_ref());
    same && claims.amount.is_none_or(|amount| amount == payment.amount())
        && asked.is_none_or(|(method, payer)| method == payer)
}

async fn of_refund(
    ctx: &Ctx,
    row: &Model,
    reference: &str,
    outcome: Option<RefundOutcome>,
) -> Result<()> {
    let query =
        refund::Entity::of(ctx.tenant).filter(refund::Column::ProviderReference.eq(reference));
    match query.one(ctx.reader()).await? {
        Some(refund) => crate::payment::refund::heard(ctx, refund.id, outcome).await,
        None => early(ctx, row),
    }
}

/// Tried again later, until it is clear that it is about nothing of ours.
fn early(ctx: &Ctx, row: &Model) -> Result<()> {
    if ctx.now() - row.received_at > EARLY {
        tracing::info!(webhook = %row.id, kind = row.event_type, "a message about nothing of ours");
        return Ok(());
    }
    Err(Error::Unavailable("its payment is not there yet".into()))
}

/// Off what the customer owes; what is more than that goes to the wallet. A prompt that was paid is told like this too, with
/// the payment's own reference: it is the same money.
async fn came_unasked(ctx: &Ctx, provider: Provider, unasked: &Unasked) -> Result<()> {
    if let Some(payment) = super::asked_for(ctx, provider, unasked).await? {
        let transaction = Some(unasked.transaction.as_str());
        return check::heard(ctx, payment.id, None, transaction).await.map(drop);
    }
    let Some(customer) = payer_of(ctx, unasked).await? else {
        tracing::error!(transaction = unasked.transaction, "money came for an unknown account");
        return Ok(());
    };
    let (customer, unasked) = (&customer, unasked);
    ctx.write(|tx| async move {
        let known = payment::Entity::of(tx.tenant())
            .filter(payment::Column::Provider.eq(provider))
            .filter(payment::Column::ProviderTransaction.eq(&unasked.transaction));
        if known.one(&*tx).await?.is_some() {
            return Ok(());
        }
        let due = due(&tx, customer, unasked).await?;
        let mut payment = fresh(&tx, &due, provider, State::Completed);
        payment.captured_minor = payment.amount_minor;
        payment.provider_reference = Some(unasked.transaction.clone());
        payment.provider_transaction = Some(unasked.transaction.clone());
        payment.completed_at = Some(tx.now());
        payment.check_at = None;
        insert(&tx, payment).await.map(drop)
    })
    .await
}

async fn due(tx: &crate::write::Tx, customer: &customer::Model, unasked: &Unasked) -> Result<Due> {
    crate::customer::lock(tx, customer.id).await?;
    let receivable = Purse::receivable(customer.id);
    let owed = ledger::balance(&**tx, tx.tenant(), receivable, unasked.amount.currency()).await?;
    let all_owed = owed.minor() >= unasked.amount.minor();
    let purpose = if all_owed { Purpose::Balance } else { Purpose::TopUp };
    Ok(Due { customer: customer.id, rental: None, purpose, amount: unasked.amount })
}
