//! Tenants: making one, finding the one that a caller names, its settings, and what the platform's administrators do.

pub mod administrator;
pub mod settings;

pub use self::settings::get_many;

use entity::{
    money::Currency,
    stream_head,
    tenant::{ActiveModel, Column, Entity, Model, SignUp, TenantId},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    ctx::{Actor, App, Ctx},
    error::{Constraint, Error, Invalid, OnConstraint, Result, Subject},
    event::epoch,
    refusal::Refusal,
    text,
    write::{Tx, new_head},
};

pub const SLUG: Constraint = Constraint { name: "tenant_slug", columns: "tenant.slug" };

#[derive(Clone, Debug)]
pub struct CreateTenant {
    pub slug: String,
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    pub currency: Currency,
    pub publishes_board: bool,
}

/// A new operator with an empty fleet. For the platform's own commands, and for its administrators.
pub async fn create(app: &App, input: CreateTenant) -> Result<Model> {
    let input = &checked(input)?;
    let ctx = app.system(app.new_id(), "create_tenant");
    ctx.write(|tx| async move { insert(&tx, input.clone()).await }).await
}

fn checked(input: CreateTenant) -> Result<CreateTenant> {
    let slug_fits = (2..=40).contains(&input.slug.len())
        && input.slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !slug_fits {
        let message = "must have 2 to 40 lower-case letters, digits or hyphens";
        return Err(Invalid::new("slug", message).into());
    }
    if input.slug == administrator::PLATFORM_SLUG {
        return Err(Refusal::SlugTaken.into());
    }
    let name = text::required("name", &input.name, 200)?;
    let time_zone = settings::time_zone(&input.time_zone)?;
    Ok(CreateTenant { name, time_zone, ..input })
}

/// The tenant of this very write, as given.
pub(crate) async fn insert(tx: &Tx, input: CreateTenant) -> Result<Model> {
    let tenant = ActiveModel {
        id: Set(tx.tenant()),
        slug: Set(input.slug),
        name: Set(input.name),
        time_zone: Set(input.time_zone),
        currency: Set(input.currency),
        publishes_board: Set(input.publishes_board),
        grace_seconds: Set(60),
        rental_limit: Set(1),
        requires_deposit: Set(false),
        debt_limit_minor: Set(None),
        sign_up: Set(SignUp::ByInvitation),
        requires_second_factor: Set(false),
        suspended_at: Set(None),
        created_at: Set(tx.now()),
    };
    let tenant = tenant.insert(&**tx).await.on_constraint(SLUG, Refusal::SlugTaken)?;
    stream_head::Entity::insert(new_head(tx.ctx(), epoch::fresh()?))
        .exec_without_returning(&**tx)
        .await?;
    tx.audit("tenant.create", None, Some(&tenant))?;
    Ok(tenant)
}

pub async fn by_slug(app: &App, slug: &str) -> Result<Model> {
    named(app, slug).await?.ok_or(Error::NotFound(Subject::Tenant))
}

/// None where there is no such tenant.
pub(crate) async fn named(app: &App, slug: &str) -> Result<Option<Model>> {
    Ok(Entity::all().filter(Column::Slug.eq(slug.trim())).one(app.db.reader()).await?)
}

/// As `named`, for who wants something there: a suspended one says so.
pub(crate) async fn open(app: &App, slug: &str) -> Result<Option<Model>> {
    let found = named(app, slug).await?;
    if found.as_ref().is_some_and(|tenant| tenant.suspended_at.is_some()) {
        return Err(Refusal::TenantSuspended.into());
    }
    Ok(found)
}

pub async fn get(app: &App, id: TenantId) -> Result<Model> {
    let found = Entity::all().filter(Column::Id.eq(id)).one(app.db.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Tenant))
}

/// Every tenant, for work that goes through all of them.
pub async fn all(app: &App) -> Result<Vec<Model>> {
    Ok(Entity::all().filter(Column::Id.ne(TenantId::PLATFORM)).all(app.db.reader()).await?)
}

/// The call of somebody who has not signed in: a tenant that publishes no board is one that does not exist.
pub async fn anonymous(app: &App, slug: &str) -> Result<Ctx> {
    let tenant = by_slug(app, slug).await?;
    if tenant.suspended_at.is_some() {
        Err(Refusal::TenantSuspended.into())
    } else if tenant.publishes_board {
        Ok(app.call(Actor::Anonymous, &tenant))
    } else {
        Err(Error::Unauthenticated)
    }
}

impl Ctx {
    /// The caller's own tenant, with its settings.
    pub async fn own_tenant(&self) -> Result<Model> {
        get(&self.app, self.tenant).await
    }
}
