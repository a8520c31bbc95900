//! Finding payments: by customer, rental, state, provider and period.

use chrono::{DateTime, Utc};
use entity::{
    Id,
    customer::CustomerId,
    payment::{Column, Entity, Model, Provider, Purpose, State},
    rental::RentalId,
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
    /// Any of these; empty means every state.
    pub states: Vec<State>,
    pub customer: Option<CustomerId>,
    pub rental: Option<RentalId>,
    pub provider: Option<Provider>,
    pub purpose: Option<Purpose>,
    /// Inclusive.
    pub created_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub created_before: Option<DateTime<Utc>>,
}

/// By creation.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    let sort = Sort {
        name: "created".into(),
        direction,
        by: None,
        id: Column::Id.into_expr(),
        key: Box::new(|payment: &Model| (Key::None, payment.id.uuid())),
    };
    page::fetch(ctx, "payments", filtered(ctx, filter)?, sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    page::count(filtered(ctx, filter)?, ctx.reader()).await
}

/// The payments that the caller may see at all.
pub(super) fn visible(ctx: &Ctx) -> Result<Select<Entity>> {
    let query = Entity::of(ctx.tenant);
    match ctx.own_customer()? {
        Some(own) => {
            ctx.require(Permission::Ride)?;
            Ok(query.filter(Column::CustomerId.eq(own)))
        }
        None => {
            ctx.require(Permission::ViewPayments)?;
            Ok(query)
        }
    }
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Result<Select<Entity>> {
    let mut query = visible(ctx)?;
    if !filter.states.is_empty() {
        query = query.filter(Column::State.is_in(filter.states.iter().copied()));
    }
    if let Some(id) = filter.customer {
        query = query.filter(Column::CustomerId.eq(id));
    }
    if let Some(id) = filter.rental {
        query = query.filter(Column::RentalId.eq(id));
    }
    if let Some(provider) = filter.provider {
        query = query.filter(Column::Provider.eq(provider));
    }
    if let Some(purpose) = filter.purpose {
        query = query.filter(Column::Purpose.eq(purpose));
    }
    if let Some(from) = filter.created_from {
        query = query.filter(Column::CreatedAt.gte(from));
    }
    if let Some(before) = filter.created_before {
        query = query.filter(Column::CreatedAt.lt(before));
    }
    Ok(query)
}
