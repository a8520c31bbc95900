//! People who sign in: their logins, how they prove who they are, and where they are signed in.

mod attempt;
pub mod contact;
pub mod credentials;
pub mod invitation;
mod one_time_code;
pub mod password;
pub mod revocation;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod sign_up;
pub mod team;
pub mod token;
pub mod verification;

use entity::{
    customer::CustomerId,
    user::{Column, Entity, Role, UserId},
};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter, QuerySelect};

pub use self::team::get_many;
pub use entity::user::Model;

use self::{contact::Contact, sign_up::NewLogin};
use crate::{
    ctx::{Actor, Ctx},
    error::{Constraint, Error, Invalid, Result, Subject},
    refusal::Refusal,
    text,
    write::{ROW, Tx},
};

pub const EMAIL: Constraint =
    Constraint { name: "user_email", columns: "user.tenant_id, user.email" };
pub const PHONE: Constraint =
    Constraint { name: "user_phone", columns: "user.tenant_id, user.phone" };

#[derive(Clone)]
pub struct CreateUser {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password: String,
    /// Exactly for roles that ride.
    pub customer: Option<CustomerId>,
}

/// A new login with a password that somebody else knows. For the platform's own commands; people are invited, or sign up.
pub async fn create(ctx: &Ctx, input: CreateUser) -> Result<Model> {
    if input.role.rides() != input.customer.is_some() {
        let message = "goes with the roles CUSTOMER and EMPLOYEE, and only with them";
        return Err(Invalid::new("customerId", message).into());
    }
    let contact = &Contact::Email(text::email("email", &input.email)?);
    let name = &text::required("name", &input.name, 200)?;
    let hash = &password::hash("password", input.password.clone()).await?;
    let (role, customer) = (input.role, input.customer);
    ctx.write(|tx| async move {
        let login = NewLogin {
            contact: contact.clone(),
            name: name.clone(),
            role,
            password_hash: Some(hash.clone()),
            customer,
        };
        insert(&tx, blank(&tx, tx.new_id(), login)).await
    })
    .await
}

/// Who is calling; None for anonymous callers and for programs.
pub async fn me(ctx: &Ctx) -> Result<Option<Model>> {
    match ctx.actor {
        Actor::Audience(_) => Err(Error::no_viewer()),
        actor => match actor.user() {
            Some(user) => by_id(ctx, user).await.map(Some),
            None => Ok(None),
        },
    }
}

/// The login that signs in with an address. For the platform's own commands.
pub async fn find(ctx: &Ctx, contact: &Contact) -> Result<Model> {
    let found = Entity::of(ctx.tenant).filter(contact.filter()).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::User))
}

/// The caller's own login, of who has all that the tenant asks for.
async fn own_settled(ctx: &Ctx) -> Result<Model> {
    if ctx.lacks_second_factor {
        return Err(Refusal::SecondFactorRequired.into());
    }
    own(ctx).await
}

/// The caller's own login.
async fn own(ctx: &Ctx) -> Result<Model> {
    by_id(ctx, ctx.actor.user().ok_or(Error::Unauthenticated)?).await
}

async fn by_id(ctx: &Ctx, id: UserId) -> Result<Model> {
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::User))
}

/// Tells the audit log how this write, in which the login was found as `before`, has changed it.
async fn tell(tx: &Tx, action: &'static str, before: &Model) -> Result<()> {
    tx.audit(action, Some(before), Some(&found(tx, before.id).await?))
}

async fn found(tx: &Tx, id: UserId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::User))
}

/// With an address that nobody has verified yet.
fn blank(tx: &Tx, id: UserId, login: NewLogin) -> Model {
    Model {
        tenant_id: tx.tenant(),
        id,
        email: login.contact.email(),
        phone: login.contact.phone(),
        email_verified_at: None,
        phone_verified_at: None,
        name: login.name,
        role: login.role,
        password_hash: login.password_hash,
        totp_secret: None,
        totp_confirmed_at: None,
        totp_last_step: None,
        customer_id: login.customer,
        disabled_at: None,
        created_at: tx.now(),
    }
}

async fn insert(tx: &Tx, user: Model) -> Result<Model> {
    let inserted = user.into_active_model().reset_all().insert(&**tx).await;
    inserted.map_err(|error| match error {
        error if EMAIL.is_in(&error) => Refusal::EmailTaken.into(),
        error if PHONE.is_in(&error) => Refusal::PhoneTaken.into(),
        error => error.into(),
    })
}
