//! Showing that one reads what is sent to an address: one's own, or a new one.

use chrono::Duration;
use entity::{
    one_time_code::Purpose,
    user::{Column, Entity, Model, UserId},
};
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::{
    attempt,
    contact::Contact,
    credentials,
    one_time_code::{self, Issue},
};
use crate::{
    ctx::Ctx,
    error::{OnConstraint, Result},
    notify::{self, Message},
    refusal::Refusal,
    write::Tx,
};

const LASTS: Duration = Duration::minutes(15);

/// Sends six digits to an address that the caller wants to have. Whether somebody else has it is said to who reads there.
/// A new address is a new way in, so it needs the password.
pub async fn request(ctx: &Ctx, contact: &Contact, password: Option<String>) -> Result<()> {
    let user = super::own_settled(ctx).await?;
    if !contact.is_of(&user) {
        credentials::confirm(ctx, &user, password).await?;
    }
    if !ctx.app.notifier.reaches(contact) {
        return Err(Refusal::DeliveryUnavailable.into());
    }
    attempt::to_send(&ctx.app, &ctx.origin, ctx.tenant, contact).await?;
    let code = one_time_code::digits()?;
    let issue = Issue {
        id: ctx.app.new_id(),
        purpose: Purpose::Verify,
        contact,
        user: Some(user.id),
        secret: &code,
        lasts: LASTS,
    };
    // The platform sends it: nothing of the login has changed yet.
    one_time_code::issue(&ctx.app.system(ctx.tenant, "request_verification"), issue).await?;
    let tenant = ctx.own_tenant().await?.name;
    let text = format!(
        "{code} shows {tenant} that this address is yours.\n\nIt works for {} minutes. If you did not ask for it, do \
         nothing: without the code your address is not used.\n",
        LASTS.num_minutes()
    );
    let subject = format!("{code} is your code for {tenant}");
    notify::send(&ctx.app.notifier, Message::new(contact.clone(), subject, text));
    Ok(())
}

/// The caller has the address from now on, and signs in with it.
pub async fn verify(ctx: &Ctx, contact: &Contact, code: &str) -> Result<Model> {
    let user = super::own_settled(ctx).await?;
    let sent = one_time_code::sent_to(Purpose::Verify, contact);
    let sent = sent.and(entity::one_time_code::Column::UserId.eq(user.id));
    let system = ctx.app.system(ctx.tenant, "verify_contact");
    let code = &one_time_code::redeem(&system, sent, code.trim()).await?;
    ctx.write(|tx| async move {
        one_time_code::use_up(&tx, code).await?;
        let before = super::found(&tx, user.id).await?;
        mark(&tx, user.id, contact).await?;
        super::tell(&tx, "user.verify_contact", &before).await
    })
    .await?;
    if !contact.is_of(&user) {
        warn(ctx, &user, contact).await?;
    }
    super::own(ctx).await
}

/// Tells who reads at the address that they had before.
async fn warn(ctx: &Ctx, before: &Model, contact: &Contact) -> Result<()> {
    let old = match contact {
        Contact::Email(_) => before.email.clone().map(Contact::Email),
        Contact::Phone(_) => before.phone.clone().map(Contact::Phone),
    };
    let Some(to) = old.filter(|old| ctx.app.notifier.reaches(old)) else { return Ok(()) };
    let tenant = ctx.own_tenant().await?.name;
    let text = format!(
        "Your login at {tenant} has another address now, and this one is not used any more. If that was not you, tell \
         {tenant} at once.\n"
    );
    let subject = format!("Your login at {tenant} has another address");
    notify::send(&ctx.app.notifier, Message::new(to, subject, text));
    Ok(())
}

/// It is theirs, whatever it was before.
pub(super) async fn mark(tx: &Tx, user: UserId, contact: &Contact) -> Result<()> {
    let (address, verified, constraint, refusal) = match contact {
        Contact::Email(_) => {
            (Column::Email, Column::EmailVerifiedAt, super::EMAIL, Refusal::EmailTaken)
        }
        Contact::Phone(_) => {
            (Column::Phone, Column::PhoneVerifiedAt, super::PHONE, Refusal::PhoneTaken)
        }
    };
    Entity::update_of(tx.tenant())
        .col_expr(address, Expr::value(contact.address()))
        .col_expr(verified, Expr::value(tx.now()))
        .filter(Column::Id.eq(user))
        .exec(&**tx)
        .await
        .on_constraint(constraint, refusal)?;
    Ok(())
}
