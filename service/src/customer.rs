//! Customers: who rents.

use std::collections::HashMap;

use entity::{
    customer::{Column, CustomerId, Entity, Model},
    rental, vehicle,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect, Select, Statement,
};

use crate::{
    ctx::Ctx,
    error::{Constraint, Error, Invalid, OnConstraint, Result, Subject},
    event::Event,
    ledger::{self, Purse},
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    refusal::Refusal,
    text,
    write::{ROW, Tx},
};

pub const EMAIL: Constraint =
    Constraint { name: "customer_email", columns: "customer.tenant_id, customer.email" };

#[derive(Clone, Debug)]
pub struct CreateCustomer {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub rental_limit: Option<i32>,
}

/// What is None stays as it is; `Some(None)` empties it.
#[derive(Clone, Debug)]
pub struct UpdateCustomer {
    pub id: CustomerId,
    pub name: Option<String>,
    pub email: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub blocked: Option<bool>,
    pub rental_limit: Option<Option<i32>>,
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Begins with, in the name or the e-mail address.
    pub search: Option<String>,
    pub blocked: Option<bool>,
    pub include_archived: bool,
}

pub async fn create(ctx: &Ctx, input: CreateCustomer) -> Result<Model> {
    ctx.require(Permission::ManageCustomers)?;
    let input = &input;
    ctx.write(|tx| async move {
        let mut customer = Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            name: String::new(),
            email: None,
            phone: None,
            blocked_at: None,
            rental_limit: None,
            archived_at: None,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        let input = input.clone();
        set_name(&mut customer, &input.name)?;
        set_email(&mut customer, input.email)?;
        set_phone(&mut customer, input.phone)?;
        set_limit(&mut customer, input.rental_limit)?;
        let made = customer.into_active_model().reset_all();
        let made = made.insert(&*tx).await.on_constraint(EMAIL, Refusal::EmailTaken)?;
        tx.audit("customer.create", None, Some(&made))?;
        tx.record(Event::CustomerChanged {
            id: made.id,
            before: None,
            after: Box::new(made.clone()),
        });
        Ok(made)
    })
    .await
}

pub async fn update(ctx: &Ctx, input: UpdateCustomer) -> Result<Model> {
    ctx.require(Permission::ManageCustomers)?;
    let input = &input;
    ctx.write(|tx| async move {
        let before = lock(&tx, input.id).await?;
        if before.archived_at.is_some() {
            return Err(Refusal::Archived { what: "customer" }.into());
        }
        let (mut after, input) = (before.clone(), input.clone());
        if let Some(name) = &input.name {
            set_name(&mut after, name)?;
        }
        if let Some(email) = input.email {
            set_email(&mut after, email)?;
        }
        if let Some(phone) = input.phone {
            set_phone(&mut after, phone)?;
        }
        if let Some(limit) = input.rental_limit {
            set_limit(&mut after, limit)?;
        }
        if let Some(blocked) = input.blocked {
            after.blocked_at = blocked.then(|| before.blocked_at.unwrap_or_else(|| tx.now()));
        }
        let action = match (before.blocked_at, after.blocked_at) {
            (None, Some(_)) => "customer.block",
            (Some(_), None) => "customer.unblock",
            _ => "customer.update",
        };
        save(&tx, action, before, after).await
    })
    .await
}

/// Refused with `CUSTOMER_IN_USE` while the customer rides or holds anything.
pub async fn archive(ctx: &Ctx, id: CustomerId) -> Result<Model> {
    ctx.require(Permission::ManageCustomers)?;
    ctx.write(|tx| async move {
        let before = lock(&tx, id).await?;
        if before.archived_at.is_some() {
            return Ok(before);
        }
        let (riding, holding) = in_use(&tx, id).await?;
        if riding + holding > 0 {
            let by = format!("{riding} open rentals and {holding} reservations");
            return Err(Refusal::CustomerInUse { by }.into());
        }
        let after = Model { archived_at: Some(tx.now()), ..before.clone() };
        save(&tx, "customer.archive", before, after).await
    })
    .await
}

/// A customer's login sees only itself.
pub async fn get(ctx: &Ctx, id: CustomerId) -> Result<Model> {
    if ctx.own_customer()? != Some(id) {
        ctx.require(Permission::ViewCustomers).map_err(|error| match error {
            Error::Forbidden => Error::NotFound(Subject::Customer),
            other => other,
        })?;
    }
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Customer))
}

pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    by_name: bool,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    ctx.require(Permission::ViewCustomers)?;
    let sort = Sort {
        name: if by_name { "name" } else { "created" }.into(),
        direction,
        by: by_name.then(|| Column::Name.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(move |c: &Model| {
            let key = if by_name { Key::Text(c.name.clone()) } else { Key::None };
            (key, entity::Id::uuid(c.id))
        }),
    };
    page::fetch(ctx, "customers", filtered(ctx, filter), sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ViewCustomers)?;
    page::count(filtered(ctx, filter), ctx.reader()).await
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[CustomerId]) -> Result<Vec<Model>> {
    let visible: Vec<_> = match ctx.own_customer()? {
        Some(own) => ids.iter().copied().filter(|id| *id == own).collect(),
        None => {
            ctx.require(Permission::ViewCustomers)?;
            ids.to_vec()
        }
    };
    Ok(by_ids(ctx, &visible).await?.into_values().collect())
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[CustomerId]) -> Result<HashMap<CustomerId, Model>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Locked before the vehicle, so that two starts of one customer cannot both pass the limit.
pub(crate) async fn lock(tx: &Tx, id: CustomerId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::Customer))
}

