//! Giving money back: never more than was taken, whoever asks at the same time.

use entity::{
    payment::{self, Model as Payment, PaymentId, Provider, State as PaymentState},
    refund::{Column, Entity, Model, RefundId, State},
};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter};
use serde::{Deserialize, Serialize};

use super::{
    REFUNDS_WITHIN_CAPTURED, account, apply, books,
    call::LEASE,
    due,
    provider::{self, Decline, ProviderError, RefundAnswer, RefundOutcome},
    schedule,
};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Invalid, OnConstraint, Result, Subject},
    event::Event,
    idempotency::Once,
    permission::Permission,
    receipt::{self, Cause},
    refusal::Refusal,
    text,
    write::{ROW, Tx},
};

#[derive(Clone, Debug, Serialize)]
pub struct RefundPayment {
    pub payment: PaymentId,
    /// None: all that is left of it.
    pub amount: Option<Decimal>,
    pub reason: Option<String>,
}

/// A refund, and the payment as it leaves it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refunded {
    pub refund: Model,
    pub payment: Payment,
}

/// What is known of a refund after its call.
enum Told {
    Answer(RefundAnswer),
    Lost,
    No(Decline),
    Nothing,
}

/// Reserves the amount first, then asks the provider. More than is left is refused with `REFUND_EXCEEDS_PAYMENT`.
pub async fn refund(ctx: &Ctx, input: RefundPayment, key: &str) -> Result<Refunded> {
    ctx.require(Permission::ManagePayments)?;
    let input =
        &RefundPayment { reason: text::optional("reason", input.reason.as_deref(), 500)?, ..input };
    let ours = &std::sync::Mutex::new(None);
    let id = ctx
        .write_once(Once { operation: "refund_payment", key, input }, |tx| async move {
            let id = begin(&tx, input).await?;
            *ours.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(id);
            Ok(id)
        })
        .await?;
    let mine = *ours.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Some(id);
    if mine {
        let ctx = ctx.clone();
        let call = tokio::spawn(async move { make(&ctx, id).await });
        return call.await.map_err(Error::internal)?;
    }
    answered(ctx, id).await
}

async fn begin(tx: &Tx, input: &RefundPayment) -> Result<RefundId> {
    let payment = apply::lock(tx, input.payment).await?;
    if payment.state != PaymentState::Completed {
        return Err(Refusal::PaymentNotRefundable { state: name(payment.state) }.into());
    }
    let left = payment.refundable();
    let amount = match input.amount {
        None => left,
        Some(amount) => entity::money::Money::from_amount(amount, payment.currency)
            .map_err(|error| Invalid::new("amount", error))?,
    };
    if left.minor() == 0 || amount.minor() > left.minor() {
        return Err(Refusal::RefundExceedsPayment { left: left.amount().to_string() }.into());
    }
    let amount = due::positive(amount)?;
    let refund = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        payment_id: payment.id,
        currency: payment.currency,
        amount_minor: amount.minor(),
        state: State::Pending,
        reason: input.reason.clone(),
        provider_reference: None,
        failure_code: None,
        failure_message: None,
        version: 1,
        check_at: Some(tx.now() + LEASE),
        checks: 0,
        locked_until: tx.now() + LEASE,
        completed_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    let refund = refund.into_active_model().reset_all().insert(&**tx).await?;
    let after =
        Payment { refunding_minor: payment.refunding_minor + amount.minor(), ..payment.clone() };
    books::begin_refund(tx, &after, &refund).await?;
    tx.audit("payment.refund", Some(&payment), Some(&after))?;
    keep(tx, after, &refund).await?;
    Ok(refund.id)
}

/// The payment's sums, and the news.
async fn keep(tx: &Tx, mut payment: Payment, refund: &Model) -> Result<Payment> {
    payment.version += 1;
    payment.updated_at = tx.now();
    let payment = payment.into_active_model().reset_all().update(&**tx).await.on_constraint(
        REFUNDS_WITHIN_CAPTURED,
        Refusal::RefundExceedsPayment { left: "less".into() },
    )?;
    tx.record(Event::RefundChanged {
        refund: Box::new(refund.clone()),
        payment: Box::new(payment.clone()),
    });
    Ok(payment)
}

