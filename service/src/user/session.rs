//! The places where somebody is signed in: opening one, staying, and ending it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Duration;
use entity::{
    Id,
    session::{ActiveModel, Column, Entity, Model, SessionId},
    tenant::TenantId,
    user::{self, UserId},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};

use super::{attempt, sign_in::SignedIn, token};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result, Subject},
    keys::{random, same, sha256},
    origin::Origin,
    permission::Permission,
    refusal::Refusal,
    tenant,
    write::Tx,
};

const LASTS: Duration = Duration::days(30);
/// Within it a refresh token may come twice, from two tabs or over a bad network, and gets the same answer.
const GRACE: Duration = Duration::seconds(10);

/// A session that is about to be opened.
#[derive(Clone)]
pub(super) struct Opening {
    pub id: SessionId,
    pub refresh_token: String,
}

impl Opening {
    pub fn new(app: &App, tenant: TenantId) -> Result<Self> {
        let id = app.new_id();
        Ok(Self { id, refresh_token: written(app, tenant, id, &random::<32>()?) })
    }

    pub async fn open(
        &self,
        tx: &Tx,
        user: UserId,
        lacks_second_factor: bool,
        origin: &Origin,
    ) -> Result<()> {
        let session = ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(self.id),
            user_id: Set(user),
            refresh_sha256: Set(sha256(self.refresh_token.as_bytes())),
            previous_sha256: Set(None),
            rotated_at: Set(None),
            lacks_second_factor: Set(lacks_second_factor),
            user_agent: Set(origin.user_agent.as_deref().map(ToOwned::to_owned)),
            address: Set(origin.address.map(|address| address.to_string())),
            last_used_at: Set(tx.now()),
            expires_at: Set(tx.now() + LASTS),
            revoked_at: Set(None),
            created_at: Set(tx.now()),
        };
        session.insert(&**tx).await?;
        Ok(())
    }

    /// Once it is committed.
    pub async fn signed_in(self, app: &App, user: user::Model) -> Result<SignedIn> {
        let access_token = token::issue(app, &user, self.id)?;
        let ctx = token::open(app, &access_token).await?.ctx;
        Ok(SignedIn { access_token, refresh_token: self.refresh_token, user, ctx })
    }
}

/// Trades a refresh token for new ones. One that was used before ends the session: somebody has a copy.
pub async fn refresh(app: &App, origin: &Origin, refresh_token: &str) -> Result<SignedIn> {
    attempt::to_refresh(app, origin).await?;
    let (tenant, id) = read(app, refresh_token).ok_or(Refusal::InvalidRefreshToken)?;
    let settings = tenant::get(app, tenant).await.map_err(|error| match error {
        Error::NotFound(_) => Refusal::InvalidRefreshToken.into(),
        other => other,
    })?;
    if settings.suspended_at.is_some() {
        return Err(Refusal::TenantSuspended.into());
    }
    let asks = settings.requires_second_factor;
    let kept = app
        .system(tenant, "refresh")
        .write(|tx| async move {
            let Some(session) = live(&tx, id).await? else { return Ok(None) };
            let Some(next) = rotate(&tx, &session, refresh_token, origin).await? else {
                revoke(&tx, session.user_id, Some(session.id)).await?;
                return Ok(None);
            };
            let user = user::Entity::of(tenant)
                .filter(user::Column::Id.eq(session.user_id))
                .one(&*tx)
                .await?;
            let Some(user) = user.filter(|user| user.disabled_at.is_none()) else {
                return Ok(None);
            };
            if asks && !user.role.rides() && user.totp_confirmed_at.is_none() {
                Entity::update_of(tenant)
                    .col_expr(Column::LacksSecondFactor, Expr::value(true))
                    .filter(Column::Id.eq(id))
                    .exec(&*tx)
                    .await?;
            }
            Ok(Some((user, next)))
        })
        .await?;
    let (user, refresh_token) = kept.ok_or(Refusal::InvalidRefreshToken)?;
    Opening { id, refresh_token }.signed_in(app, user).await
}

/// Ends one session. An unknown token is no error: the caller is signed out either way.
pub async fn sign_out(app: &App, refresh_token: &str) -> Result<()> {
    let Some((tenant, id)) = read(app, refresh_token) else { return Ok(()) };
    let shown = &sha256(refresh_token.as_bytes());
    app.system(tenant, "sign_out")
        .write(|tx| async move {
            let holder = Column::RefreshSha256.eq(shown.clone()).or(fresh(&tx, shown));
            Entity::update_of(tenant)
                .col_expr(Column::RevokedAt, Expr::value(tx.now()))
                .filter(Column::Id.eq(id))
                .filter(Column::RevokedAt.is_null())
                .filter(holder)
                .exec(&*tx)
                .await?;
            Ok(())
        })
        .await
}

/// Ends every session of the caller's login, this one too.
pub async fn sign_out_everywhere(ctx: &Ctx) -> Result<()> {
    let user = ctx.actor.user().ok_or(Error::Unauthenticated)?;
    ctx.write(|tx| async move {
        tx.audit_act("user.sign_out_everywhere", user);
        revoke(&tx, user, None).await
    })
    .await?;
    Ok(())
}

/// Those of a login, the last used first; those that ended are not among them.
pub async fn of(ctx: &Ctx, user: UserId) -> Result<Vec<Model>> {
    if ctx.actor.user() != Some(user) {
        ctx.require(Permission::ManageTeam)?;
    }
    let sessions = Entity::of(ctx.tenant)
        .filter(Column::UserId.eq(user))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(ctx.now()))
        .order_by_desc(Column::LastUsedAt)
        .order_by_desc(Column::Id)
        .all(ctx.reader())
        .await?;
    Ok(sessions)
}

