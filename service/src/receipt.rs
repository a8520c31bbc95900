//! Receipts: the one numbered document of each payment and of each refund.

mod issue;
mod lines;
pub mod link;
mod list;
pub mod pdf;
pub(crate) mod send;
mod tax;

use std::collections::HashMap;

use entity::{
    payment::PaymentId,
    receipt::{Column, Entity, Kind, Model, ReceiptId},
    refund::RefundId,
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

pub use issue::{Cause, issue};
pub use list::{Filter, count, list};

use crate::{
    ctx::Ctx,
    error::{Error, Result, Subject},
};

/// Customers see their own, who may see money all.
pub async fn get(ctx: &Ctx, id: ReceiptId) -> Result<Model> {
    let found = list::visible(ctx)?.filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Receipt))
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[ReceiptId]) -> Result<Vec<Model>> {
    let some = Column::Id.is_in(ids.iter().copied());
    Ok(list::visible(ctx)?.filter(some).all(ctx.reader()).await?)
}

/// The payments' own receipts. For payments that the caller may see already.
pub async fn by_payments(ctx: &Ctx, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Model>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::PaymentId.is_in(ids.iter().copied()))
        .filter(Column::Kind.eq(Kind::Payment))
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.payment_id, row)).collect())
}

/// All of each payment, in the order of their numbers. For payments that the caller may see already.
pub async fn all_by_payments(
    ctx: &Ctx,
    ids: &[PaymentId],
) -> Result<HashMap<PaymentId, Vec<Model>>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::PaymentId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Year)
        .order_by_asc(Column::Seq)
        .all(ctx.reader())
        .await?;
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        all.entry(row.payment_id).or_default().push(row);
    }
    Ok(all)
}

/// For refunds that the caller may see already.
pub async fn by_refunds(ctx: &Ctx, ids: &[RefundId]) -> Result<HashMap<RefundId, Model>> {
    let some = Column::RefundId.is_in(ids.iter().copied());
    let rows = Entity::of(ctx.tenant).filter(some).all(ctx.reader()).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.refund_id?, row))).collect())
}
