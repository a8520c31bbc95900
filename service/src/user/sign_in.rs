//! Signing in: with a password or a one-time code, and a second factor where there is one.

use chrono::Duration;
use entity::{
    one_time_code::Purpose,
    tenant,
    user::{self, Model},
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::{
    attempt,
    contact::Contact,
    one_time_code::{self, Issue},
    password, second_factor,
    session::Opening,
};
use crate::{
    ctx::{App, Ctx},
    error::{Error, Result},
    notify::{self, Message},
    origin::Origin,
    refusal::Refusal,
    write::{ROW, Tx},
};

const CODE_LASTS: Duration = Duration::minutes(5);

#[derive(Clone)]
pub struct SignIn {
    /// Its slug.
    pub tenant: String,
    pub contact: Contact,
    pub password: String,
    /// Of the second factor, by those who have one.
    pub totp_code: Option<String>,
}

#[derive(Clone)]
pub struct SignInWithCode {
    pub tenant: String,
    pub contact: Contact,
    pub code: String,
    pub totp_code: Option<String>,
}

/// What a client keeps: the access token for calls, the refresh token for the next access token.
#[derive(Clone)]
pub struct SignedIn {
    pub access_token: String,
    pub refresh_token: String,
    pub user: Model,
    pub ctx: Ctx,
}

/// Says `INVALID_CREDENTIALS`, after the same time, whether it is the tenant, the address or the password that is wrong.
pub async fn sign_in(app: &App, origin: &Origin, input: SignIn) -> Result<SignedIn> {
    let found = find(app, &input.tenant, &input.contact).await?;
    let account = (input.tenant.as_str(), &input.contact);
    attempt::to_sign_in(app, origin, account, found.as_ref().map(|(_, user)| user)).await?;
    let hash = found.as_ref().and_then(|(_, user)| user.password_hash.clone());
    let password = input.password;
    let right = password::verify(password.clone(), hash).await?;
    let Some((tenant, user)) = found.filter(|(_, user)| right && user.disabled_at.is_none()) else {
        return Err(Refusal::InvalidCredentials.into());
    };
    // Hashed with weaker parameters than today's: now is the moment to know the password.
    let renewed = match user.password_hash.as_deref().is_some_and(password::is_weak) {
        true => password::hash("password", password).await.ok(),
        false => None,
    };
    let (id, renewed) = (user.id, renewed.as_deref());
    admit(app, origin, (tenant, user), input.totp_code, |tx| async move {
        match renewed {
            Some(hash) => set_password(&tx, id, hash).await,
            None => Ok(()),
        }
    })
    .await
}

/// Sends six digits to a login's address. The answer is the same, and as late, when nobody has the address.
pub async fn request_code(
    app: &App,
    origin: &Origin,
    tenant: &str,
    contact: &Contact,
) -> Result<()> {
    let Some((tenant, user)) = addressee(app, origin, tenant, contact).await? else {
        return Ok(());
    };
    let ctx = app.system(tenant.id, "request_code");
    let code = one_time_code::digits()?;
    let issue = Issue {
        id: app.new_id(),
        purpose: Purpose::SignIn,
        contact,
        user,
        secret: &code,
        lasts: CODE_LASTS,
    };
    one_time_code::issue(&ctx, issue).await?;
    if user.is_some() {
        let name = &tenant.name;
        let text = format!(
            "{code} is your code to sign in to {name}.\n\nIt works once, for {} minutes. If you did not ask for it, \
             somebody typed your address: nothing has happened.\n",
            CODE_LASTS.num_minutes()
        );
        let subject = format!("{code} is your code for {name}");
        notify::send(&app.notifier, Message::new(contact.clone(), subject, text));
    }
    Ok(())
}

/// For whom a message is: no login where nobody has the address, and nothing where there is no such tenant. Counts it.
pub(super) async fn addressee(
    app: &App,
    origin: &Origin,
    tenant: &str,
    contact: &Contact,
) -> Result<Option<(tenant::Model, Option<user::UserId>)>> {
    if !app.notifier.reaches(contact) {
        return Err(Refusal::DeliveryUnavailable.into());
    }
    let Some(tenant) = crate::tenant::open(app, tenant).await? else { return Ok(None) };
    attempt::to_send(app, origin, tenant.id, contact).await?;
    let user = by_contact(app, tenant.id, contact).await?;
    let user = user.filter(|user| user.disabled_at.is_none()).map(|user| user.id);
    Ok(Some((tenant, user)))
}

/// `INVALID_CODE` whether it is the tenant, the address or the code that is wrong, and after five wrong ones in any case.
pub async fn sign_in_with_code(
    app: &App,
    origin: &Origin,
    input: SignInWithCode,
) -> Result<SignedIn> {
    let found = find(app, &input.tenant, &input.contact).await?;
    let account = (input.tenant.as_str(), &input.contact);
    attempt::to_sign_in(app, origin, account, found.as_ref().map(|(_, user)| user)).await?;
    let tenant = crate::tenant::named(app, &input.tenant).await?.ok_or(Refusal::InvalidCode)?;
    let ctx = app.system(tenant.id, "sign_in");
    let sent = one_time_code::sent_to(Purpose::SignIn, &input.contact);
    let code = one_time_code::redeem(&ctx, sent, input.code.trim()).await?;
    let user = found.map(|(_, user)| user);
    let user = user.filter(|user| Some(user.id) == code.user_id && user.disabled_at.is_none());
    let user = user.ok_or(Refusal::InvalidCode)?;
    let (code, user_id, contact) = (&code, user.id, &input.contact);
    admit(app, origin, (tenant, user), input.totp_code, |tx| async move {
        one_time_code::use_up(&tx, code).await?;
        super::verification::mark(&tx, user_id, contact).await
    })
    .await
}

/// Opens a session for who has shown the first factor; `also` is part of the same write.
pub(super) async fn admit<F, Fut>(
    app: &App,
    origin: &Origin,
    (tenant, user): (tenant::Model, Model),
    totp_code: Option<String>,
    also: F,
) -> Result<SignedIn>
where
    F: Fn(Tx) -> Fut + Send + Sync,
    Fut: Future<Output = Result<()>> + Send,
{
    if tenant.suspended_at.is_some() {
        return Err(Refusal::TenantSuspended.into());
    }
    let step = second_factor::expected(app, &user, totp_code.as_deref())?;
    let lacks = tenant.requires_second_factor && step.is_none() && !user.role.rides();
    let opening = Opening::new(app, tenant.id)?;
    let (opening_ref, also, user_ref, id) = (&opening, &also, &user, user.id);
    app.system(tenant.id, "sign_in")
        .write(|tx| async move {
            unchanged(&tx, user_ref).await?;
            also(tx.clone()).await?;
            if let Some(step) = step {
                second_factor::use_up(&tx, id, step).await?;
            }
            opening_ref.open(&tx, id, lacks, origin).await
        })
        .await?;
    opening.signed_in(app, user).await
}

/// Looking at a password takes a while. Who was disabled meanwhile, or got another password, role or second factor, has
/// to begin again: their sessions have ended, and this one must not begin after that.
async fn unchanged(tx: &Tx, seen: &Model) -> Result<()> {
    let now = user::Entity::of(tx.tenant())
        .filter(user::Column::Id.eq(seen.id))
        .lock(ROW)
        .one(&**tx)
        .await?;
    let same = |now: &Model| {
        now.disabled_at.is_none()
            && now.role == seen.role
            && now.password_hash == seen.password_hash
            && now.totp_confirmed_at == seen.totp_confirmed_at
            && now.totp_secret == seen.totp_secret
    };
    if now.is_some_and(|now| same(&now)) { Ok(()) } else { Err(Refusal::InvalidCredentials.into()) }
}

async fn find(
    app: &App,
    tenant: &str,
    contact: &Contact,
) -> Result<Option<(tenant::Model, Model)>> {
    let Some(tenant) = crate::tenant::named(app, tenant).await? else { return Ok(None) };
    let user = by_contact(app, tenant.id, contact).await?;
    Ok(user.map(|user| (tenant, user)))
}

pub(super) async fn by_contact(
    app: &App,
    tenant: tenant::TenantId,
    contact: &Contact,
) -> Result<Option<Model>> {
    Ok(user::Entity::of(tenant).filter(contact.filter()).one(&app.db.reader_of(tenant)).await?)
}

/// A new password; ending the sessions that began with the old one is the caller's.
pub(super) async fn set_password(tx: &Tx, user: user::UserId, hash: &str) -> Result<()> {
    let changed = user::Entity::update_of(tx.tenant())
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .filter(user::Column::Id.eq(user))
        .exec(&**tx)
        .await?;
    if changed.rows_affected == 1 {
        Ok(())
    } else {
        Err(Error::NotFound(crate::error::Subject::User))
    }
}
