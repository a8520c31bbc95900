//! The logins of a tenant, for those who look after them.

use entity::user::{Column, Entity, Model, Role, UserId};
use sea_orm::{
    ColumnTrait, IntoSimpleExpr, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};

use super::{second_factor, session};
use crate::{
    ctx::Ctx,
    error::{Error, Result, Subject},
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    refusal::Refusal,
    text,
    write::{ROW, Tx},
};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub roles: Vec<Role>,
    /// None: both.
    pub disabled: Option<bool>,
    /// Names and e-mail addresses that begin with it.
    pub search: Option<String>,
}

/// What is None stays as it is.
#[derive(Clone, Debug)]
pub struct UpdateUser {
    pub id: UserId,
    pub name: Option<String>,
    pub role: Option<Role>,
}

pub async fn get(ctx: &Ctx, id: UserId) -> Result<Model> {
    if ctx.actor.user() != Some(id) {
        ctx.require(Permission::ManageTeam).map_err(|error| match error {
            Error::Forbidden => Error::NotFound(Subject::User),
            other => other,
        })?;
    }
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::User))
}

/// Those of these that the caller may see: one's own, or any for those who manage the team.
pub async fn get_many(ctx: &Ctx, ids: &[UserId]) -> Result<Vec<Model>> {
    let all = ctx.may(Permission::ManageTeam);
    let visible = ids.iter().copied().filter(|id| all || ctx.actor.user() == Some(*id));
    let found = Entity::of(ctx.tenant).filter(Column::Id.is_in(visible)).all(ctx.reader()).await?;
    Ok(found)
}

pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    direction: Direction,
    page: &PageArgs,
) -> Result<Page<Model>> {
    ctx.require(Permission::ManageTeam)?;
    let sort = Sort {
        name: "name".into(),
        direction,
        by: Some(Column::Name.into_simple_expr()),
        id: Column::Id.into_simple_expr(),
        key: Box::new(|user: &Model| (Key::Text(user.name.clone()), entity::Id::uuid(user.id))),
    };
    page::fetch(ctx, "users", filtered(ctx, filter), sort, page).await
}

pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<i64> {
    ctx.require(Permission::ManageTeam)?;
    page::count(filtered(ctx, filter), ctx.reader()).await
}

/// Another role is another person to every open page: its sessions end.
pub async fn update(ctx: &Ctx, input: UpdateUser) -> Result<Model> {
    let name = input.name.as_deref().map(|name| text::required("name", name, 200)).transpose()?;
    let name = &name;
    change(ctx, "user.update", input.id, |tx, before| async move {
        let after = Model {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            role: input.role.unwrap_or(before.role),
            ..before.clone()
        };
        if after.role != before.role {
            may_appoint(tx.ctx(), after.role)?;
            if after.role.rides() || before.role.rides() {
                return Err(Refusal::RoleNotChangeable.into());
            }
            session::revoke(&tx, before.id, None).await?;
        }
        Ok(after)
    })
    .await
}

/// Cannot sign in any more, and is signed out everywhere.
pub async fn disable(ctx: &Ctx, id: UserId) -> Result<Model> {
    change(ctx, "user.disable", id, |tx, before| async move {
        session::revoke(&tx, id, None).await?;
        Ok(Model { disabled_at: before.disabled_at.or(Some(tx.now())), ..before })
    })
    .await
}

pub async fn enable(ctx: &Ctx, id: UserId) -> Result<Model> {
    let run = |_, before| async move { Ok(Model { disabled_at: None, ..before }) };
    change(ctx, "user.enable", id, run).await
}

/// Signs somebody out everywhere.
pub async fn sign_out(ctx: &Ctx, id: UserId) -> Result<Model> {
    change(ctx, "user.sign_out", id, |tx, before| async move {
        session::revoke(&tx, id, None).await?;
        Ok(before)
    })
    .await
}

/// For who has lost their telephone.
pub async fn reset_second_factor(ctx: &Ctx, id: UserId) -> Result<Model> {
    change(ctx, "user.reset_second_factor", id, |tx, before| async move {
        second_factor::clear(&tx, id).await?;
        session::revoke(&tx, id, None).await?;
        Ok(Model { totp_secret: None, totp_confirmed_at: None, totp_last_step: None, ..before })
    })
    .await
}

/// Only owners make owners; administrators of the platform are made elsewhere.
pub(super) fn may_appoint(ctx: &Ctx, role: Role) -> Result<()> {
    let may = match role {
        Role::Administrator => false,
        Role::Owner => matches!(ctx.actor.role(), None | Some(Role::Owner)),
        _ => true,
    };
    if may { Ok(()) } else { Err(Error::Forbidden) }
}

/// One login, by who may: owners are changed by owners, and one that works is always left.
async fn change<F, Fut>(ctx: &Ctx, action: &'static str, id: UserId, run: F) -> Result<Model>
where
    F: Fn(Tx, Model) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Model>> + Send,
{
    ctx.require(Permission::ManageTeam)?;
    let run = &run;
    ctx.write(|tx| async move {
        let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&*tx).await?;
        let before = found.ok_or(Error::NotFound(Subject::User))?;
        may_appoint(tx.ctx(), before.role)?;
        let after = run(tx.clone(), before.clone()).await?;
        let leaves = |user: &Model| user.role == Role::Owner && user.disabled_at.is_none();
        Entity::update_of(tx.tenant())
            .col_expr(Column::Name, Expr::value(after.name.as_str()))
            .col_expr(Column::Role, Expr::value(after.role))
            .col_expr(Column::DisabledAt, Expr::value(after.disabled_at))
            .filter(Column::Id.eq(id))
            .exec(&*tx)
            .await?;
        if leaves(&before) && !leaves(&after) {
            must_have_an_owner(&tx).await?;
        }
        tx.audit(action, Some(&before), Some(&after))?;
        Ok(after)
    })
    .await
}

/// Owners are locked first, so that the last two cannot both go at once.
async fn must_have_an_owner(tx: &Tx) -> Result<()> {
    let owners =
        Entity::of(tx.tenant()).filter(Column::Role.eq(Role::Owner)).lock(ROW).all(&**tx).await?;
    let left =
        owners.iter().filter(|owner| owner.disabled_at.is_none() && owner.role == Role::Owner);
    if left.count() == 0 { Err(Refusal::LastOwner.into()) } else { Ok(()) }
}

fn filtered(ctx: &Ctx, filter: &Filter) -> Select<Entity> {
    let mut query = Entity::of(ctx.tenant);
    if !filter.roles.is_empty() {
        query = query.filter(Column::Role.is_in(filter.roles.iter().copied()));
    }
    query = match filter.disabled {
        Some(true) => query.filter(Column::DisabledAt.is_not_null()),
        Some(false) => query.filter(Column::DisabledAt.is_null()),
        None => query,
    };
    if let Some(typed) = &filter.search {
        let email = text::begins_with(Column::Email, typed);
        query = query.filter(text::begins_with(Column::Name, typed).or(email));
    }
    query
}
