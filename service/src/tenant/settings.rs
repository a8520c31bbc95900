//! What a tenant decides for itself.

use entity::{
    money::{Currency, Money},
    tenant::{Column, Entity, Model, SignUp, TenantId},
};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, sea_query::Expr};

use crate::{
    ctx::{Actor, Ctx},
    error::{Error, Invalid, Result, Subject},
    permission::Permission,
    text,
    write::ROW,
};

/// The most vehicles that one customer may be allowed at once.
const RENTAL_LIMIT: i32 = 1_000;
const GRACE_SECONDS: i32 = 3_600;

/// What is None stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdateTenant {
    pub name: Option<String>,
    pub time_zone: Option<String>,
    pub publishes_board: Option<bool>,
    pub grace_seconds: Option<i32>,
    pub rental_limit: Option<i32>,
    pub requires_deposit: Option<bool>,
    /// `Some(None)` takes the limit away.
    pub debt_limit: Option<Option<Decimal>>,
    pub sign_up: Option<SignUp>,
    pub requires_second_factor: Option<bool>,
}

/// For whoever has signed in.
pub async fn get(ctx: &Ctx) -> Result<Model> {
    match ctx.actor {
        Actor::Anonymous => Err(Error::Unauthenticated),
        Actor::Audience(_) => Err(Error::no_viewer()),
        _ => ctx.own_tenant().await,
    }
}

/// Those of these that the caller may see: its own, or any for the platform's administrators.
pub async fn get_many(ctx: &Ctx, ids: &[TenantId]) -> Result<Vec<Model>> {
    if matches!(ctx.actor, Actor::Anonymous) {
        return Err(Error::Forbidden);
    }
    let all = ctx.may(Permission::ManageTenants);
    let visible = ids.iter().copied().filter(|id| all || *id == ctx.tenant);
    let found = Entity::all().filter(Column::Id.is_in(visible)).all(ctx.app.db.reader()).await?;
    Ok(found)
}

/// Asking for a second factor takes hold at the next sign-in: who is at work now can finish.
pub async fn update(ctx: &Ctx, input: UpdateTenant) -> Result<Model> {
    ctx.require(Permission::ManageTenant)?;
    let input = &UpdateTenant {
        name: input.name.as_deref().map(|name| text::required("name", name, 200)).transpose()?,
        time_zone: input.time_zone.as_deref().map(time_zone).transpose()?,
        grace_seconds: within("graceSeconds", input.grace_seconds, 0..=GRACE_SECONDS)?,
        rental_limit: within("defaultRentalLimit", input.rental_limit, 1..=RENTAL_LIMIT)?,
        ..input
    };
    ctx.write(|tx| async move {
        let found = Entity::all().filter(Column::Id.eq(tx.tenant())).lock(ROW).one(&*tx).await?;
        let before = found.ok_or(Error::NotFound(Subject::Tenant))?;
        let after = input.clone().applied_to(before.clone())?;
        tx.audit("tenant.update", Some(&before), Some(&after))?;
        Entity::update_one(after.id)
            .col_expr(Column::Name, Expr::value(after.name.as_str()))
            .col_expr(Column::TimeZone, Expr::value(after.time_zone.as_str()))
            .col_expr(Column::PublishesBoard, Expr::value(after.publishes_board))
            .col_expr(Column::GraceSeconds, Expr::value(after.grace_seconds))
            .col_expr(Column::RentalLimit, Expr::value(after.rental_limit))
            .col_expr(Column::RequiresDeposit, Expr::value(after.requires_deposit))
            .col_expr(Column::DebtLimitMinor, Expr::value(after.debt_limit_minor))
            .col_expr(Column::SignUp, Expr::value(after.sign_up))
            .col_expr(Column::RequiresSecondFactor, Expr::value(after.requires_second_factor))
            .exec(&*tx)
            .await?;
        Ok(after)
    })
    .await
}

impl UpdateTenant {
    fn applied_to(self, before: Model) -> Result<Model> {
        let debt_limit_minor = match self.debt_limit {
            Some(limit) => limit.map(|limit| minor(limit, before.currency)).transpose()?,
            None => before.debt_limit_minor,
        };
        Ok(Model {
            name: self.name.unwrap_or(before.name),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            publishes_board: self.publishes_board.unwrap_or(before.publishes_board),
            grace_seconds: self.grace_seconds.unwrap_or(before.grace_seconds),
            rental_limit: self.rental_limit.unwrap_or(before.rental_limit),
            requires_deposit: self.requires_deposit.unwrap_or(before.requires_deposit),
            debt_limit_minor,
            sign_up: self.sign_up.unwrap_or(before.sign_up),
            requires_second_factor: self
                .requires_second_factor
                .unwrap_or(before.requires_second_factor),
            ..before
        })
    }
}

fn minor(limit: Decimal, currency: Currency) -> Result<i64> {
    let limit = Money::from_amount(limit, currency);
    let limit = limit.map_err(|error| Invalid::new("debtLimit", error))?;
    if limit.minor() < 0 {
        return Err(Invalid::new("debtLimit", "must not be negative").into());
    }
    Ok(limit.minor())
}

pub(super) fn time_zone(name: &str) -> Result<String> {
    if name.parse::<chrono_tz::Tz>().is_err() {
        return Err(Invalid::new("timeZone", "must be an IANA name, such as Africa/Nairobi").into());
    }
    Ok(name.to_owned())
}

fn within(
    field: &str,
    number: Option<i32>,
    range: std::ops::RangeInclusive<i32>,
) -> Result<Option<i32>> {
    if number.is_some_and(|number| !range.contains(&number)) {
        let message = format!("must be from {} to {}", range.start(), range.end());
        return Err(Invalid::new(field, message).into());
    }
    Ok(number)
}
