//! Tenants: making one, and finding the one that a caller names.

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

/// A new operator with an empty fleet. For the platform's own commands.
pub async fn create(app: &App, input: CreateTenant) -> Result<Model> {
    let slug_fits = (2..=40).contains(&input.slug.len())
        && input.slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !slug_fits {
        return Err(Invalid::new(
            "slug",
            "must have 2 to 40 lower-case letters, digits or hyphens",
        )
        .into());
    }
    if input.time_zone.parse::<chrono_tz::Tz>().is_err() {
        return Err(Invalid::new("timeZone", "must be an IANA name, such as Africa/Nairobi").into());
    }
    let name = text::required("name", &input.name, 200)?;
    let ctx = app.system(app.new_id(), "create_tenant");
    let input = &CreateTenant { name, ..input };
    ctx.write(|tx| async move { insert(&tx, input.clone()).await }).await
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
        sign_up: Set(SignUp::Closed),
        requires_second_factor: Set(false),
        suspended_at: Set(None),
        created_at: Set(tx.now()),
    };
    let tenant = tenant.insert(&**tx).await.on_constraint(SLUG, Refusal::SlugTaken)?;
    stream_head::Entity::insert(new_head(tx.ctx(), epoch::fresh()?))
        .exec_without_returning(&**tx)
        .await?;
    Ok(tenant)
}

pub async fn by_slug(app: &App, slug: &str) -> Result<Model> {
    let found = Entity::all().filter(Column::Slug.eq(slug)).one(app.db.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Tenant))
}

pub async fn get(app: &App, id: TenantId) -> Result<Model> {
    let found = Entity::all().filter(Column::Id.eq(id)).one(app.db.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Tenant))
}

/// Every tenant, for work that goes through all of them.
pub async fn all(app: &App) -> Result<Vec<Model>> {
    Ok(Entity::all().all(app.db.reader()).await?)
}

/// The call of somebody who has not signed in: a tenant that publishes no board is one that does not exist.
pub async fn anonymous(app: &App, slug: &str) -> Result<Ctx> {
    let tenant = by_slug(app, slug).await?;
    if tenant.publishes_board {
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
