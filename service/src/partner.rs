//! API clients: programs that call, what they may do, and what they have registered to call.

pub mod cost;
pub mod key;
pub mod manifest;
pub mod operation;

use std::collections::HashSet;

use entity::api_client::{ClientId, Column, Entity, Kind, Model, Origins};
use entity::scope::Scopes;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Select,
};

use crate::{
    ctx::{App, Ctx},
    error::{Error, Invalid, Result, Subject},
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    text,
    write::{ROW, Tx},
};

const MOST_ORIGINS: usize = 20;

#[derive(Clone, Debug)]
pub struct CreateClient {
    pub name: String,
    pub kind: Kind,
    pub scopes: Scopes,
    /// None is no limit.
    pub cost_per_minute: Option<i32>,
    pub allowed_origins: Vec<String>,
}

/// What is None stays as it is.
#[derive(Clone, Debug)]
pub struct UpdateClient {
    pub id: ClientId,
    pub name: Option<String>,
    pub scopes: Option<Scopes>,
    pub cost_per_minute: Option<Option<i32>>,
    pub allowed_origins: Option<Vec<String>>,
    /// A disabled client's keys and operations do not work, until it is enabled again.
    pub disabled: Option<bool>,
}

pub async fn create(ctx: &Ctx, input: CreateClient) -> Result<Model> {
    ctx.require(Permission::ManagePartners)?;
    let name = text::required("name", &input.name, 200)?;
    let cost_per_minute = budget(input.cost_per_minute)?;
    let allowed_origins = origins(&input.allowed_origins)?;
    let (name, allowed_origins) = (&name, &allowed_origins);
    ctx.write(|tx| async move {
        let client = Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            name: name.clone(),
            kind: input.kind,
            scopes: input.scopes,
            cost_per_minute,
            allowed_origins: allowed_origins.clone(),
            disabled_at: None,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        let client = client.into_active_model().reset_all().insert(&*tx).await?;
        tx.audit("client.create", None, Some(&client))?;
        Ok(client)
    })
    .await
}

pub async fn update(ctx: &Ctx, input: UpdateClient) -> Result<Model> {
    ctx.require(Permission::ManagePartners)?;
    let input = &input;
    ctx.write(|tx| async move {
        let before = lock(&tx, input.id).await?;
        let mut client = before.clone();
        if let Some(name) = &input.name {
            client.name = text::required("name", name, 200)?;
        }
        if let Some(scopes) = input.scopes {
            client.scopes = scopes;
        }
        if let Some(cost) = input.cost_per_minute {
            client.cost_per_minute = budget(cost)?;
        }
        if let Some(allowed) = &input.allowed_origins {
            client.allowed_origins = origins(allowed)?;
        }
        if let Some(disabled) = input.disabled {
            client.disabled_at = disabled.then(|| client.disabled_at.unwrap_or(tx.now()));
        }
        client.updated_at = tx.now();
        let client = client.into_active_model().reset_all().update(&*tx).await?;
        tx.audit("client.update", Some(&before), Some(&client))?;
        Ok(client)
    })
    .await
}

pub async fn get(ctx: &Ctx, id: ClientId) -> Result<Model> {
    ctx.require(Permission::ManagePartners)?;
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::ApiClient))
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[ClientId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let some = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    Ok(some.all(ctx.reader()).await?)
}

pub async fn list(ctx: &Ctx, include_disabled: bool, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let sort = Sort {
        name: "name".into(),
        direction: Direction::Ascending,
        by: Some(Column::Name.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(|c: &Model| (Key::Text(c.name.clone()), entity::Id::uuid(c.id))),
    };
    page::fetch(ctx, "api_clients", filtered(ctx, include_disabled), sort, page).await
}

pub async fn count(ctx: &Ctx, include_disabled: bool) -> Result<i64> {
    ctx.require(Permission::ManagePartners)?;
    page::count(filtered(ctx, include_disabled), ctx.reader()).await
}

/// Of all tenants, the sites whose pages may call with some client's keys.
#[expect(clippy::disallowed_methods, reason = "a browser asks before it says whose key it has")]
pub async fn all_origins(app: &App) -> Result<HashSet<String>> {
    let lists: Vec<Origins> = Entity::find()
        .filter(Column::DisabledAt.is_null())
        .select_only()
        .column(Column::AllowedOrigins)
        .into_tuple()
        .all(app.db.feed())
        .await?;
    Ok(lists.into_iter().flat_map(|Origins(origins)| origins).collect())
}

/// Its keys and manifests change one after the other.
async fn lock(tx: &Tx, id: ClientId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::ApiClient))
}

fn filtered(ctx: &Ctx, include_disabled: bool) -> Select<Entity> {
    let query = Entity::of(ctx.tenant);
    if include_disabled { query } else { query.filter(Column::DisabledAt.is_null()) }
}

fn budget(cost_per_minute: Option<i32>) -> Result<Option<i32>> {
    match cost_per_minute {
        Some(cost) if cost < 1 => Err(Invalid::new("costPerMinute", "must be at least 1").into()),
        cost => Ok(cost),
    }
}

fn origins(given: &[String]) -> Result<Origins> {
    let wrong = |message: &str| Err(Invalid::new("allowedOrigins", message).into());
    if given.len() > MOST_ORIGINS {
        return wrong("must be at most 20");
    }
    let mut origins = Vec::with_capacity(given.len());
    for origin in given {
        let origin = origin.trim().to_ascii_lowercase();
        if !is_origin(&origin) {
            return wrong("must be origins, such as https://app.example");
        }
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(Origins(origins))
}

/// Scheme and host, and a port where it is not the scheme's: nothing behind them.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "1"));
    let host_fits = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    ["http", "https"].contains(&scheme)
        && authority.len() <= 253
        && host_fits
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_perhaps_a_port() {
        for right in ["https://app.example", "http://localhost:3000", "https://127.0.0.1"] {
            assert!(is_origin(right), "{right}");
        }
        for wrong in [
            "*",
            "null",
            "app.example",
            "https://",
            "https://app.example/",
            "ftp://app.example",
            "https://a:b",
        ] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
