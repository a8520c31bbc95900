//! A new password: by who knows the old one, or by who reads the login's mail.

use chrono::Duration;
use entity::{
    one_time_code::{self as row, OneTimeCodeId, Purpose},
    user::Model,
};
use sea_orm::{ColumnTrait, sea_query::ExprTrait};

use super::{
    attempt,
    contact::Contact,
    one_time_code::{self, Issue},
    password,
    session::{self, packed, unpacked},
    sign_in,
};
use crate::{
    ctx::{App, Ctx},
    error::{Invalid, Result},
    keys::random,
    notify::{self, Message},
    origin::Origin,
    refusal::Refusal,
};

const RESET_LASTS: Duration = Duration::minutes(30);

/// Ends every session of the login, also the one that asks; who has no password yet needs none.
pub async fn change(ctx: &Ctx, current: Option<String>, new: String) -> Result<Model> {
    let user = super::own_settled(ctx).await?;
    confirm(ctx, &user, current).await?;
    let hash = &password::hash("newPassword", new).await?;
    ctx.write(|tx| async move {
        let before = super::found(&tx, user.id).await?;
        sign_in::set_password(&tx, user.id, hash).await?;
        super::tell(&tx, "user.change_password", &before).await?;
        session::revoke(&tx, user.id, None).await
    })
    .await?;
    super::own(ctx).await
}

/// The password once more, of who has one: an open browser is not its owner.
pub(super) async fn confirm(ctx: &Ctx, user: &Model, current: Option<String>) -> Result<()> {
    let Some(hash) = user.password_hash.clone() else { return Ok(()) };
    attempt::to_confirm(ctx, user).await?;
    if password::verify(current.unwrap_or_default(), Some(hash)).await? {
        Ok(())
    } else {
        Err(Invalid::new("currentPassword", "is not your password").into())
    }
}

/// Sends a link. The answer is the same, and as late, when nobody has the address.
pub async fn request_reset(
    app: &App,
    origin: &Origin,
    tenant: &str,
    contact: &Contact,
) -> Result<()> {
    let Some((tenant, user)) = sign_in::addressee(app, origin, tenant, contact).await? else {
        return Ok(());
    };
    let id: OneTimeCodeId = app.new_id();
    let token = packed(tenant.id, id, &random::<32>()?);
    let issue = Issue {
        id,
        purpose: Purpose::ResetPassword,
        contact,
        user,
        secret: &token,
        lasts: RESET_LASTS,
    };
    one_time_code::issue(&app.system(tenant.id, "request_reset"), issue).await?;
    if user.is_some() {
        let (name, minutes) = (&tenant.name, RESET_LASTS.num_minutes());
        let text = format!(
            "Choose a new password for {name}:\n\n{}/reset-password?token={token}\n\nThe link works once, for {minutes} \
             minutes. If you did not ask for it, do nothing: your password stays as it is.\n",
            app.public_url
        );
        let subject = format!("Your new password for {name}");
        notify::send(&app.notifier, Message::new(contact.clone(), subject, text));
    }
    Ok(())
}

/// Sets the password and ends every session. `INVALID_CODE` when the token is unknown, used or too old.
pub async fn reset(app: &App, origin: &Origin, token: &str, new: String) -> Result<()> {
    attempt::with_token(app, origin).await?;
    password::check("password", &new)?;
    let (tenant, id) = unpacked::<OneTimeCodeId>(token).ok_or(Refusal::InvalidCode)?;
    let ctx = app.system(tenant, "reset_password").coming_from(origin.clone());
    let which = row::Column::Id.eq(id).and(row::Column::Purpose.eq(Purpose::ResetPassword));
    let code = &one_time_code::redeem(&ctx, which, token).await?;
    let user = code.user_id.ok_or(Refusal::InvalidCode)?;
    let hash = &password::hash("password", new).await?;
    ctx.write(|tx| async move {
        one_time_code::use_up(&tx, code).await?;
        let before = super::found(&tx, user).await?;
        // An address that they have left is nobody's way in.
        if before.email.as_deref() != Some(code.address.as_str()) {
            return Err(Refusal::InvalidCode.into());
        }
        sign_in::set_password(&tx, user, hash).await?;
        let after = super::found(&tx, user).await?;
        tx.audit_by(&after, "user.reset_password", Some(&before), Some(&after))?;
        session::revoke(&tx, user, None).await
    })
    .await?;
    Ok(())
}
