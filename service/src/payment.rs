//! Payments: asking for money, giving it back, and knowing what became of either.
//!
//! `create`, `change` and `refund` write down what is wanted, `call` asks the provider outside of any transaction, and `apply`
//! takes its answer in: state, books and news in one write. `check` asks the provider again, `webhook` keeps what it tells by
//! itself, and neither is believed before the provider's own answer. `immediate` needs no provider.

pub mod account;
mod announce;
mod apply;
pub mod attempt;
mod books;
mod call;
pub mod change;
pub mod check;
pub mod create;
pub mod deposit;
mod documents;
mod due;
pub mod immediate;
mod list;
pub mod provider;
pub mod refund;
mod schedule;
pub mod sweep;
pub mod webhook;

use std::collections::HashMap;

use entity::{
    payment::{Column, Entity, Model, PaymentId},
    refund as refunds,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

pub use announce::announce;
pub use list::{Filter, count, list};

use crate::{
    ctx::Ctx,
    error::{Constraint, Error, Result, Subject},
};

/// The guarantee behind `PAYMENT_UNDER_WAY`.
pub const ONE_OPEN_PER_RENTAL: Constraint = Constraint {
    name: "payment_one_open_per_rental",
    columns: "payment.tenant_id, payment.rental_id, payment.purpose",
};
/// The guarantee behind one call at a time.
pub const ONE_OPEN_ATTEMPT: Constraint = call::ONE_OPEN;
/// The guarantee behind `REFUND_EXCEEDS_PAYMENT`. SQLite reports the name of a `CHECK`.
pub const REFUNDS_WITHIN_CAPTURED: Constraint = Constraint {
    name: "payment_refunds_within_captured",
    columns: "payment_refunds_within_captured",
};

/// Customers see their own, staff all.
pub async fn get(ctx: &Ctx, id: PaymentId) -> Result<Model> {
    let found = list::visible(ctx)?.filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Payment))
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[PaymentId]) -> Result<Vec<Model>> {
    let found = list::visible(ctx)?.filter(Column::Id.is_in(ids.iter().copied()));
    Ok(found.all(ctx.reader()).await?)
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Model>> {
    let found = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    let found = found.all(ctx.reader()).await?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}

/// The refunds of payments that the caller may see already, oldest first.
pub async fn refunds_of(
    ctx: &Ctx,
    ids: &[PaymentId],
) -> Result<HashMap<PaymentId, Vec<refunds::Model>>> {
    let rows = refunds::Entity::of(ctx.tenant)
        .filter(refunds::Column::PaymentId.is_in(ids.iter().copied()))
        .order_by_asc(refunds::Column::Id)
        .all(ctx.reader())
        .await?;
    let mut of: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        of.entry(row.payment_id).or_default().push(row);
    }
    Ok(of)
}

async fn by_id(ctx: &Ctx, id: PaymentId) -> Result<Model> {
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Payment))
}
