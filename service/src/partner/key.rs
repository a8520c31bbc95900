//! API keys: made and shown once, changed one after the other, and what they let in.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use entity::{
    Id,
    api_client::{self, ClientId},
    api_key::{Column, Entity, KeyId, Model},
    scope::Scopes,
    tenant::TenantId,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationDef, Select,
    sea_query::{Condition, Expr},
};

use super::cost::Budget;
use crate::{
    ctx::{Actor, App, Ctx},
    error::{Constraint, Error, Invalid, OnConstraint, Result, Subject},
    keys::{random, same, sha256},
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    refusal::Refusal,
    tenant,
    write::{ROW, Tx},
};

pub const TWO_LIVE: Constraint = Constraint {
    name: "api_key_two_live",
    columns: "api_key.tenant_id, api_key.client_id, api_key.slot",
};

/// How every key begins, so that it is known where it turns up.
pub const PREFIX: &str = "blk_";
/// What people see of one: its id's first 72 bits, which are its age and some chance.
const SHOWN: usize = PREFIX.len() + 12;
/// Not every call is worth a write.
const USE_IS_KEPT: Duration = Duration::minutes(1);

#[derive(Clone, Debug)]
pub struct CreateKey {
    pub client: ClientId,
    /// None: all that the client may.
    pub scopes: Option<Scopes>,
    /// None: until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

pub struct Created {
    pub key: Model,
    /// Told now and never again.
    pub secret: String,
}

/// A key, and since when its client is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AsOf {
    id: KeyId,
    changed: DateTime<Utc>,
}

/// A program that showed a key which works.
pub struct Bearer {
    pub ctx: Ctx,
    pub key: AsOf,
    pub expires_at: Option<DateTime<Utc>>,
    pub budget: Option<Budget>,
}

/// Of more than two that work, the third is refused with `API_KEY_LIMIT_REACHED`.
pub async fn create(ctx: &Ctx, input: CreateKey) -> Result<Created> {
    ctx.require(Permission::ManagePartners)?;
    if input.expires_at.is_some_and(|end| end <= ctx.now()) {
        return Err(Invalid::new("expiresAt", "must be in the future").into());
    }
    let id = ctx.app.new_id();
    let secret = new_secret(ctx.tenant, id)?;
    let (input, text) = (&input, &secret);
    let key = ctx
        .write(|tx| async move {
            let client = super::lock(&tx, input.client).await?;
            if client.disabled_at.is_some() {
                return Err(Refusal::ApiClientDisabled.into());
            }
            let key = Model {
                tenant_id: tx.tenant(),
                id,
                client_id: client.id,
                slot: free_slot(&tx, client.id).await?,
                prefix: text[..SHOWN].to_owned(),
                sha256: sha256(text.as_bytes()),
                scopes: input.scopes,
                expires_at: input.expires_at,
                last_used_at: None,
                revoked_at: None,
                created_at: tx.now(),
            };
            let inserted = key.into_active_model().reset_all().insert(&*tx).await;
            let key = inserted.on_constraint(TWO_LIVE, Refusal::ApiKeyLimitReached)?;
            tx.audit("key.create", None, Some(&key))?;
            Ok(key)
        })
        .await?;
    Ok(Created { key, secret })
}

/// From now on it lets nobody in, and what it opened is closed. One that was revoked before stays as it is.
pub async fn revoke(ctx: &Ctx, id: KeyId) -> Result<Model> {
    ctx.require(Permission::ManagePartners)?;
    ctx.write(|tx| async move {
        let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&*tx).await?;
        let before = found.ok_or(Error::NotFound(Subject::ApiKey))?;
        if before.revoked_at.is_some() {
            return Ok(before);
        }
        let key = Model { revoked_at: Some(tx.now()), ..before.clone() };
        let key = key.into_active_model().reset_all().update(&*tx).await?;
        tx.audit("key.revoke", Some(&before), Some(&key))?;
        Ok(key)
    })
    .await
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[KeyId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let some = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    Ok(some.all(ctx.reader()).await?)
}

/// A client's keys, the newest first, those that do not work any more too.
pub async fn list(ctx: &Ctx, client: ClientId, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let sort = Sort {
        name: format!("of {client}").into(),
        direction: Direction::Descending,
        by: None,
        id: Column::Id.into_expr(),
        key: Box::new(|key: &Model| (Key::None, key.id.uuid())),
    };
    page::fetch(ctx, "api_keys", of_client(ctx, client), sort, page).await
}

/// Those that work, the older first; two at most.
pub async fn working_of(ctx: &Ctx, client: ClientId) -> Result<Vec<Model>> {
    ctx.require(Permission::ManagePartners)?;
    let query = of_client(ctx, client).filter(Column::RevokedAt.is_null());
    let mut keys = query.order_by_asc(Column::Id).all(ctx.reader()).await?;
    keys.retain(|key| key.works_at(ctx.now()));
    Ok(keys)
}

pub async fn count(ctx: &Ctx, client: ClientId) -> Result<i64> {
    ctx.require(Permission::ManagePartners)?;
    page::count(of_client(ctx, client), ctx.reader()).await
}

