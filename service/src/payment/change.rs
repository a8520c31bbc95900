//! Going on with a payment: after the payer has acted, taking what is held, or calling it off.

use entity::payment::{Model, PaymentId, State};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, QueryFilter};
use serde::Serialize;

use super::{
    apply,
    call::{self, Begun, Ours, Request},
    check, due,
    refund::name,
};
use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result, Subject},
    idempotency::Once,
    permission::Permission,
    refusal::Refusal,
    text,
    write::Tx,
};

#[derive(Clone, Debug, Serialize)]
pub struct ConfirmPayment {
    pub payment: PaymentId,
    /// Another method, where the first one did not do.
    pub method: Option<String>,
    pub return_url: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CapturePayment {
    pub payment: PaymentId,
    /// None: all that is held.
    pub amount: Option<Decimal>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CancelPayment {
    pub payment: PaymentId,
}

/// After the payer has acted, or to try another method.
pub async fn confirm(ctx: &Ctx, input: ConfirmPayment, key: &str) -> Result<Model> {
    due::may_pay(ctx)?;
    text::optional("paymentMethod", input.method.as_deref(), 255)?;
    let (input, ours) = (&input, &Ours::default());
    let begun = ctx
        .write_once(Once { operation: "confirm_payment", key, input }, |tx| async move {
            let payment = reachable(&tx, input.payment).await?;
            if !matches!(payment.state, State::RequiresAction | State::Pending) {
                return Err(conflict(&payment));
            }
            let request = Request::Confirm {
                method: input.method.clone(),
                return_url: input.return_url.clone(),
            };
            tx.audit("payment.confirm", Some(&payment), Some(&payment))?;
            call::begin(&tx, &payment, payment.amount_minor, (tx.new_id(), request), ours).await
        })
        .await?;
    call::conclude(ctx, begun, ours).await
}

/// For staff. Less than is held lets the rest go.
pub async fn capture(ctx: &Ctx, input: CapturePayment, key: &str) -> Result<Model> {
    ctx.require(Permission::ManagePayments)?;
    let (input, ours) = (&input, &Ours::default());
    let begun = ctx
        .write_once(Once { operation: "capture_payment", key, input }, |tx| async move {
            let payment = reachable(&tx, input.payment).await?;
            let amount = match input.amount {
                None => payment.of(payment.authorized_minor),
                Some(amount) => entity::money::Money::from_amount(amount, payment.currency)
                    .map_err(|error| Invalid::new("amount", error))?,
            };
            begin_capture(&tx, &payment, amount.minor(), ours).await
        })
        .await?;
    call::conclude(ctx, begun, ours).await
}

/// Takes from a hold, in the write that decides on it.
pub(super) async fn begin_capture(
    tx: &Tx,
    payment: &Model,
    amount_minor: i64,
    ours: &Ours,
) -> Result<Begun> {
    if payment.state != State::Authorized {
        return Err(conflict(payment));
    }
    due::positive(payment.of(amount_minor))?;
    if amount_minor > payment.authorized_minor {
        let due = payment.of(payment.authorized_minor).amount().to_string();
        return Err(Refusal::AmountExceedsDue { due }.into());
    }
    tx.audit("payment.capture", Some(payment), Some(payment))?;
    call::begin(tx, payment, amount_minor, (tx.new_id(), Request::Capture), ours).await
}

/// Before money has moved, or to let go what is held.
pub async fn cancel(ctx: &Ctx, input: CancelPayment, key: &str) -> Result<Model> {
    due::may_pay(ctx)?;
    let (input, ours) = (&input, &Ours::default());
    let begun = ctx
        .write_once(Once { operation: "cancel_payment", key, input }, |tx| async move {
            let payment = reachable(&tx, input.payment).await?;
            let is_rider = tx.ctx().own_customer()?.is_some();
            // Whoever rides on a deposit does not take it away meanwhile.
            let in_use = payment.state == State::Authorized && payment.rental_id.is_some();
            if payment.state.is_settled()
                || payment.provider_reference.is_none()
                || (is_rider && in_use)
            {
                return Err(conflict(&payment));
            }
            begin_cancel(&tx, &payment, ours).await
        })
        .await?;
    call::conclude(ctx, begun, ours).await
}

pub(super) async fn begin_cancel(tx: &Tx, payment: &Model, ours: &Ours) -> Result<Begun> {
    tx.audit("payment.cancel", Some(payment), Some(payment))?;
    call::begin(tx, payment, payment.amount_minor, (tx.new_id(), Request::Cancel), ours).await
}

/// Asks the provider now, for whoever does not want to wait.
pub async fn refresh(ctx: &Ctx, id: PaymentId) -> Result<Model> {
    due::may_pay(ctx)?;
    let payment = super::get(ctx, id).await.map_err(|error| match error {
        Error::Forbidden => Error::NotFound(Subject::Payment),
        other => other,
    })?;
    check::resume(ctx, payment.id).await
}

async fn reachable(tx: &Tx, id: PaymentId) -> Result<Model> {
    if let Some(own) = tx.ctx().own_customer()? {
        let mine = entity::payment::Entity::of(tx.tenant())
            .filter(entity::payment::Column::Id.eq(id))
            .filter(entity::payment::Column::CustomerId.eq(own));
        mine.one(&**tx).await?.ok_or(Error::NotFound(Subject::Payment))?;
    }
    apply::lock(tx, id).await
}

fn conflict(payment: &Model) -> Error {
    Refusal::PaymentStateConflict { state: name(payment.state) }.into()
}
