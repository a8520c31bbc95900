//! Reading transfers: all of them, by what they are about, and a period's for an export.

use chrono::{DateTime, Utc};
use entity::{
    Id,
    account::AccountId,
    customer::CustomerId,
    payment::PaymentId,
    rental::RentalId,
    transfer::{Column, Entity, Kind, Model, TransferId},
};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select};

use super::period::Period;
use crate::{
    ctx::Ctx,
    error::Result,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these; empty means every kind.
    pub kinds: Vec<Kind>,
    /// On either side.
    pub account: Option<AccountId>,
    pub customer: Option<CustomerId>,
    pub rental: Option<RentalId>,
    pub payment: Option<PaymentId>,
    pub reference: Option<String>,
    /// Inclusive.
    pub created_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub created_before: Option<DateTime<Utc>>,
}

/// By time.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    ctx.require(Permission::ViewMoney)?;
    page::fetch(ctx, "transfers", filtered(ctx, filter), by_time(direction), page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ViewMoney)?;
    page::count(filtered(ctx, filter), ctx.reader()).await
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[TransferId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewMoney)?;
    let some = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    Ok(some.all(ctx.reader()).await?)
}

/// Transfers for who reads all of them, the oldest first.
#[derive(Clone)]
pub struct Rows(pub(super) Select<Entity>);

impl Rows {
    /// All of a period.
    pub fn of(ctx: &Ctx, period: &Period) -> Self {
        let (created_from, created_before) = (period.from, period.before);
        Self(filtered(ctx, &Filter { created_from, created_before, ..Filter::default() }))
    }

    /// The next so many after this one.
    pub async fn next(&self, ctx: &Ctx, after: Option<&Model>, most: u64) -> Result<Vec<Model>> {
        ctx.require(Permission::ViewMoney)?;
        let mut query = self.0.clone();
        if let Some(last) = after {
            let same_time = Condition::all().add(Column::CreatedAt.eq(last.created_at));
            let same_time = same_time.add(Column::Id.gt(last.id));
            let later = Condition::any().add(Column::CreatedAt.gt(last.created_at)).add(same_time);
            query = query.filter(later);
        }
        let query = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
        Ok(query.limit(most).all(ctx.reader()).await?)
    }
}

pub(super) fn by_time(direction: Direction) -> Sort<Model> {
    Sort {
        name: "created".into(),
        direction,
        by: Some(Column::CreatedAt.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(|transfer: &Model| (Key::Time(transfer.created_at), transfer.id.uuid())),
    }
}

/// Those of an account, on either side.
pub(super) fn touching(id: AccountId) -> Condition {
    Condition::any().add(Column::DebitAccountId.eq(id)).add(Column::CreditAccountId.eq(id))
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Select<Entity> {
    let mut query = Entity::of(ctx.tenant);
    if !filter.kinds.is_empty() {
        query = query.filter(Column::Kind.is_in(filter.kinds.iter().copied()));
    }
    if let Some(id) = filter.account {
        query = query.filter(touching(id));
    }
    if let Some(id) = filter.customer {
        query = query.filter(Column::CustomerId.eq(id));
    }
    if let Some(id) = filter.rental {
        query = query.filter(Column::RentalId.eq(id));
    }
    if let Some(id) = filter.payment {
        query = query.filter(Column::PaymentId.eq(id));
    }
    if let Some(reference) = &filter.reference {
        query = query.filter(Column::Reference.eq(reference));
    }
    if let Some(from) = filter.created_from {
        query = query.filter(Column::CreatedAt.gte(from));
    }
    if let Some(before) = filter.created_before {
        query = query.filter(Column::CreatedAt.lt(before));
    }
    query
}