/// Ends one of the caller's own.
pub async fn end(ctx: &Ctx, id: SessionId) -> Result<()> {
    let user = ctx.actor.user().ok_or(Error::Unauthenticated)?;
    ctx.write(|tx| async move {
        tx.audit_act("session.revoke", id);
        match revoke(&tx, user, Some(id)).await? {
            0 => Err(Error::NotFound(Subject::Session)),
            _ => Ok(()),
        }
    })
    .await
}

/// All of one login, or one of them; says how many ended.
pub(crate) async fn revoke(tx: &Tx, user: UserId, only: Option<SessionId>) -> Result<u64> {
    let mut update = Entity::update_of(tx.tenant())
        .col_expr(Column::RevokedAt, Expr::value(tx.now()))
        .filter(Column::UserId.eq(user))
        .filter(Column::RevokedAt.is_null());
    if let Some(id) = only {
        update = update.filter(Column::Id.eq(id));
    }
    Ok(update.exec(&**tx).await?.rows_affected)
}

/// The one that showed it lacks it no more; others that lack it end, because who opened them may be somebody else.
pub(super) async fn has_second_factor(tx: &Tx, user: UserId) -> Result<()> {
    let this = tx.ctx().session;
    let lacking = || {
        Entity::update_of(tx.tenant())
            .filter(Column::UserId.eq(user))
            .filter(Column::LacksSecondFactor.eq(true))
    };
    if let Some(this) = this {
        lacking()
            .col_expr(Column::LacksSecondFactor, Expr::value(false))
            .filter(Column::Id.eq(this))
            .exec(&**tx)
            .await?;
    }
    lacking()
        .col_expr(Column::RevokedAt, Expr::value(tx.now()))
        .filter(Column::RevokedAt.is_null())
        .exec(&**tx)
        .await?;
    Ok(())
}

async fn live(tx: &Tx, id: SessionId) -> Result<Option<Model>> {
    let session = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).one(&**tx).await?;
    Ok(session.filter(|s| s.revoked_at.is_none() && s.expires_at > tx.now()))
}

/// The token that follows the shown one; None when the shown one is not the newest and was not a moment ago.
///
/// What follows is made from what was shown, so that the same token has the same successor without anybody keeping it.
async fn rotate(tx: &Tx, session: &Model, shown: &str, origin: &Origin) -> Result<Option<String>> {
    let shown_sha256 = sha256(shown.as_bytes());
    let successors = tx.ctx().app.keys.macs("refresh token", shown.as_bytes());
    let app = &tx.ctx().app;
    let mut successors = successors.iter().map(|mac| written(app, tx.tenant(), session.id, mac));
    let next = successors.next().ok_or_else(|| Error::internal("no key"))?;
    let rotated = Entity::update_of(tx.tenant())
        .col_expr(Column::PreviousSha256, Expr::value(shown_sha256.clone()))
        .col_expr(Column::RefreshSha256, Expr::value(sha256(next.as_bytes())))
        .col_expr(Column::RotatedAt, Expr::value(tx.now()))
        .col_expr(Column::LastUsedAt, Expr::value(tx.now()))
        .col_expr(Column::UserAgent, Expr::value(origin.user_agent.as_deref()))
        .col_expr(Column::Address, Expr::value(origin.address.map(|a| a.to_string())))
        .col_expr(Column::ExpiresAt, Expr::value(tx.now() + LASTS))
        .filter(Column::Id.eq(session.id))
        .filter(Column::RefreshSha256.eq(shown_sha256.clone()))
        .exec(&**tx)
        .await?;
    if rotated.rows_affected == 1 {
        return Ok(Some(next));
    }
    // Another call with this token came first: perhaps just now.
    let kept = Entity::of(tx.tenant())
        .filter(Column::Id.eq(session.id))
        .filter(fresh(tx, &shown_sha256))
        .one(&**tx)
        .await?;
    let Some(kept) = kept else { return Ok(None) };
    let newest = |token: &String| same(&sha256(token.as_bytes()), &kept.refresh_sha256);
    Ok(std::iter::once(next).chain(successors).find(newest))
}

/// Where the token was the newest one until a moment ago.
fn fresh(tx: &Tx, shown_sha256: &[u8]) -> sea_orm::sea_query::SimpleExpr {
    Column::PreviousSha256.eq(shown_sha256.to_vec()).and(Column::RotatedAt.gte(tx.now() - GRACE))
}

/// Tenant and session in front, so that it can be looked up, 256 bits that nobody can guess, and a seal: a token that was
/// never given out is not one that was stolen, and ends nobody's session.
fn written(app: &App, tenant: TenantId, id: SessionId, secret: &[u8]) -> String {
    app.keys.seal(TOKEN, packed(tenant, id, secret).as_bytes())
}

fn read(app: &App, token: &str) -> Option<(TenantId, SessionId)> {
    let packed = app.keys.open(TOKEN, token)?;
    unpacked(std::str::from_utf8(&packed).ok()?)
}

const TOKEN: &str = "refresh token";

/// An id of a tenant and a secret, in one text.
pub(super) fn packed(tenant: TenantId, id: impl Id, secret: &[u8]) -> String {
    let mut bytes = tenant.uuid().as_bytes().to_vec();
    bytes.extend_from_slice(id.uuid().as_bytes());
    bytes.extend_from_slice(secret);
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn unpacked<I: Id>(token: &str) -> Option<(TenantId, I)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 64)?;
    let id = |range| uuid::Uuid::from_slice(bytes.get(range)?).ok();
    Some((TenantId::from_uuid(id(0..16)?), I::from_uuid(id(16..32)?)))
}
