//! Finding receipts: by customer, kind, year and time.

use chrono::{DateTime, Utc};
use entity::{
    Id,
    customer::CustomerId,
    payment::PaymentId,
    receipt::{Column, Entity, Kind, Model},
};
use sea_orm::{ColumnTrait, QueryFilter, Select};

use crate::{
    ctx::Ctx,
    error::Result,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub customer: Option<CustomerId>,
    /// All of one payment: its own, and those of its refunds.
    pub payment: Option<PaymentId>,
    pub kind: Option<Kind>,
    pub number: Option<String>,
    pub year: Option<i32>,
    /// Inclusive.
    pub issued_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub issued_before: Option<DateTime<Utc>>,
}

/// By issue; within one moment by id.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    let sort = Sort {
        name: "issued".into(),
        direction,
        by: Some(Column::IssuedAt.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(|receipt: &Model| (Key::Time(receipt.issued_at), receipt.id.uuid())),
    };
    page::fetch(ctx, "receipts", filtered(ctx, filter)?, sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    page::count(filtered(ctx, filter)?, ctx.reader()).await
}

/// The receipts that the caller may see at all: customers their own.
pub(super) fn visible(ctx: &Ctx) -> Result<Select<Entity>> {
    let all = Entity::of(ctx.tenant);
    if let Some(own) = ctx.own_customer()? {
        ctx.require(Permission::Ride)?;
        return Ok(all.filter(Column::CustomerId.eq(own)));
    }
    ctx.require(Permission::ViewMoney)?;
    Ok(all)
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Result<Select<Entity>> {
    let mut query = visible(ctx)?;
    if let Some(id) = filter.customer {
        query = query.filter(Column::CustomerId.eq(id));
    }
    if let Some(id) = filter.payment {
        query = query.filter(Column::PaymentId.eq(id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(Column::Kind.eq(kind));
    }
    if let Some(number) = &filter.number {
        query = query.filter(Column::Number.eq(number.trim()));
    }
    if let Some(year) = filter.year {
        query = query.filter(Column::Year.eq(year));
    }
    if let Some(from) = filter.issued_from {
        query = query.filter(Column::IssuedAt.gte(from));
    }
    if let Some(before) = filter.issued_before {
        query = query.filter(Column::IssuedAt.lt(before));
    }
    Ok(query)
}
