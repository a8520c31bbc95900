//! Signing in, staying signed in, and signing out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Duration;
use entity::{
    Id,
    session::{self, SessionId},
    tenant::TenantId,
    user::{self, UserId},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, QueryFilter, sea_query::Expr};

use super::{password, token};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result},
    keys::{random, sha256},
    refusal::Refusal,
    tenant,
    write::Tx,
};

const SESSION: Duration = Duration::days(30);

#[derive(Clone)]
pub struct SignIn {
    pub tenant: String,
    pub email: String,
    pub password: String,
}

/// What a client keeps: the access token for calls, the refresh token for the next access token.
#[derive(Clone)]
pub struct SignedIn {
    pub access_token: String,
    pub refresh_token: String,
    pub user: user::Model,
    pub ctx: Ctx,
}

/// Says `INVALID_CREDENTIALS`, after the same time, whether it is the tenant, the address or the password that is wrong.
pub async fn sign_in(app: &App, input: SignIn) -> Result<SignedIn> {
    let user = match tenant::by_slug(app, input.tenant.trim()).await {
        Ok(tenant) => by_email(app, tenant.id, &input.email.trim().to_lowercase()).await?,
        Err(Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let right = password::verify(input.password, hash).await?;
    let Some(user) = user.filter(|user| right && user.disabled_at.is_none()) else {
        return Err(Refusal::InvalidCredentials.into());
    };
    let ctx = app.system(user.tenant_id, "sign_in");
    let (session, user_id) = (app.new_id::<SessionId>(), user.id);
    let (refresh_token, refresh_sha256) = new_refresh_token(user.tenant_id, session)?;
    let refresh_sha256 = &refresh_sha256;
    ctx.write(
        |tx| async move { open_session(&tx, session, user_id, refresh_sha256.clone()).await },
    )
    .await?;
    signed_in(app, user, (session, refresh_token)).await
}

/// Trades a refresh token for new ones. One that was used before ends the session: somebody has a copy.
pub async fn refresh(app: &App, refresh_token: &str) -> Result<SignedIn> {
    let (tenant, id) = read_refresh_token(refresh_token).ok_or(Refusal::InvalidRefreshToken)?;
    let ctx = app.system(tenant, "refresh");
    let shown = sha256(refresh_token.as_bytes());
    let (next_token, next) = new_refresh_token(tenant, id)?;
    let (shown, next) = (&shown, &next);
    let user = ctx
        .write(|tx| async move {
            let session =
                session::Entity::of(tenant).filter(session::Column::Id.eq(id)).one(&*tx).await?;
            let session = session.filter(|s| s.revoked_at.is_none() && s.expires_at > tx.now());
            let Some(session) = session else { return Ok(None) };
            let rotated = rotate(&tx, &session, shown, next).await?;
            if !rotated {
                revoke(&tx, session.user_id, Some(session.id)).await?;
                return Ok(None);
            }
            let user = user::Entity::of(tenant)
                .filter(user::Column::Id.eq(session.user_id))
                .one(&*tx)
                .await?;
            Ok(user.filter(|user| user.disabled_at.is_none()))
        })
        .await?;
    match user {
        Some(user) => signed_in(app, user, (id, next_token)).await,
        None => Err(Refusal::InvalidRefreshToken.into()),
    }
}

/// Ends one session. An unknown token is no error: the caller is signed out either way.
pub async fn sign_out(app: &App, refresh_token: &str) -> Result<()> {
    let Some((tenant, id)) = read_refresh_token(refresh_token) else { return Ok(()) };
    let shown = &sha256(refresh_token.as_bytes());
    app.system(tenant, "sign_out")
        .write(|tx| async move {
            session::Entity::update_of(tenant)
                .col_expr(session::Column::RevokedAt, Expr::value(tx.now()))
                .filter(session::Column::Id.eq(id))
                .filter(session::Column::RefreshSha256.eq(shown.clone()))
                .exec(&*tx)
                .await?;
            Ok(())
        })
        .await
}

/// Ends every session of the caller's login, this one too.
pub async fn sign_out_everywhere(ctx: &Ctx) -> Result<()> {
    let user = ctx.actor.user().ok_or(Error::Unauthenticated)?;
    ctx.write(|tx| async move { revoke(&tx, user, None).await }).await
}

async fn signed_in(
    app: &App,
    user: user::Model,
    (session, refresh_token): (SessionId, String),
) -> Result<SignedIn> {
    let access_token = token::issue(app, &user, session)?;
    let ctx = token::open(app, &access_token).await?.ctx;
    Ok(SignedIn { access_token, refresh_token, user, ctx })
}

async fn by_email(app: &App, tenant: TenantId, email: &str) -> Result<Option<user::Model>> {
    Ok(user::Entity::of(tenant)
        .filter(user::Column::Email.eq(email))
        .one(&app.db.reader_of(tenant))
        .await?)
}

async fn open_session(tx: &Tx, id: SessionId, user: UserId, refresh_sha256: Vec<u8>) -> Result<()> {
    let session = session::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        user_id: Set(user),
        refresh_sha256: Set(refresh_sha256),
        previous_sha256: Set(None),
        rotated_at: Set(None),
        lacks_second_factor: Set(false),
        user_agent: Set(None),
        address: Set(None),
        last_used_at: Set(tx.now()),
        expires_at: Set(tx.now() + SESSION),
        revoked_at: Set(None),
        created_at: Set(tx.now()),
    };
    session.insert(&**tx).await?;
    Ok(())
}

/// False when the token is not the session's newest; of two at once, one is.
async fn rotate(tx: &Tx, session: &session::Model, shown: &[u8], next: &[u8]) -> Result<bool> {
    let updated = session::Entity::update_of(session.tenant_id)
        .col_expr(session::Column::PreviousSha256, Expr::value(shown.to_vec()))
        .col_expr(session::Column::RefreshSha256, Expr::value(next.to_vec()))
        .col_expr(session::Column::ExpiresAt, Expr::value(tx.now() + SESSION))
        .filter(session::Column::Id.eq(session.id))
        .filter(session::Column::RefreshSha256.eq(shown.to_vec()))
        .exec(&**tx)
        .await?;
    Ok(updated.rows_affected == 1)
}

async fn revoke(tx: &Tx, user: UserId, only: Option<SessionId>) -> Result<()> {
    let mut update = session::Entity::update_of(tx.tenant())
        .col_expr(session::Column::RevokedAt, Expr::value(tx.now()))
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::RevokedAt.is_null());
    if let Some(id) = only {
        update = update.filter(session::Column::Id.eq(id));
    }
    update.exec(&**tx).await?;
    Ok(())
}

/// Tenant and session in front, so that it can be looked up, and 256 bits that nobody can guess.
fn new_refresh_token(tenant: TenantId, session: SessionId) -> Result<(String, Vec<u8>)> {
    let mut bytes = tenant.uuid().as_bytes().to_vec();
    bytes.extend_from_slice(session.uuid().as_bytes());
    bytes.extend_from_slice(&random::<32>()?);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = sha256(token.as_bytes());
    Ok((token, hash))
}

fn read_refresh_token(token: &str) -> Option<(TenantId, SessionId)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 64)?;
    let id = |range| uuid::Uuid::from_slice(bytes.get(range)?).ok();
    Some((TenantId::from_uuid(id(0..16)?), SessionId::from_uuid(id(16..32)?)))
}