/// The customer, locked, if they may have one more vehicle beside the one they hold already.
pub(crate) async fn who_may_rent(
    tx: &Tx,
    id: CustomerId,
    held: Option<vehicle::VehicleId>,
) -> Result<Model> {
    let customer = lock(tx, id).await?;
    if customer.archived_at.is_some() {
        return Err(Refusal::Archived { what: "customer" }.into());
    }
    if customer.blocked_at.is_some() {
        return Err(Refusal::CustomerBlocked.into());
    }
    let (tenant_limit, debt_limit, in_hand) = limits(tx, id, held).await?;
    if let Some(limit) = debt_limit {
        not_in_debt(tx, id, limit).await?;
    }
    let limit = customer.rental_limit.unwrap_or(tenant_limit);
    if in_hand >= i64::from(limit) {
        return Err(Refusal::CustomerLimitReached { limit }.into());
    }
    Ok(customer)
}

/// What is owed is looked up anew, so that whoever has paid may ride at once.
async fn not_in_debt(tx: &Tx, id: CustomerId, limit: i64) -> Result<()> {
    let currency = tx.ctx().own_tenant().await?.currency;
    let owed = ledger::balance(&**tx, tx.tenant(), Purse::receivable(id), currency).await?;
    if owed.minor() > limit {
        return Err(Refusal::DebtLimitReached { owed: owed.amount().to_string() }.into());
    }
    Ok(())
}

/// The tenant's limits, and how many vehicles the customer rides or holds, in one statement of its own: what it counts
/// is what there is once the customer is locked.
async fn limits(
    tx: &Tx,
    id: CustomerId,
    held: Option<vehicle::VehicleId>,
) -> Result<(i32, Option<i64>, i64)> {
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "SELECT rental_limit, debt_limit_minor,
            (SELECT count(*) FROM rental WHERE tenant_id = $1 AND customer_id = $2 AND ended_at IS NULL)
            + (SELECT count(*) FROM vehicle WHERE tenant_id = $1 AND reserved_by = $2 AND reserved_until > $3
               AND id <> $4) AS in_hand
         FROM tenant WHERE id = $1",
        [
            tx.tenant().into(),
            id.into(),
            tx.now().into(),
            held.map_or(uuid::Uuid::nil(), entity::Id::uuid).into(),
        ],
    );
    let row = tx.query_one_raw(statement).await?.ok_or(Error::NotFound(Subject::Tenant))?;
    let debt_limit = row.try_get("", "debt_limit_minor")?;
    Ok((row.try_get("", "rental_limit")?, debt_limit, row.try_get("", "in_hand")?))
}

async fn in_use(tx: &Tx, id: CustomerId) -> Result<(u64, u64)> {
    let riding = rental::Entity::of(tx.tenant())
        .filter(rental::Column::CustomerId.eq(id))
        .filter(rental::Column::EndedAt.is_null())
        .count(&**tx)
        .await?;
    let holding = vehicle::Entity::of(tx.tenant())
        .filter(vehicle::Column::ReservedBy.eq(id))
        .filter(vehicle::Column::ReservedUntil.gt(tx.now()))
        .count(&**tx)
        .await?;
    Ok((riding, holding))
}

async fn save(tx: &Tx, action: &'static str, before: Model, mut after: Model) -> Result<Model> {
    after.updated_at = tx.now();
    let after = after
        .into_active_model()
        .reset_all()
        .update(&**tx)
        .await
        .on_constraint(EMAIL, Refusal::EmailTaken)?;
    tx.audit(action, Some(&before), Some(&after))?;
    tx.record(Event::CustomerChanged {
        id: after.id,
        before: Some(Box::new(before)),
        after: Box::new(after.clone()),
    });
    Ok(after)
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Select<Entity> {
    let mut query = Entity::of(ctx.tenant);
    if let Some(search) = &filter.search {
        query = query.filter(
            Condition::any()
                .add(text::begins_with(Column::Name, search))
                .add(text::begins_with(Column::Email, search)),
        );
    }
    match filter.blocked {
        Some(true) => query = query.filter(Column::BlockedAt.is_not_null()),
        Some(false) => query = query.filter(Column::BlockedAt.is_null()),
        None => {}
    }
    if filter.include_archived { query } else { query.filter(Column::ArchivedAt.is_null()) }
}

fn set_name(customer: &mut Model, name: &str) -> Result<()> {
    customer.name = text::required("name", name, 200)?;
    Ok(())
}

fn set_email(customer: &mut Model, email: Option<String>) -> Result<()> {
    customer.email = email.map(|email| text::email("email", &email)).transpose()?;
    Ok(())
}

fn set_phone(customer: &mut Model, phone: Option<String>) -> Result<()> {
    customer.phone = phone.map(|phone| text::phone("phone", &phone)).transpose()?;
    Ok(())
}

fn set_limit(customer: &mut Model, limit: Option<i32>) -> Result<()> {
    if limit.is_some_and(|limit| !(1..=1_000).contains(&limit)) {
        return Err(Invalid::new("rentalLimit", "must be between 1 and 1000").into());
    }
    customer.rental_limit = limit;
    Ok(())
}
