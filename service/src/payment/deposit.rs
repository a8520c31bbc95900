//! Security for a vehicle: held before it is handed out, and afterwards let go, or taken for what the rider has to pay for.

use entity::{
    customer::CustomerId,
    money::Money,
    payment::{Column, Entity, Model, PaymentId, Purpose, State},
    price_line,
    rental::{self, RentalId},
    tariff::{LineKind, Terms},
    tenant::TenantId,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    apply,
    call::{self, Ours},
    change,
};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    refusal::Refusal,
    write::{ROW, Tx},
};

/// The hold that secures a ride under these terms: one of the customer's that secures nothing yet. None where none is asked
/// for; without it, `DEPOSIT_REQUIRED`.
pub(crate) async fn required(
    tx: &Tx,
    customer: CustomerId,
    terms: &Terms,
) -> Result<Option<PaymentId>> {
    let collateral = Money::new(terms.collateral_minor, terms.currency);
    if collateral.minor() == 0 || !tx.ctx().own_tenant().await?.requires_deposit {
        return Ok(None);
    }
    let held = Entity::of(tx.tenant())
        .filter(Column::CustomerId.eq(customer))
        .filter(Column::Purpose.eq(Purpose::Deposit))
        .filter(Column::State.eq(State::Authorized))
        .filter(Column::RentalId.is_null())
        .filter(Column::Currency.eq(collateral.currency()))
        .filter(Column::AuthorizedMinor.gte(collateral.minor()))
        .order_by_asc(Column::AuthorizedMinor)
        .order_by_asc(Column::Id)
        .lock(ROW)
        .one(&**tx)
        .await?;
    let amount = collateral.amount().to_string();
    Ok(Some(held.ok_or(Refusal::DepositRequired { amount })?.id))
}

/// From now on it secures this rental, and no other.
pub(crate) async fn secure(tx: &Tx, deposit: PaymentId, rental: RentalId) -> Result<()> {
    let before = apply::lock(tx, deposit).await?;
    let after = Model { rental_id: Some(rental), ..before.clone() };
    apply::store(tx, before, after).await.map(drop)
}

/// As a job, when the ride is over: what penalties came to is taken, and the rest let go.
pub async fn settle(app: &App, tenant: TenantId, rental: RentalId) -> Result<()> {
    let ctx = app.system(tenant, "settle_deposit");
    let Some(deposit) = of_rental(&ctx, rental).await? else { return Ok(()) };
    if deposit.state != State::Authorized {
        return Ok(());
    }
    let ours = &Ours::default();
    let begun = ctx
        .write(|tx| async move {
            let deposit = apply::lock(&tx, deposit.id).await?;
            if deposit.state != State::Authorized {
                return Ok(None);
            }
            let taken = penalties(&tx, rental).await?.min(deposit.authorized_minor);
            Ok(Some(match taken {
                0 => change::begin_cancel(&tx, &deposit, ours).await?,
                taken => change::begin_capture(&tx, &deposit, taken, ours).await?,
            }))
        })
        .await;
    match begun {
        Ok(Some(begun)) => call::conclude(&ctx, begun, ours).await.map(drop),
        Ok(None) => Ok(()),
        // A call of an earlier run has no answer yet: the provider is asked what became of it.
        Err(Error::Refused(Refusal::PaymentUnderWay)) => {
            super::check::run(app, tenant, deposit.id).await
        }
        Err(error) => Err(error),
    }
}

async fn of_rental(ctx: &Ctx, rental: RentalId) -> Result<Option<Model>> {
    Ok(Entity::of(ctx.tenant)
        .filter(Column::RentalId.eq(rental))
        .filter(Column::Purpose.eq(Purpose::Deposit))
        .one(ctx.reader())
        .await?)
}

/// What being late and losing the vehicle cost, with the tax on it.
async fn penalties(tx: &Tx, id: RentalId) -> Result<i64> {
    let found =
        rental::Entity::of(tx.tenant()).filter(rental::Column::Id.eq(id)).one(&**tx).await?;
    let rental = found.ok_or(Error::NotFound(Subject::Rental))?;
    let lines = price_line::Entity::of(tx.tenant())
        .filter(price_line::Column::RentalId.eq(id))
        .all(&**tx)
        .await?;
    let is_penalty = |kind| matches!(kind, LineKind::Penalty | LineKind::LostVehicle);
    let net: i64 = lines.iter().filter(|l| is_penalty(l.kind)).map(|l| l.amount_minor).sum();
    let tax = rust_decimal::Decimal::from(net) * rental.terms.tax_rate;
    let tax = rust_decimal::prelude::ToPrimitive::to_i64(&tax.round()).unwrap_or_default();
    Ok(net + tax)
}
