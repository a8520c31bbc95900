//! Reading accounts: the chart with its balances, and what single customers owe and have.

use std::collections::HashMap;

use entity::{
    Id,
    account::{AccountId, Column, Entity, Kind, Model, Side},
    customer::CustomerId,
    money::Currency,
};
use sea_orm::{
    ColumnTrait, Iterable, QueryFilter, Select,
    sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr},
};

use crate::{
    ctx::{Actor, Ctx},
    error::{Error, Result, Subject},
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these; empty means every kind.
    pub kinds: Vec<Kind>,
    pub currency: Option<Currency>,
    pub customer: Option<CustomerId>,
    /// Those with a balance, or those without.
    pub has_balance: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    #[default]
    Kind,
    /// Minor units, whatever the currency.
    Balance,
    /// By first use.
    Created,
}

pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    (by, direction): (SortBy, Direction),
    page: &PageArgs,
) -> Result<Page<Model>> {
    ctx.require(Permission::ViewMoney)?;
    page::fetch(ctx, "accounts", filtered(ctx, filter), sort(by, direction), page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ViewMoney)?;
    page::count(filtered(ctx, filter), ctx.reader()).await
}

pub async fn get(ctx: &Ctx, id: AccountId) -> Result<Model> {
    get_many(ctx, &[id]).await?.pop().ok_or(Error::NotFound(Subject::Account))
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[AccountId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewMoney)?;
    Ok(by_ids(ctx, ids).await?.into_values().collect())
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[AccountId]) -> Result<HashMap<AccountId, Model>> {
    let some = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    let rows = some.all(ctx.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The accounts of customers, their own or those whom the caller may see. A program needs to be let in to money for it.
pub async fn of_customers(
    ctx: &Ctx,
    ids: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<Model>>> {
    let own = ctx.own_customer()?;
    if own.is_none() {
        let is_program = matches!(ctx.actor, Actor::Partner { .. });
        let of_money = is_program || !ctx.may(Permission::ViewCustomers);
        ctx.require(if of_money { Permission::ViewMoney } else { Permission::ViewCustomers })?;
    }
    let seen = ids.iter().copied().filter(|id| own.is_none_or(|own| own == *id));
    let some = Entity::of(ctx.tenant).filter(Column::CustomerId.is_in(seen));
    let mut accounts: HashMap<_, Vec<_>> = HashMap::new();
    for account in some.all(ctx.reader()).await? {
        let Some(customer) = account.customer_id else { continue };
        accounts.entry(customer).or_default().push(account);
    }
    for accounts in accounts.values_mut() {
        accounts.sort_by_key(|account| account.currency);
    }
    Ok(accounts)
}

fn sort(by: SortBy, direction: Direction) -> Sort<Model> {
    let (name, column, key): (_, _, page::KeyOf<Model>) = match by {
        SortBy::Kind => (
            "kind",
            Some(Column::Kind.into_expr()),
            Box::new(|account| (Key::Text(account.kind.word()), account.id.uuid())),
        ),
        SortBy::Balance => (
            "balance",
            Some(balance()),
            Box::new(|account| (Key::Int(account.balance().minor()), account.id.uuid())),
        ),
        SortBy::Created => ("created", None, Box::new(|account| (Key::None, account.id.uuid()))),
    };
    Sort { name: name.into(), direction, by: column, id: Column::Id.into_expr(), key }
}

/// As `Model::balance`.
fn balance() -> SimpleExpr {
    let debit = Kind::iter().filter(|kind| kind.side() == Side::Debit);
    let (debits, credits) = (Expr::col(Column::DebitsPosted), Expr::col(Column::CreditsPosted));
    CaseStatement::new()
        .case(Column::Kind.is_in(debit), debits.clone().sub(credits.clone()))
        .finally(credits.sub(debits))
        .into()
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Select<Entity> {
    let mut query = Entity::of(ctx.tenant);
    if !filter.kinds.is_empty() {
        query = query.filter(Column::Kind.is_in(filter.kinds.iter().copied()));
    }
    if let Some(currency) = filter.currency {
        query = query.filter(Column::Currency.eq(currency));
    }
    if let Some(customer) = filter.customer {
        query = query.filter(Column::CustomerId.eq(customer));
    }
    let (debits, credits) = (Expr::col(Column::DebitsPosted), Expr::col(Column::CreditsPosted));
    match filter.has_balance {
        Some(true) => query.filter(debits.ne(credits)),
        Some(false) => query.filter(debits.eq(credits)),
        None => query,
    }
}
