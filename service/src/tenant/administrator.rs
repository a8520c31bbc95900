//! What the platform's administrators do with tenants: create, suspend and resume them. They see nothing inside.

use entity::{
    money::Currency,
    tenant::{ActiveModel, Column, Entity, Model, SignUp, TenantId},
    user::Role,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};

use super::{CreateTenant, checked, insert};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    event::epoch,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    text,
    user::{
        self, CreateUser,
        contact::Contact,
        invitation::{Invite, Link},
    },
    write::{ROW, new_head},
};

/// What administrators name as their tenant when they sign in. No operator can take it.
pub const PLATFORM_SLUG: &str = "platform";

/// An administrator's call, for tenants from outside.
pub struct PlatformCtx(Ctx);

impl Ctx {
    pub fn platform(&self) -> Result<PlatformCtx> {
        self.require(Permission::ManageTenants)?;
        Ok(PlatformCtx(self.clone()))
    }
}

impl PlatformCtx {
    /// The same caller at the door of a tenant, whose audit log tells what it does.
    pub fn at(&self, tenant: TenantId) -> Ctx {
        self.0.clone().into_tenant(tenant)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// None: both.
    pub suspended: Option<bool>,
    /// Names and slugs that begin with it.
    pub search: Option<String>,
}

/// A new operator, and the invitation of its first owner where one is given.
pub async fn create(
    platform: &PlatformCtx,
    input: CreateTenant,
    owner: Option<Contact>,
) -> Result<Model> {
    let ctx = platform.at(platform.0.app.new_id());
    let input = &checked(input)?;
    let owner = owner.map(|contact| Invite { contact, role: Role::Owner, customer: None });
    let link = owner.as_ref().map(|invite| Link::new(&ctx, &invite.contact)).transpose()?;
    let invited = &owner.as_ref().zip(link.as_ref());
    let tenant = ctx
        .write(|tx| async move {
            let tenant = insert(&tx, input.clone()).await?;
            if let Some((invite, link)) = invited {
                link.insert(&tx, invite).await?;
            }
            Ok(tenant)
        })
        .await?;
    if let Some((invite, link)) = invited {
        link.send(&ctx, &tenant.name, &invite.contact);
    }
    Ok(tenant)
}

/// From now on nobody can call there, and open sockets close. Nothing is lost; open rentals go on until they are ended.
pub async fn suspend(platform: &PlatformCtx, id: TenantId) -> Result<Model> {
    set_suspended(platform, id, true).await
}

pub async fn resume(platform: &PlatformCtx, id: TenantId) -> Result<Model> {
    set_suspended(platform, id, false).await
}

async fn set_suspended(platform: &PlatformCtx, id: TenantId, suspended: bool) -> Result<Model> {
    platform
        .at(id)
        .write(|tx| async move {
            let found = operators().filter(Column::Id.eq(id)).lock(ROW).one(&*tx).await?;
            let before = found.ok_or(Error::NotFound(Subject::Tenant))?;
            let suspended_at = suspended.then(|| before.suspended_at.unwrap_or(tx.now()));
            Entity::update_one(id)
                .col_expr(Column::SuspendedAt, Expr::value(suspended_at))
                .exec(&*tx)
                .await?;
            let after = Model { suspended_at, ..before.clone() };
            let action = if suspended { "tenant.suspend" } else { "tenant.resume" };
            tx.audit(action, Some(&before), Some(&after))?;
            Ok(after)
        })
        .await
}

pub async fn get(platform: &PlatformCtx, id: TenantId) -> Result<Model> {
    let found = operators().filter(Column::Id.eq(id)).one(platform.0.reader()).await?;
    found.ok_or(Error::NotFound(Subject::Tenant))
}

pub async fn list(
    platform: &PlatformCtx,
    filter: &Filter,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    let sort = Sort {
        name: "name".into(),
        direction,
        by: Some(Column::Name.into_simple_expr()),
        id: Column::Id.into_simple_expr(),
        key: Box::new(|tenant: &Model| {
            (Key::Text(tenant.name.clone()), entity::Id::uuid(tenant.id))
        }),
    };
    page::fetch(&platform.0, "tenants", filtered(filter), sort, page).await
}

pub async fn count(platform: &PlatformCtx, filter: &Filter) -> Result<i64> {
    page::count(filtered(filter), platform.0.reader()).await
}

/// A new administrator. For the platform's own commands.
pub async fn appoint(
    app: &App,
    email: String,
    name: String,
    password: String,
) -> Result<user::Model> {
    found(app).await?;
    let ctx = app.system(TenantId::PLATFORM, "create_administrator");
    let input = CreateUser { email, name, role: Role::Administrator, password, customer: None };
    user::create(&ctx, input).await
}

/// Makes the platform's own tenant, unless there is one.
pub(crate) async fn found(app: &App) -> Result<()> {
    let ctx = app.system(TenantId::PLATFORM, "found_platform");
    let platform = ActiveModel {
        id: Set(TenantId::PLATFORM),
        slug: Set(PLATFORM_SLUG.to_owned()),
        name: Set("Platform".to_owned()),
        time_zone: Set("UTC".to_owned()),
        currency: Set("EUR".parse::<Currency>().map_err(|_| Error::internal("a currency"))?),
        publishes_board: Set(false),
        grace_seconds: Set(0),
        rental_limit: Set(1),
        sign_up: Set(SignUp::Closed),
        requires_second_factor: Set(false),
        suspended_at: Set(None),
        created_at: Set(app.now()),
    };
    let platform = &platform;
    ctx.write(|tx| async move {
        let known = Entity::all().filter(Column::Id.eq(TenantId::PLATFORM)).one(&*tx).await?;
        if known.is_none() {
            platform.clone().insert(&*tx).await?;
            let head = new_head(tx.ctx(), epoch::fresh()?);
            entity::stream_head::Entity::insert(head).exec_without_returning(&*tx).await?;
        }
        Ok(())
    })
    .await
}

fn operators() -> Select<Entity> {
    Entity::all().filter(Column::Id.ne(TenantId::PLATFORM))
}

fn filtered(filter: &Filter) -> Select<Entity> {
    let query = match filter.suspended {
        Some(true) => operators().filter(Column::SuspendedAt.is_not_null()),
        Some(false) => operators().filter(Column::SuspendedAt.is_null()),
        None => operators(),
    };
    match &filter.search {
        Some(typed) => {
            let slug = text::begins_with(Column::Slug, typed);
            query.filter(text::begins_with(Column::Name, typed).or(slug))
        }
        None => query,
    }
}
