//! Tariffs: what a rental costs, and which one applies.

use std::collections::HashMap;

use entity::{
    rental,
    tariff::{Column, Entity, Model, TariffId, Terms},
    tenant, vehicle_type,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
    QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Func, SelectStatement, SimpleExpr},
};

use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result, Subject},
    event::Event,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    refusal::Refusal,
    text,
    write::{ROW, Tx},
};

#[derive(Clone, Debug)]
pub struct CreateTariff {
    pub name: String,
    pub description: String,
    pub terms: Terms,
    pub is_default: bool,
}

/// What is None stays as it is. Rentals that are under way keep the terms of their start.
#[derive(Clone, Debug)]
pub struct UpdateTariff {
    pub id: TariffId,
    pub name: Option<String>,
    pub description: Option<String>,
    pub terms: Option<Terms>,
    pub is_default: Option<bool>,
}

pub async fn create(ctx: &Ctx, input: CreateTariff) -> Result<Model> {
    ctx.require(Permission::ManageTariffs)?;
    check(&input.terms)?;
    let input = &input;
    ctx.write(|tx| async move { insert(&tx, input.clone()).await }).await
}

/// With terms that have been checked.
pub(crate) async fn insert(tx: &Tx, input: CreateTariff) -> Result<Model> {
    if input.is_default {
        clear_default(tx).await?;
    }
    let tariff = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        name: text::required("name", &input.name, 200)?,
        description: text::optional("description", Some(&input.description), 2_000)?
            .unwrap_or_default(),
        terms: input.terms,
        is_default: input.is_default,
        archived_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    let tariff = tariff.into_active_model().reset_all().insert(&**tx).await?;
    tx.audit("tariff.create", None, Some(&tariff))?;
    tx.record(Event::TariffChanged { id: tariff.id });
    Ok(tariff)
}

pub async fn update(ctx: &Ctx, input: UpdateTariff) -> Result<Model> {
    ctx.require(Permission::ManageTariffs)?;
    let input = &input;
    ctx.write(|tx| async move {
        let before = open(&tx, input.id).await?;
        let mut tariff = before.clone();
        if let Some(name) = &input.name {
            tariff.name = text::required("name", name, 200)?;
        }
        if let Some(description) = &input.description {
            tariff.description =
                text::optional("description", Some(description), 2_000)?.unwrap_or_default();
        }
        if let Some(terms) = &input.terms {
            check(terms)?;
            tariff.terms = terms.clone();
        }
        if let Some(is_default) = input.is_default {
            if is_default && !tariff.is_default {
                clear_default(&tx).await?;
            }
            tariff.is_default = is_default;
        }
        save(&tx, "tariff.update", before, tariff).await
    })
    .await
}

/// Refused with `TARIFF_IN_USE` while it is a default or an open rental was started with it.
pub async fn archive(ctx: &Ctx, id: TariffId) -> Result<Model> {
    ctx.require(Permission::ManageTariffs)?;
    ctx.write(|tx| async move {
        let tariff = lock(&tx, id).await?;
        if tariff.archived_at.is_some() {
            return Ok(tariff);
        }
        if let Some(by) = in_use(&tx, &tariff).await? {
            return Err(Refusal::TariffInUse { by }.into());
        }
        let archived = Model { archived_at: Some(tx.now()), ..tariff.clone() };
        save(&tx, "tariff.archive", tariff, archived).await
    })
    .await
}

pub async fn get(ctx: &Ctx, id: TariffId) -> Result<Model> {
    ctx.require(Permission::ViewTariffs)?;
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Tariff))
}

pub async fn list(ctx: &Ctx, include_archived: bool, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ViewTariffs)?;
    let sort = Sort {
        name: "name".into(),
        direction: Direction::Ascending,
        by: Some(Column::Name.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(|t: &Model| (Key::Text(t.name.clone()), entity::Id::uuid(t.id))),
    };
    page::fetch(ctx, "tariffs", filtered(ctx, include_archived), sort, page).await
}

