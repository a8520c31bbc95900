//! What a customer has to pay, and who may pay it.

use entity::{
    customer::CustomerId,
    money::{Currency, Money},
    payment::{self, Purpose},
    rental::{self, RentalId},
};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, Iterable, QueryFilter};

use super::create::For;
use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result, Subject},
    ledger::{self, Purse},
    permission::Permission,
    refusal::Refusal,
    write::Tx,
};

/// Who pays how much for what.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub customer: CustomerId,
    pub rental: Option<RentalId>,
    pub purpose: Purpose,
    pub amount: Money,
}

/// Customers for themselves, staff for anybody.
pub(super) fn may_pay(ctx: &Ctx) -> Result<()> {
    let own = ctx.own_customer()?.is_some();
    ctx.require(if own { Permission::Ride } else { Permission::ManagePayments })
}

pub(super) async fn of(tx: &Tx, purpose: &For, amount: Option<Decimal>) -> Result<Due> {
    match *purpose {
        For::Rental(id) => of_rental(tx, id, amount).await,
        For::Balance(customer) => {
            let customer = payer(tx, customer).await?;
            let currency = tx.ctx().own_tenant().await?.currency;
            let owed = owed(tx, customer, currency).await?;
            let amount = within(read(amount, owed)?, owed)?;
            Ok(Due { customer, rental: None, purpose: Purpose::Balance, amount })
        }
        For::TopUp(customer) => {
            let customer = payer(tx, customer).await?;
            let amount = chosen(tx, amount).await?;
            Ok(Due { customer, rental: None, purpose: Purpose::TopUp, amount })
        }
        For::Deposit(customer) => {
            let customer = payer(tx, customer).await?;
            let amount = chosen(tx, amount).await?;
            Ok(Due { customer, rental: None, purpose: Purpose::Deposit, amount })
        }
    }
}

/// What is left of a rental's price, and never more than the customer owes in all.
async fn of_rental(tx: &Tx, id: RentalId, amount: Option<Decimal>) -> Result<Due> {
    let mut query = rental::Entity::of(tx.tenant()).filter(rental::Column::Id.eq(id));
    if let Some(own) = tx.ctx().own_customer()? {
        query = query.filter(rental::Column::CustomerId.eq(own));
    }
    let rental = query.one(&**tx).await?.ok_or(Error::NotFound(Subject::Rental))?;
    // Of two who pay at the same moment, one waits here for the other.
    crate::customer::lock(tx, rental.customer_id).await?;
    let price = rental.price().ok_or(Refusal::RentalNotEnded)?;
    let paid: i64 = payment::Entity::of(tx.tenant())
        .filter(payment::Column::RentalId.eq(id))
        .filter(payment::Column::Purpose.eq(Purpose::Rental))
        .filter(payment::Column::State.eq(payment::State::Completed))
        .all(&**tx)
        .await?
        .iter()
        .map(|payment| payment.captured_minor)
        .sum();
    let owed = owed(tx, rental.customer_id, price.currency()).await?;
    let due = Money::new((price.minor() - paid).min(owed.minor()), price.currency());
    let amount = within(read(amount, due)?, due)?;
    Ok(Due { customer: rental.customer_id, rental: Some(id), purpose: Purpose::Rental, amount })
}

/// What a customer owes, less what is on its way.
async fn owed(tx: &Tx, customer: CustomerId, currency: Currency) -> Result<Money> {
    let receivable = Purse::receivable(customer);
    let owed = ledger::balance(&**tx, tx.tenant(), receivable, currency).await?;
    let on_its_way: i64 = payment::Entity::of(tx.tenant())
        .filter(payment::Column::CustomerId.eq(customer))
        .filter(payment::Column::Currency.eq(currency))
        .filter(payment::Column::Purpose.is_in([Purpose::Rental, Purpose::Balance]))
        .filter(payment::Column::State.is_in(payment::State::iter().filter(|s| !s.is_settled())))
        .all(&**tx)
        .await?
        .iter()
        .map(|payment| payment.amount_minor)
        .sum();
    Ok(Money::new(owed.minor() - on_its_way, currency))
}

/// For whom, locked.
pub(super) async fn payer(tx: &Tx, named: Option<CustomerId>) -> Result<CustomerId> {
    let id = match (tx.ctx().own_customer()?, named) {
        (Some(own), None) => own,
        (Some(own), Some(named)) if own == named => own,
        (Some(_), Some(_)) => return Err(Error::NotFound(Subject::Customer)),
        (None, Some(named)) => named,
        (None, None) => return Err(Refusal::CustomerRequired.into()),
    };
    Ok(crate::customer::lock(tx, id).await?.id)
}

async fn chosen(tx: &Tx, amount: Option<Decimal>) -> Result<Money> {
    let amount = amount.ok_or_else(|| Invalid::new("amount", "say how much"))?;
    let currency = tx.ctx().own_tenant().await?.currency;
    positive(Money::from_amount(amount, currency).map_err(|e| Invalid::new("amount", e))?)
}

fn read(amount: Option<Decimal>, all: Money) -> Result<Money> {
    match amount {
        None => Ok(all),
        Some(amount) => Ok(Money::from_amount(amount, all.currency())
            .map_err(|error| Invalid::new("amount", error))?),
    }
}

fn within(amount: Money, due: Money) -> Result<Money> {
    if due.minor() <= 0 {
        return Err(Refusal::NothingDue.into());
    }
    if amount.minor() > due.minor() {
        return Err(Refusal::AmountExceedsDue { due: due.amount().to_string() }.into());
    }
    positive(amount)
}

pub(super) fn positive(amount: Money) -> Result<Money> {
    if amount.minor() <= 0 {
        return Err(Invalid::new("amount", "must be more than 0").into());
    }
    Ok(amount)
}
