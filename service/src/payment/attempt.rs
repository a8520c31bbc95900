//! The calls to providers, as whoever may see a payment sees them.

use std::collections::HashMap;

use entity::{
    payment::PaymentId,
    payment_attempt::{AttemptId, Column, Entity, Model},
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use crate::{ctx::Ctx, error::Result};

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[AttemptId]) -> Result<Vec<Model>> {
    let found = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    let found = found.all(ctx.reader()).await?;
    let of: Vec<_> = found.iter().map(|attempt| attempt.payment_id).collect();
    let seen = super::get_many(ctx, &of).await?;
    let seen: Vec<_> = seen.into_iter().map(|payment| payment.id).collect();
    Ok(found.into_iter().filter(|attempt| seen.contains(&attempt.payment_id)).collect())
}

/// Those of payments that the caller may see already, each payment's in their order.
pub async fn by_payments(ctx: &Ctx, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Vec<Model>>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::PaymentId.is_in(ids.iter().copied()))
        .order_by_asc(Column::PaymentId)
        .order_by_asc(Column::Number)
        .all(ctx.reader())
        .await?;
    let mut of: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        of.entry(row.payment_id).or_default().push(row);
    }
    Ok(of)
}
