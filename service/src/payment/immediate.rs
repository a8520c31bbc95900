//! Payments that nobody has to be asked for: from the customer's wallet, and into the hands of staff.

use entity::payment::{Model, Provider, State};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    account,
    create::{For, fresh, insert},
    due,
};
use crate::{
    ctx::Ctx,
    error::{Invalid, Result},
    idempotency::Once,
    permission::Permission,
    write::Tx,
};

#[derive(Clone, Debug, Serialize)]
pub struct PayFromWallet {
    pub purpose: For,
    /// None: all that is due.
    pub amount: Option<Decimal>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RecordCashPayment {
    pub purpose: For,
    /// None: all that is due.
    pub amount: Option<Decimal>,
}

/// More than the wallet has is refused with `INSUFFICIENT_FUNDS`.
pub async fn from_wallet(ctx: &Ctx, input: PayFromWallet, key: &str) -> Result<Model> {
    due::may_pay(ctx)?;
    if !matches!(input.purpose, For::Rental(_) | For::Balance(_)) {
        return Err(Invalid::new("purpose", "a wallet pays rentals and what is owed").into());
    }
    let input = &input;
    ctx.write_once(Once { operation: "pay_from_wallet", key, input }, |tx| async move {
        pay(&tx, Provider::Wallet, &input.purpose, input.amount).await
    })
    .await
}

/// Staff has the money in hand.
pub async fn record_cash(ctx: &Ctx, input: RecordCashPayment, key: &str) -> Result<Model> {
    ctx.require(Permission::ManagePayments)?;
    if matches!(input.purpose, For::Deposit(_)) {
        return Err(Invalid::new("purpose", "cash is not held: take a top-up instead").into());
    }
    let input = &input;
    ctx.write_once(Once { operation: "record_cash_payment", key, input }, |tx| async move {
        pay(&tx, Provider::Cash, &input.purpose, input.amount).await
    })
    .await
}

async fn pay(tx: &Tx, by: Provider, purpose: &For, amount: Option<Decimal>) -> Result<Model> {
    let due = due::of(tx, purpose, amount).await?;
    account::offers(tx, by, due.amount).await?;
    let mut payment = fresh(tx, &due, by, State::Completed);
    payment.captured_minor = payment.amount_minor;
    payment.completed_at = Some(tx.now());
    payment.check_at = None;
    insert(tx, payment).await
}
