//! Holds: money that is reserved first, and later taken in full or part, or freed.

use entity::{
    account,
    money::Money,
    transfer::{self, Column, Entity, Kind, Phase},
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    Entry,
    booking::{self, Draft, Second},
    purse::Name,
};
use crate::{
    error::{Error, Result},
    refusal::Refusal,
    write::{ROW, Tx},
};

/// Reserves the entry's amount on both of its accounts, until one of the others here ends it by the entry's reference.
///
/// More than a wallet or deposit has is `INSUFFICIENT_FUNDS`.
pub async fn hold(tx: &Tx, entry: &Entry) -> Result<()> {
    booking::book(tx, vec![Draft::pending(entry)], Second::IsDefect).await
}

/// How much a hold reserves; None when there is none, or it has ended.
pub async fn held(tx: &Tx, hold: &str) -> Result<Option<Money>> {
    match booking::find(tx, hold).await? {
        Some(pending) if is_open(tx, &pending).await? => Ok(Some(pending.amount())),
        _ => Ok(None),
    }
}

/// Takes this much of what a hold has reserved, and frees the rest. False when the hold has ended before: nothing happens.
///
/// More than is reserved is `INSUFFICIENT_FUNDS`; nothing at all frees the whole.
pub async fn settle_hold(
    tx: &Tx,
    hold: &str,
    amount: Money,
    kind: Kind,
    reference: String,
) -> Result<bool> {
    let end = if amount.minor() == 0 { End::Free(Phase::Voided) } else { End::Take(amount, kind) };
    resolve(tx, hold, end, reference).await
}

/// Frees what a hold has reserved. False when the hold has ended before: nothing happens.
pub async fn void_hold(tx: &Tx, hold: &str, reference: String) -> Result<bool> {
    resolve(tx, hold, End::Free(Phase::Voided), reference).await
}

/// As `void_hold`, because its time has passed.
pub async fn expire_hold(tx: &Tx, hold: &str, reference: String) -> Result<bool> {
    resolve(tx, hold, End::Free(Phase::Expired), reference).await
}

enum End {
    Take(Money, Kind),
    Free(Phase),
}

async fn resolve(tx: &Tx, hold: &str, end: End, reference: String) -> Result<bool> {
    // Who ends it waits for whoever does so at the same time.
    let pending = Entity::of(tx.tenant()).filter(Column::Reference.eq(hold)).lock(ROW);
    let pending = pending.one(&**tx).await?.filter(|found| found.phase == Phase::Pending);
    let pending = pending.ok_or_else(|| Error::internal(format!("there is no hold {hold}")))?;
    if !is_open(tx, &pending).await? {
        return Ok(false);
    }
    let (phase, amount, kind) = match end {
        End::Take(amount, kind) => (Phase::Posted, amount, kind),
        End::Free(phase) => (phase, pending.amount(), pending.kind),
    };
    if amount.currency() != pending.currency || amount.minor() > pending.amount_minor {
        return Err(Refusal::InsufficientFunds.into());
    }
    let (debit, credit) = accounts(tx, &pending).await?;
    let draft = Draft {
        debit,
        credit,
        amount,
        phase,
        pending: Some((pending.id, pending.amount_minor)),
        kind,
        reference,
        rental: pending.rental_id,
        payment: pending.payment_id,
    };
    booking::book(tx, vec![draft], Second::IsDefect).await?;
    Ok(true)
}

async fn is_open(tx: &Tx, pending: &transfer::Model) -> Result<bool> {
    let end = Entity::of(tx.tenant()).filter(Column::PendingId.eq(pending.id));
    Ok(pending.phase == Phase::Pending && end.one(&**tx).await?.is_none())
}

async fn accounts(tx: &Tx, pending: &transfer::Model) -> Result<(Name, Name)> {
    let ids = [pending.debit_account_id, pending.credit_account_id];
    let both = account::Entity::of(tx.tenant()).filter(account::Column::Id.is_in(ids));
    let both = both.all(&**tx).await?;
    let [debit, credit] =
        ids.map(|id| both.iter().find(|account| account.id == id).map(Name::from));
    debit.zip(credit).ok_or_else(|| Error::internal("a transfer without its accounts"))
}
