//! Registered operations: which one a caller means, and which there are.

use entity::{
    Id, api_client, manifest,
    manifest::ManifestId,
    operation::{Column, Entity, Model},
};
use sea_orm::{
    ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef, Select,
};

use crate::{
    ctx::{Actor, Ctx},
    error::Result,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
};

/// One that can be called now.
pub struct Live {
    pub client: api_client::Model,
    pub version: i32,
    pub operation: Model,
}

/// The text behind a hash. Programs with a key have what their client registered, everybody else what the tenant's own
/// programs did. Of what others registered nobody learns.
pub async fn find(ctx: &Ctx, sha256: &[u8]) -> Result<Option<Model>> {
    Ok(callable(ctx, sha256).one(ctx.reader()).await?)
}

/// Whether `find` would still find it; cheaper.
pub async fn is_live(ctx: &Ctx, sha256: &[u8]) -> Result<bool> {
    let found = callable(ctx, sha256).select_only().column(Column::Id);
    let found: Option<entity::operation::OperationId> =
        found.into_tuple().one(ctx.reader()).await?;
    Ok(found.is_some())
}

/// All that can be called now, by client and name.
pub async fn live(ctx: &Ctx) -> Result<Vec<Live>> {
    ctx.require(Permission::ManagePartners)?;
    let manifests = manifest::Entity::of(ctx.tenant)
        .join(JoinType::InnerJoin, client())
        .filter(manifest::Column::RetiredAt.is_null())
        .filter(api_client::Column::DisabledAt.is_null())
        .select_two_required(api_client::Entity)
        .order_by_asc(api_client::Column::Name)
        .order_by_asc(api_client::Column::Id)
        .order_by_desc(manifest::Column::Version)
        .all(ctx.reader())
        .await?;
    let mut live = Vec::new();
    for (manifest, client) in manifests {
        let operations = of_manifest(ctx, manifest.id).order_by_asc(Column::Name);
        let operations = operations.all(ctx.reader()).await?.into_iter();
        live.extend(operations.map(|operation| Live {
            client: client.clone(),
            version: manifest.version,
            operation,
        }));
    }
    Ok(live)
}

/// A version's operations, by name.
pub async fn list(ctx: &Ctx, manifest: ManifestId, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let sort = Sort {
        name: format!("of {manifest}").into(),
        direction: Direction::Ascending,
        by: Some(Column::Name.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(|each: &Model| (Key::Text(each.name.clone()), each.id.uuid())),
    };
    page::fetch(ctx, "operations", of_manifest(ctx, manifest), sort, page).await
}

pub async fn count(ctx: &Ctx, manifest: ManifestId) -> Result<i64> {
    ctx.require(Permission::ManagePartners)?;
    page::count(of_manifest(ctx, manifest), ctx.reader()).await
}

fn callable(ctx: &Ctx, sha256: &[u8]) -> Select<Entity> {
    let named = joined(ctx).filter(Column::Sha256.eq(sha256.to_vec()));
    match ctx.actor {
        Actor::Partner { client, .. } => named.filter(api_client::Column::Id.eq(client)),
        _ => named.filter(api_client::Column::Kind.eq(api_client::Kind::FirstParty)),
    }
}

/// What is not retired, of clients that are not disabled.
fn joined(ctx: &Ctx) -> Select<Entity> {
    Entity::of(ctx.tenant)
        .join(JoinType::InnerJoin, manifest())
        .join(JoinType::InnerJoin, client())
        .filter(manifest::Column::RetiredAt.is_null())
        .filter(api_client::Column::DisabledAt.is_null())
}

fn of_manifest(ctx: &Ctx, manifest: ManifestId) -> Select<Entity> {
    Entity::of(ctx.tenant).filter(Column::ManifestId.eq(manifest))
}

fn manifest() -> RelationDef {
    Entity::belongs_to(manifest::Entity)
        .from((Column::TenantId, Column::ManifestId))
        .to((manifest::Column::TenantId, manifest::Column::Id))
        .into()
}

fn client() -> RelationDef {
    manifest::Entity::belongs_to(api_client::Entity)
        .from((manifest::Column::TenantId, manifest::Column::ClientId))
        .to((api_client::Column::TenantId, api_client::Column::Id))
        .into()
}