async fn make(ctx: &Ctx, id: RefundId) -> Result<Refunded> {
    let (refund, payment) = both(ctx, id).await?;
    crate::fail::point("payment.before_call");
    let told = match payment.provider {
        // Nobody is in between: staff hands it over, the ledger moves it.
        Provider::Cash | Provider::Wallet => {
            Told::Answer(RefundAnswer { reference: None, outcome: RefundOutcome::Completed })
        }
        _ => ask(ctx, &refund, &payment, false).await?,
    };
    crate::fail::point("payment.after_call");
    apply_told(ctx, &refund, told).await
}

async fn ask(ctx: &Ctx, refund: &Model, payment: &Payment, again: bool) -> Result<Told> {
    let provider = match account::provider(ctx, payment.provider).await {
        Ok(provider) => provider,
        Err(error) if error.is_retryable() || again => return Err(error),
        Err(_) => return Ok(Told::No(misconfigured())),
    };
    let request = provider::Refund {
        refund: refund.id,
        payment: payment.id,
        reference: payment
            .provider_reference
            .clone()
            .ok_or_else(|| Error::internal("a completed payment without a reference"))?,
        transaction: payment.provider_transaction.clone(),
        amount: refund.amount(),
        total: payment.of(payment.refunded_minor + payment.refunding_minor),
        reason: refund.reason.clone(),
        callback_url: super::webhook::url_of(ctx, payment),
    };
    let answer = if again {
        provider.fetch_refund(&request, refund.provider_reference.as_deref()).await
    } else {
        provider.refund(&request).await
    };
    Ok(match answer {
        Ok(answer) => Told::Answer(answer),
        Err(_) if again => Told::Nothing,
        Err(ProviderError::Lost(_) | ProviderError::Nonsense(_)) => Told::Lost,
        Err(ProviderError::Refused(decline)) => Told::No(decline),
        Err(ProviderError::Credentials) => Told::No(misconfigured()),
        Err(ProviderError::Unavailable(_)) => Told::No(Decline {
            code: "provider_unavailable".into(),
            message: "the provider cannot be reached at the moment".into(),
        }),
        Err(ProviderError::Unsupported) => Told::No(Decline {
            code: "unsupported".into(),
            message: "this provider cannot give money back".into(),
        }),
    })
}

fn misconfigured() -> Decline {
    let message = "the provider does not accept the operator's account".into();
    Decline { code: "provider_misconfigured".into(), message }
}

async fn apply_told(ctx: &Ctx, asked: &Model, told: Told) -> Result<Refunded> {
    let (ctx, told) = (&ctx.app.system(ctx.tenant, "refund"), &told);
    ctx.write(|tx| async move {
        let payment = apply::lock(&tx, asked.payment_id).await?;
        let query = Entity::of(tx.tenant()).filter(Column::Id.eq(asked.id));
        let refund = sea_orm::QuerySelect::lock(query, ROW).one(&*tx).await?;
        let refund = refund.ok_or(Error::NotFound(Subject::Refund))?;
        if refund.version != asked.version || refund.is_settled() {
            return Ok(Refunded { refund, payment });
        }
        settle(&tx, refund, payment, told).await
    })
    .await
}

