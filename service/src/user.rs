//! People who sign in: making one, and the sessions that they have.

pub mod password;
pub mod revocation;
pub mod sign_in;
pub mod token;

use entity::{
    customer::CustomerId,
    user::{ActiveModel, Column, Entity, Model, Role, UserId},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, QueryFilter};

use crate::{
    ctx::{Actor, Ctx},
    error::{Constraint, Error, Invalid, OnConstraint, Result, Subject},
    refusal::Refusal,
    text,
};

pub const EMAIL: Constraint =
    Constraint { name: "user_email", columns: "user.tenant_id, user.email" };

#[derive(Clone)]
pub struct CreateUser {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password: String,
    /// Exactly for the role `Customer`.
    pub customer: Option<CustomerId>,
}

/// A new login. For the platform's own commands; there is no public sign-up.
pub async fn create(ctx: &Ctx, input: CreateUser) -> Result<Model> {
    if input.role.rides() != input.customer.is_some() {
        let message = "goes with the roles CUSTOMER and EMPLOYEE, and only with them";
        return Err(Invalid::new("customerId", message).into());
    }
    let email = text::email("email", &input.email)?;
    let name = text::required("name", &input.name, 200)?;
    let hash = password::hash(input.password.clone()).await?;
    let (email, name, hash, input) = (&email, &name, &hash, &input);
    ctx.write(|tx| async move {
        let user = ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(tx.new_id()),
            email: Set(Some(email.clone())),
            phone: Set(None),
            email_verified_at: Set(None),
            phone_verified_at: Set(None),
            name: Set(name.clone()),
            role: Set(input.role),
            password_hash: Set(Some(hash.clone())),
            totp_secret: Set(None),
            totp_confirmed_at: Set(None),
            totp_last_step: Set(None),
            customer_id: Set(input.customer),
            disabled_at: Set(None),
            created_at: Set(tx.now()),
        };
        user.insert(&*tx).await.on_constraint(EMAIL, Refusal::EmailTaken)
    })
    .await
}

/// Who is calling; None for anonymous callers.
pub async fn me(ctx: &Ctx) -> Result<Option<Model>> {
    match ctx.actor {
        Actor::Audience(_) => Err(Error::no_viewer()),
        actor => match actor.user() {
            Some(user) => get(ctx, user).await.map(Some),
            None => Ok(None),
        },
    }
}

async fn get(ctx: &Ctx, id: UserId) -> Result<Model> {
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::User))
}
