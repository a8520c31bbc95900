//! Secrets that are sent to people: six digits to be typed, or a token in a link. Each works once, for one purpose and one
//! address, and a few wrong guesses end it.

use chrono::Duration;
use entity::{
    one_time_code::{ActiveModel, Column, Entity, Model, OneTimeCodeId, Purpose},
    user::UserId,
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict, SimpleExpr},
};

use super::contact::Contact;
use crate::{ctx::Ctx, error::Result, keys::random, refusal::Refusal, write::Tx};

const ATTEMPTS: i32 = 5;

/// What is to be sent.
pub(super) struct Issue<'a> {
    pub id: OneTimeCodeId,
    pub purpose: Purpose,
    pub contact: &'a Contact,
    /// None where nobody has the address.
    pub user: Option<UserId>,
    pub secret: &'a str,
    pub lasts: Duration,
}

/// Six digits.
pub(super) fn digits() -> Result<String> {
    let number = u64::from_be_bytes(random()?) % 1_000_000;
    Ok(format!("{number:06}"))
}

/// Keeps it in place of the one that this address had before.
pub(super) async fn issue(ctx: &Ctx, issue: Issue<'_>) -> Result<()> {
    let issue = &issue;
    let mac =
        &ctx.app.keys.mac(PURPOSE, &bound(issue.purpose, issue.contact.address(), issue.secret));
    ctx.write(|tx| async move {
        let row = ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(issue.id),
            purpose: Set(issue.purpose),
            address: Set(issue.contact.address().to_owned()),
            user_id: Set(issue.user),
            mac: Set(mac.clone()),
            attempts_left: Set(ATTEMPTS),
            expires_at: Set(tx.now() + issue.lasts),
            used_at: Set(None),
            created_at: Set(tx.now()),
        };
        let renewed = [
            Column::Id,
            Column::UserId,
            Column::Mac,
            Column::AttemptsLeft,
            Column::ExpiresAt,
            Column::UsedAt,
            Column::CreatedAt,
        ];
        let same = OnConflict::columns([Column::TenantId, Column::Purpose, Column::Address])
            .update_columns(renewed)
            .to_owned();
        Entity::insert(row).on_conflict(same).exec_without_returning(&*tx).await?;
        Ok(())
    })
    .await
}

/// The one that was sent to an address for a purpose.
pub(super) fn sent_to(purpose: Purpose, contact: &Contact) -> SimpleExpr {
    Column::Purpose.eq(purpose).and(Column::Address.eq(contact.address()))
}

/// Looks at a secret that somebody shows. The attempt is committed before the comparison, so that many at once are many.
pub(super) async fn redeem(ctx: &Ctx, which: SimpleExpr, shown: &str) -> Result<Model> {
    let which = &which;
    let found = ctx
        .write(|tx| async move {
            let counted = Entity::update_of(tx.tenant())
                .col_expr(Column::AttemptsLeft, Expr::col(Column::AttemptsLeft).sub(1))
                .filter(which.clone())
                .filter(Column::AttemptsLeft.gt(0))
                .filter(Column::UsedAt.is_null())
                .filter(Column::ExpiresAt.gt(tx.now()))
                .exec(&*tx)
                .await?;
            if counted.rows_affected == 0 {
                return Ok(None);
            }
            Ok(Entity::of(tx.tenant()).filter(which.clone()).one(&*tx).await?)
        })
        .await?;
    let fits = |code: &Model| {
        let bytes = bound(code.purpose, &code.address, shown);
        ctx.app.keys.is_mac(&code.mac, PURPOSE, &bytes)
    };
    found.filter(fits).ok_or_else(|| Refusal::InvalidCode.into())
}

/// In the write that does what it was for: of two that show the same one, one does it.
pub(super) async fn use_up(tx: &Tx, code: &Model) -> Result<()> {
    let used = Entity::update_of(tx.tenant())
        .col_expr(Column::UsedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(code.id))
        .filter(Column::UsedAt.is_null())
        .exec(&**tx)
        .await?;
    if used.rows_affected == 1 { Ok(()) } else { Err(Refusal::InvalidCode.into()) }
}

const PURPOSE: &str = "one-time code";

fn bound(purpose: Purpose, address: &str, secret: &str) -> Vec<u8> {
    format!("{}\n{address}\n{secret}", purpose.to_value()).into_bytes()
}