pub fn is_key(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Anything but a key that works is `Unauthenticated`. `page` is the site that a browser says it calls for.
pub async fn open(app: &App, token: &str, page: Option<&str>) -> Result<Bearer> {
    let (tenant, id) = read(token).ok_or(Error::Unauthenticated)?;
    let found = Entity::of(tenant)
        .filter(Column::Id.eq(id))
        .join(JoinType::InnerJoin, client())
        .select_two_required(api_client::Entity)
        .one(&app.db.reader_of(tenant))
        .await?;
    let Some((key, client)) = found else { return Err(Error::Unauthenticated) };
    let is_right = same(&key.sha256, &sha256(token.as_bytes()));
    if !is_right || !key.works_at(app.now()) || client.disabled_at.is_some() {
        return Err(Error::Unauthenticated);
    }
    if !client.allows(page) {
        return Err(Error::Forbidden);
    }
    let scopes = key.scopes.map_or(client.scopes, |scopes| scopes.and(client.scopes));
    let actor = Actor::Partner { client: client.id, scopes };
    let tenant = tenant::get(app, tenant).await?;
    if tenant.suspended_at.is_some() {
        return Err(Refusal::TenantSuspended.into());
    }
    let ctx = app.call(actor, &tenant);
    note_use(&ctx, &key).await;
    let budget = client.cost_per_minute.map(|most| Budget::of(client.id, most));
    let as_of = AsOf { id: key.id, changed: client.updated_at };
    Ok(Bearer { ctx, key: as_of, expires_at: key.expires_at, budget })
}

/// Of all tenants, those of these that still work as they did: for nodes that hold their sockets.
#[expect(clippy::disallowed_methods, reason = "a node serves sockets of all tenants")]
pub async fn working(app: &App, keys: &[AsOf]) -> Result<Vec<AsOf>> {
    let lasts =
        Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(app.now()));
    let working: Vec<(KeyId, DateTime<Utc>)> = Entity::find()
        .join(JoinType::InnerJoin, client())
        .filter(Column::Id.is_in(keys.iter().map(|key| key.id)))
        .filter(Column::RevokedAt.is_null())
        .filter(lasts)
        .filter(api_client::Column::DisabledAt.is_null())
        .select_only()
        .column(Column::Id)
        .column(api_client::Column::UpdatedAt)
        .into_tuple()
        .all(app.db.feed())
        .await?;
    Ok(working.into_iter().map(|(id, changed)| AsOf { id, changed }).collect())
}

fn client() -> RelationDef {
    Entity::belongs_to(api_client::Entity)
        .from((Column::TenantId, Column::ClientId))
        .to((api_client::Column::TenantId, api_client::Column::Id))
        .into()
}

fn of_client(ctx: &Ctx, client: ClientId) -> Select<Entity> {
    Entity::of(ctx.tenant).filter(Column::ClientId.eq(client))
}

/// Keys that have expired give theirs back. The client is locked, so that nobody takes the slot meanwhile.
async fn free_slot(tx: &Tx, client: ClientId) -> Result<i16> {
    let live = || {
        let of_client = Entity::of(tx.tenant()).filter(Column::ClientId.eq(client));
        of_client.filter(Column::RevokedAt.is_null())
    };
    Entity::update_of(tx.tenant())
        .col_expr(Column::RevokedAt, Expr::value(tx.now()))
        .filter(Column::ClientId.eq(client))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.lte(tx.now()))
        .exec(&**tx)
        .await?;
    let taken: Vec<i16> = live().select_only().column(Column::Slot).into_tuple().all(&**tx).await?;
    let free = (1..=2).find(|slot| !taken.contains(slot));
    free.ok_or(Refusal::ApiKeyLimitReached.into())
}

/// That the use is not kept keeps nobody out.
async fn note_use(ctx: &Ctx, key: &Model) {
    let since = ctx.now() - USE_IS_KEPT;
    if key.last_used_at.is_some_and(|last| last > since) {
        return;
    }
    let (id, before) = (key.id, key.last_used_at);
    let noted = ctx
        .write(|tx| async move {
            let update = Entity::update_of(tx.tenant())
                .col_expr(Column::LastUsedAt, Expr::value(tx.now()))
                .filter(Column::Id.eq(id));
            // Of many calls at once, one writes.
            let update = match before {
                Some(before) => update.filter(Column::LastUsedAt.eq(before)),
                None => update.filter(Column::LastUsedAt.is_null()),
            };
            update.exec(&*tx).await?;
            Ok(())
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(%error, key = %id, "the use of a key was not kept");
    }
}

/// Key and tenant in front, so that it can be looked up, and 256 bits that nobody can guess.
fn new_secret(tenant: TenantId, key: KeyId) -> Result<String> {
    let mut bytes = key.uuid().as_bytes().to_vec();
    bytes.extend_from_slice(tenant.uuid().as_bytes());
    bytes.extend_from_slice(&random::<32>()?);
    Ok(PREFIX.to_owned() + &URL_SAFE_NO_PAD.encode(bytes))
}

fn read(token: &str) -> Option<(TenantId, KeyId)> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
    let (ids, secret) = bytes.split_at_checked(32)?;
    let id = |range| uuid::Uuid::from_slice(ids.get(range)?).ok();
    let (key, tenant) = (id(0..16)?, id(16..32)?);
    (secret.len() == 32).then(|| (TenantId::from_uuid(tenant), KeyId::from_uuid(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whose_it_is_and_nothing_else_reads() {
        let (tenant, key) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let (tenant, key) = (TenantId::from_uuid(tenant), KeyId::from_uuid(key));
        let secret = new_secret(tenant, key).unwrap();
        assert_eq!(read(&secret), Some((tenant, key)));
        assert_ne!(secret, new_secret(tenant, key).unwrap());
        for wrong in ["", PREFIX, &secret[4..], &secret[..80], &format!("{secret}A")] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
