//! Manifests: operations are registered all at once or not at all, and an old version works until it is retired.

use std::collections::BTreeMap;

use entity::{
    Id,
    api_client::ClientId,
    manifest::{Column, Entity, ManifestId, Model},
    operation,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result, Subject},
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    write::{ROW, Tx},
};

pub const MOST_OPERATIONS: usize = 2_000;
/// SQLite takes 32,766 values in one statement, and an operation has nine.
const AT_ONCE: usize = 2_000;

/// A document that was found to be one of the schema's. Whoever makes one has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Of the exact text.
    pub sha256: Vec<u8>,
    pub name: String,
    pub kind: operation::Kind,
    pub document: String,
    /// With the largest pages.
    pub cost: i32,
}

#[derive(Clone, Debug)]
pub struct Publish {
    pub client: ClientId,
    pub operations: Vec<Checked>,
}

#[derive(Clone, Debug)]
pub struct Retire {
    pub client: ClientId,
    pub version: i32,
}

/// What a manifest would change against the newest version, by the names of its operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// None where nothing is published.
    pub version: Option<i32>,
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// As the client's next version. Where the newest has exactly these operations, it is that one.
pub async fn publish(ctx: &Ctx, input: Publish) -> Result<Model> {
    ctx.require(Permission::ManagePartners)?;
    check(&input.operations)?;
    let input = &input;
    ctx.write(|tx| async move {
        super::lock(&tx, input.client).await?;
        let newest = newest(&*tx, tx.ctx(), input.client).await?;
        if let Some(newest) = &newest
            && newest.retired_at.is_none()
            && named(&input.operations) == operations_of(&*tx, tx.ctx(), newest).await?
        {
            return Ok(newest.clone());
        }
        let manifest = Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            client_id: input.client,
            version: newest.map_or(1, |newest| newest.version + 1),
            published_by: tx.actor().to_string(),
            published_at: tx.now(),
            retired_at: None,
        };
        let manifest = manifest.into_active_model().reset_all().insert(&*tx).await?;
        insert(&tx, &manifest, &input.operations).await?;
        tx.audit("manifest.publish", None, Some(&manifest))?;
        Ok(manifest)
    })
    .await
}

/// Its operations are gone within a second on every node, unless another version has them. One that was retired before
/// stays as it is.
pub async fn retire(ctx: &Ctx, input: Retire) -> Result<Model> {
    ctx.require(Permission::ManagePartners)?;
    let Retire { client, version } = input;
    ctx.write(|tx| async move {
        super::lock(&tx, client).await?;
        let found = of_client(tx.ctx(), client).filter(Column::Version.eq(version));
        let found = found.lock(ROW).one(&*tx).await?;
        let before = found.ok_or(Error::NotFound(Subject::Manifest))?;
        if before.retired_at.is_some() {
            return Ok(before);
        }
        let manifest = Model { retired_at: Some(tx.now()), ..before.clone() };
        let manifest = manifest.into_active_model().reset_all().update(&*tx).await?;
        tx.audit("manifest.retire", Some(&before), Some(&manifest))?;
        Ok(manifest)
    })
    .await
}

/// What publishing these would change.
pub async fn diff(ctx: &Ctx, client: ClientId, operations: &[Checked]) -> Result<Diff> {
    super::get(ctx, client).await?;
    let newest = newest(ctx.reader(), ctx, client).await?;
    let mut before = match &newest {
        Some(newest) => operations_of(ctx.reader(), ctx, newest).await?,
        None => BTreeMap::new(),
    };
    let mut diff = Diff { version: newest.map(|newest| newest.version), ..Diff::default() };
    for (name, sha256) in named(operations) {
        match before.remove(&name) {
            None => diff.added.push(name),
            Some(other) if other != sha256 => diff.changed.push(name),
            Some(_) => {}
        }
    }
    diff.removed = before.into_keys().collect();
    Ok(diff)
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[ManifestId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let some = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    Ok(some.all(ctx.reader()).await?)
}

/// A client's versions, the newest first.
pub async fn list(ctx: &Ctx, client: ClientId, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let sort = Sort {
        name: format!("of {client}").into(),
        direction: Direction::Descending,
        by: Some(Column::Version.into_expr()),
        id: Column::Id.into_expr(),
        key: Box::new(|manifest: &Model| (Key::Int(manifest.version.into()), manifest.id.uuid())),
    };
    page::fetch(ctx, "manifests", of_client(ctx, client), sort, page).await
}

pub async fn count(ctx: &Ctx, client: ClientId) -> Result<i64> {
    ctx.require(Permission::ManagePartners)?;
    page::count(of_client(ctx, client), ctx.reader()).await
}

fn check(operations: &[Checked]) -> Result<()> {
    let wrong = |message: &str| Err(Invalid::new("manifest", message).into());
    match operations.len() {
        0 => wrong("has no operations"),
        count if count > MOST_OPERATIONS => wrong("has more than 2,000 operations"),
        count if named(operations).len() < count => wrong("has two operations of one name"),
        _ => Ok(()),
    }
}

fn named(operations: &[Checked]) -> BTreeMap<String, Vec<u8>> {
    operations.iter().map(|each| (each.name.clone(), each.sha256.clone())).collect()
}

async fn operations_of(
    db: &impl sea_orm::ConnectionTrait,
    ctx: &Ctx,
    manifest: &Model,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let rows: Vec<(String, Vec<u8>)> = operation::Entity::of(ctx.tenant)
        .filter(operation::Column::ManifestId.eq(manifest.id))
        .select_only()
        .column(operation::Column::Name)
        .column(operation::Column::Sha256)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn newest(
    db: &impl sea_orm::ConnectionTrait,
    ctx: &Ctx,
    client: ClientId,
) -> Result<Option<Model>> {
    Ok(of_client(ctx, client).order_by_desc(Column::Version).one(db).await?)
}

async fn insert(tx: &Tx, manifest: &Model, operations: &[Checked]) -> Result<()> {
    let rows = operations.iter().map(|each| operation::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        manifest_id: Set(manifest.id),
        sha256: Set(each.sha256.clone()),
        name: Set(each.name.clone()),
        kind: Set(each.kind),
        document: Set(each.document.clone()),
        cost: Set(each.cost),
        created_at: Set(tx.now()),
    });
    let rows: Vec<_> = rows.collect();
    for some in rows.chunks(AT_ONCE) {
        operation::Entity::insert_many(some.to_vec()).exec_without_returning(&**tx).await?;
    }
    Ok(())
}

fn of_client(ctx: &Ctx, client: ClientId) -> Select<Entity> {
    Entity::of(ctx.tenant).filter(Column::ClientId.eq(client))
}