async fn settle(tx: &Tx, mut refund: Model, mut payment: Payment, told: &Told) -> Result<Refunded> {
    let failed = match told {
        Told::Answer(RefundAnswer { reference, outcome }) => {
            refund.provider_reference = reference.clone().or(refund.provider_reference);
            refund.state = match outcome {
                RefundOutcome::Processing => State::Pending,
                RefundOutcome::Completed => State::Completed,
                RefundOutcome::Failed(_) => State::Failed,
            };
            if let RefundOutcome::Failed(decline) = outcome { Some(decline) } else { None }
        }
        Told::Lost => {
            refund.state = State::Unknown;
            None
        }
        Told::No(decline) => {
            refund.state = State::Failed;
            Some(decline)
        }
        Told::Nothing => None,
    };
    if let Some(decline) = failed {
        refund.failure_code = Some(decline.code.clone());
        refund.failure_message = Some(decline.message.clone());
    }
    match refund.state {
        State::Completed => {
            refund.completed_at = Some(tx.now());
            payment.refunding_minor -= refund.amount_minor;
            payment.refunded_minor += refund.amount_minor;
            books::finish_refund(tx, &payment, &refund).await?;
            crate::fail::point("payment.before_receipt");
            receipt::issue(tx, Cause::Refund(&payment, &refund)).await?;
        }
        State::Failed => {
            payment.refunding_minor -= refund.amount_minor;
            books::fail_refund(tx, &payment, &refund).await?;
        }
        State::Pending | State::Unknown => refund.checks += 1,
    }
    refund.check_at = schedule::next_refund(&refund, tx.now());
    refund.version += 1;
    refund.updated_at = tx.now();
    let refund = refund.into_active_model().reset_all().update(&**tx).await?;
    let payment = keep(tx, payment, &refund).await?;
    Ok(Refunded { refund, payment })
}

/// The refunds of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[RefundId]) -> Result<Vec<Model>> {
    let found = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    let found = found.all(ctx.reader()).await?;
    let of: Vec<_> = found.iter().map(|refund| refund.payment_id).collect();
    let seen = super::get_many(ctx, &of).await?;
    let seen: Vec<_> = seen.into_iter().map(|payment| payment.id).collect();
    Ok(found.into_iter().filter(|refund| seen.contains(&refund.payment_id)).collect())
}

/// As a job: what became of a refund that has not ended.
pub async fn check(app: &App, tenant: entity::tenant::TenantId, id: RefundId) -> Result<()> {
    let ctx = &app.system(tenant, "check_refund");
    let (refund, payment) = both(ctx, id).await?;
    if refund.is_settled() || refund.locked_until > ctx.now() && refund.checks == 0 {
        return Ok(());
    }
    let told = match payment.provider {
        Provider::Cash | Provider::Wallet => {
            Told::Answer(RefundAnswer { reference: None, outcome: RefundOutcome::Completed })
        }
        _ => ask(ctx, &refund, &payment, true).await?,
    };
    apply_told(ctx, &refund, told).await.map(drop)
}

/// A provider has told something of it. What it says itself counts where it cannot be asked.
pub(super) async fn heard(ctx: &Ctx, id: RefundId, outcome: Option<RefundOutcome>) -> Result<()> {
    let (refund, payment) = both(ctx, id).await?;
    if refund.is_settled() {
        return Ok(());
    }
    let told = match (ask(ctx, &refund, &payment, true).await?, outcome) {
        (Told::Answer(answer), Some(outcome)) if answer.outcome == RefundOutcome::Processing => {
            Told::Answer(RefundAnswer { outcome, ..answer })
        }
        (Told::Nothing, Some(outcome)) => Told::Answer(RefundAnswer { reference: None, outcome }),
        (told, _) => told,
    };
    apply_told(ctx, &refund, told).await.map(drop)
}

/// The same call, made again elsewhere: waits until the first one's provider has answered.
async fn answered(ctx: &Ctx, id: RefundId) -> Result<Refunded> {
    let waited = async {
        loop {
            let (refund, payment) = both(ctx, id).await?;
            if refund.version > 1 || refund.locked_until <= ctx.now() {
                return Ok(Refunded { refund, payment });
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let late = |_| Error::Unavailable("the provider has not answered yet".into());
    tokio::time::timeout(std::time::Duration::from_secs(30), waited).await.map_err(late)?
}

async fn both(ctx: &Ctx, id: RefundId) -> Result<(Model, Payment)> {
    let refund = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    let refund = refund.ok_or(Error::NotFound(Subject::Refund))?;
    let payment = payment::Entity::of(ctx.tenant)
        .filter(payment::Column::Id.eq(refund.payment_id))
        .one(ctx.reader())
        .await?;
    Ok((refund, payment.ok_or(Error::NotFound(Subject::Payment))?))
}

/// As clients call it.
pub(super) fn name(state: PaymentState) -> String {
    format!("{state:?}").to_uppercase()
}