pub async fn count(ctx: &Ctx, include_archived: bool) -> Result<i64> {
    ctx.require(Permission::ViewTariffs)?;
    page::count(filtered(ctx, include_archived), ctx.reader()).await
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[TariffId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewTariffs)?;
    Ok(by_ids(ctx, ids).await?.into_values().collect())
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[TariffId]) -> Result<HashMap<TariffId, Model>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The one that is named, else the vehicle type's, else the tenant's default.
pub(crate) async fn applicable(
    db: &impl sea_orm::ConnectionTrait,
    ctx: &Ctx,
    named: Option<TariffId>,
    vehicle_type: vehicle_type::VehicleTypeId,
) -> Result<Model> {
    let found = match named {
        Some(id) => Entity::of(ctx.tenant).filter(Column::Id.eq(id)),
        None => {
            let of_type = vehicle_type::Entity::of(ctx.tenant)
                .filter(vehicle_type::Column::Id.eq(vehicle_type))
                .select_only()
                .column(vehicle_type::Column::DefaultTariffId)
                .into_query();
            let default = Entity::of(ctx.tenant)
                .filter(Column::IsDefault.eq(true))
                .select_only()
                .column(Column::Id)
                .into_query();
            let applies = Func::coalesce([of_type, default].map(subquery));
            Entity::of(ctx.tenant).filter(ExprTrait::eq(Column::Id.into_expr(), applies))
        }
    };
    let tariff = found.one(db).await?;
    let tariff = tariff.ok_or(match named {
        Some(_) => Error::NotFound(Subject::Tariff),
        None => Refusal::TariffRequired.into(),
    })?;
    if tariff.archived_at.is_some() {
        return Err(Refusal::Archived { what: "tariff" }.into());
    }
    Ok(tariff)
}

fn subquery(select: SelectStatement) -> SimpleExpr {
    SimpleExpr::SubQuery(None, Box::new(select.into()))
}

/// One that may be used for something new.
pub(crate) async fn open(tx: &Tx, id: TariffId) -> Result<Model> {
    let tariff = lock(tx, id).await?;
    if tariff.archived_at.is_some() {
        return Err(Refusal::Archived { what: "tariff" }.into());
    }
    Ok(tariff)
}

async fn lock(tx: &Tx, id: TariffId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::Tariff))
}

async fn save(tx: &Tx, action: &'static str, before: Model, mut tariff: Model) -> Result<Model> {
    tariff.updated_at = tx.now();
    let tariff = tariff.into_active_model().reset_all().update(&**tx).await?;
    tx.audit(action, Some(&before), Some(&tariff))?;
    tx.record(Event::TariffChanged { id: tariff.id });
    Ok(tariff)
}

/// One at a time: of two that make another tariff the default at once, the later one wins.
async fn clear_default(tx: &Tx) -> Result<()> {
    let tenant = tenant::Entity::all().filter(tenant::Column::Id.eq(tx.tenant()));
    tenant.lock(ROW).one(&**tx).await?;
    let cleared = Entity::update_of(tx.tenant())
        .col_expr(Column::IsDefault, Expr::value(false))
        .filter(Column::IsDefault.eq(true))
        .exec_with_returning(&**tx)
        .await?;
    for after in cleared {
        let before = Model { is_default: true, ..after.clone() };
        tx.audit("tariff.update", Some(&before), Some(&after))?;
    }
    Ok(())
}

async fn in_use(tx: &Tx, tariff: &Model) -> Result<Option<String>> {
    if tariff.is_default {
        return Ok(Some("the tenant as its default".to_owned()));
    }
    let types = vehicle_type::Entity::of(tx.tenant())
        .filter(vehicle_type::Column::DefaultTariffId.eq(tariff.id))
        .filter(vehicle_type::Column::ArchivedAt.is_null())
        .count(&**tx)
        .await?;
    let rentals = rental::Entity::of(tx.tenant())
        .filter(rental::Column::TariffId.eq(tariff.id))
        .filter(rental::Column::EndedAt.is_null())
        .count(&**tx)
        .await?;
    Ok((types + rentals > 0).then(|| format!("{types} vehicle types and {rentals} open rentals")))
}

fn check(terms: &Terms) -> Result<()> {
    terms.check().map_err(|error| {
        Invalid::at(
            std::iter::once("terms".to_owned()).chain(error.path.iter().cloned()).collect(),
            error.rule,
        )
        .into()
    })
}

fn filtered(ctx: &Ctx, include_archived: bool) -> Select<Entity> {
    let query = Entity::of(ctx.tenant);
    if include_archived { query } else { query.filter(Column::ArchivedAt.is_null()) }
}
