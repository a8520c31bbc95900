//! The optional second factor: RFC 6238 codes of an authenticator app.

use entity::user::{Column, Entity, Model, UserId};
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use totp_rs::{Algorithm, TOTP};

use super::{attempt, password};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result},
    keys::{random, same},
    refusal::Refusal,
    write::Tx,
};

/// What every authenticator app supports: SHA-1, six digits, thirty seconds.
const DIGITS: usize = 6;
const STEP: u64 = 30;

/// What an authenticator app is told.
pub struct Setup {
    /// Base32, to be typed.
    pub secret: String,
    /// `otpauth://…`, to be shown as a QR code.
    pub uri: String,
}

/// Makes a new secret, also for who may do nothing else yet. It counts for nothing before `confirm`; the one before still does.
pub async fn set_up(ctx: &Ctx) -> Result<Setup> {
    let user = super::own(ctx).await?;
    if user.totp_confirmed_at.is_some() {
        return Err(Refusal::SecondFactorExists.into());
    }
    let secret = random::<20>()?;
    let sealed = &ctx.app.keys.encrypt(&sealed_for(user.id), &secret)?;
    let tenant = ctx.own_tenant().await?;
    ctx.write(|tx| async move {
        let before = super::found(&tx, user.id).await?;
        Entity::update_of(tx.tenant())
            .col_expr(Column::TotpSecret, Expr::value(sealed.clone()))
            .filter(Column::Id.eq(user.id))
            .filter(Column::TotpConfirmedAt.is_null())
            .exec(&*tx)
            .await?;
        super::tell(&tx, "user.set_up_second_factor", &before).await
    })
    .await?;
    let secret = totp(secret.to_vec())?.get_secret_base32();
    let name = user.email.or(user.phone).unwrap_or_default();
    let (issuer, account) = (escaped(&tenant.name), escaped(&name));
    let uri = format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}");
    Ok(Setup { secret, uri })
}

/// Shows that the app has it. From now on it is asked for, and sessions that lacked it do not any more.
pub async fn confirm(ctx: &Ctx, code: &str) -> Result<Model> {
    let user = super::own(ctx).await?;
    if user.totp_confirmed_at.is_some() {
        return Err(Refusal::SecondFactorExists.into());
    }
    let secret = user.totp_secret.as_deref().ok_or(Refusal::InvalidSecondFactor)?;
    let step = matching(&ctx.app, (user.id, secret), code)?.ok_or(Refusal::InvalidSecondFactor)?;
    ctx.write(|tx| async move {
        let before = super::found(&tx, user.id).await?;
        let confirmed = Entity::update_of(tx.tenant())
            .col_expr(Column::TotpConfirmedAt, Expr::value(tx.now()))
            .filter(Column::Id.eq(user.id))
            .filter(Column::TotpSecret.eq(secret.to_vec()))
            .filter(Column::TotpConfirmedAt.is_null())
            .exec(&*tx)
            .await?;
        if confirmed.rows_affected == 0 {
            return Err(Refusal::InvalidSecondFactor.into());
        }
        use_up(&tx, user.id, step).await?;
        super::tell(&tx, "user.confirm_second_factor", &before).await?;
        super::session::has_second_factor(&tx, user.id).await
    })
    .await?;
    super::own(ctx).await
}

/// Takes it away; asks for the password again, because who finds an open browser should not be able to.
pub async fn remove(ctx: &Ctx, current_password: String) -> Result<Model> {
    let user = super::own_settled(ctx).await?;
    if ctx.own_tenant().await?.requires_second_factor && !user.role.rides() {
        return Err(Refusal::SecondFactorRequired.into());
    }
    attempt::to_confirm(ctx, &user).await?;
    if !password::verify(current_password, user.password_hash).await? {
        return Err(Refusal::InvalidCredentials.into());
    }
    ctx.write(|tx| async move {
        let before = super::found(&tx, user.id).await?;
        clear(&tx, user.id).await?;
        super::tell(&tx, "user.remove_second_factor", &before).await
    })
    .await?;
    super::own(ctx).await
}

pub(super) async fn clear(tx: &Tx, user: UserId) -> Result<()> {
    Entity::update_of(tx.tenant())
        .col_expr(Column::TotpSecret, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::TotpConfirmedAt, Expr::value(None::<chrono::DateTime<chrono::Utc>>))
        .col_expr(Column::TotpLastStep, Expr::value(None::<i64>))
        .filter(Column::Id.eq(user))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// The time step of the code, for who has a second factor; None for who has none.
pub(super) fn expected(app: &App, user: &Model, code: Option<&str>) -> Result<Option<i64>> {
    let confirmed = user.totp_confirmed_at.and(user.totp_secret.as_deref());
    let Some(secret) = confirmed else { return Ok(None) };
    let code = code.ok_or(Refusal::SecondFactorCodeRequired)?;
    let step = matching(app, (user.id, secret), code)?.ok_or(Refusal::InvalidSecondFactor)?;
    Ok(Some(step))
}

/// Each code works once, and none that is older than it.
pub(super) async fn use_up(tx: &Tx, user: UserId, step: i64) -> Result<()> {
    let used = Entity::update_of(tx.tenant())
        .col_expr(Column::TotpLastStep, Expr::value(step))
        .filter(Column::Id.eq(user))
        .filter(Column::TotpLastStep.is_null().or(Column::TotpLastStep.lt(step)))
        .exec(&**tx)
        .await?;
    if used.rows_affected == 1 { Ok(()) } else { Err(Refusal::InvalidSecondFactor.into()) }
}

/// One step early or late is allowed: clocks differ.
fn matching(app: &App, (user, sealed): (UserId, &[u8]), code: &str) -> Result<Option<i64>> {
    let totp = totp(app.keys.decrypt(&sealed_for(user), sealed)?)?;
    let code = code.trim().as_bytes();
    let now = u64::try_from(app.now().timestamp()).map_err(Error::internal)? / STEP;
    let fits = |step: &u64| same(totp.generate(step * STEP).as_bytes(), code);
    let step = [now, now.saturating_sub(1), now + 1].into_iter().find(fits);
    step.map(|step| i64::try_from(step).map_err(Error::internal)).transpose()
}

/// One login's secret opens for no other.
fn sealed_for(user: UserId) -> String {
    format!("second factor of {user}")
}

fn totp(secret: Vec<u8>) -> Result<TOTP> {
    TOTP::new(Algorithm::SHA1, DIGITS, 1, STEP, secret)
        .map_err(|error| Error::internal(error.to_string()))
}

/// As RFC 3986 wants it in a path and in a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    let escape =
        |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}
