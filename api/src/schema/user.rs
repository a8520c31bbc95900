//! Signing in, as clients see it.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::user;
use service::{
    ctx::App,
    user::sign_in::{self, SignIn, SignedIn},
};

use super::{
    customer::Customer,
    outcome::{UserError, outcome},
};
use crate::{
    context::Call,
    error::{Error, Result},
};

/// A login.
pub struct User(user::Model);

/// What a login may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "user::Role")]
pub enum Role {
    /// Of the platform itself: creates, suspends and resumes tenants, and sees nothing inside them.
    Administrator,
    /// Everything in its tenant.
    Owner,
    /// As an owner, but makes no owners.
    Admin,
    /// The fleet, customers and rentals.
    Staff,
    /// Sees rentals, customers and what they cost; changes nothing.
    Accountant,
    /// Supplies vehicles, and sees the fleet.
    Vendor,
    /// Brings customers, and sees what there is to rent.
    Broker,
    /// Rents for the customer company that it belongs to.
    Employee,
    /// Rents for itself.
    Customer,
}

/// Somebody who signed in.
#[Object]
impl User {
    /// Global id, `user_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What they sign in with, lower case; null for those who use their phone.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Full name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What they may do.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// For whom a customer's login rents; null for staff.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let Some(id) = self.0.customer_id else { return Ok(None) };
        Ok(service::customer::get(ctx.call()?, id).await.map(Customer).map(Some)?)
    }
}

#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// Who is calling; null for anonymous callers.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Ok(call) = ctx.call() else { return Ok(None) };
        Ok(service::user::me(call).await?.map(User))
    }
}

/// E-mail address and password.
#[derive(InputObject)]
pub struct SignInInput {
    /// The tenant's slug, such as `bayarea`.
    tenant: String,
    /// In any case.
    email: String,
    /// As it was set.
    #[graphql(secret)]
    password: String,
}

/// A refresh token to be traded for new tokens.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The newest one that you were given.
    #[graphql(secret)]
    refresh_token: String,
}

/// The session to be ended.
#[derive(InputObject)]
pub struct SignOutInput {
    /// The newest one that you were given.
    #[graphql(secret)]
    refresh_token: String,
}

/// What `signIn` answers.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Send it as `Authorization: Bearer …`, or in `connection_init`; good for 10 minutes. Null when refused.
    access_token: Option<String>,
    /// Trade it for new tokens by `refreshSession`; good for 30 days, and once. Null when refused.
    refresh_token: Option<String>,
    /// Who signed in; null when refused.
    user: Option<User>,
    /// Why it was refused; empty when it was not.
    user_errors: Vec<UserError>,
}

/// What `refreshSession` answers.
#[derive(SimpleObject)]
pub struct RefreshSessionPayload {
    /// Good for 10 minutes. Null when refused.
    access_token: Option<String>,
    /// The old one is used up; keep this. Null when refused.
    refresh_token: Option<String>,
    /// Why it was refused; empty when it was not.
    user_errors: Vec<UserError>,
}

/// What `signOut` and `signOutEverywhere` answer.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// True when it is signed out, also when it was before; null when refused.
    signed_out: Option<bool>,
    /// Why it was refused; empty when it was not.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Signs in to a tenant. `INVALID_CREDENTIALS` does not say which part was wrong.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInInput,
    ) -> Result<SignInPayload> {
        let SignInInput { tenant, email, password } = input;
        let (signed_in, user_errors) =
            outcome(sign_in::sign_in(app(ctx)?, SignIn { tenant, email, password }).await)?;
        let (access_token, refresh_token, user) = match signed_in {
            Some(SignedIn { access_token, refresh_token, user, .. }) => {
                (Some(access_token), Some(refresh_token), Some(User(user)))
            }
            None => (None, None, None),
        };
        Ok(SignInPayload { access_token, refresh_token, user, user_errors })
    }

    /// Trades a refresh token for new tokens. One that was used before ends the session: somebody has a copy.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        let (signed_in, user_errors) =
            outcome(sign_in::refresh(app(ctx)?, &input.refresh_token).await)?;
        let (access_token, refresh_token) =
            signed_in.map(|s| (s.access_token, s.refresh_token)).unzip();
        Ok(RefreshSessionPayload { access_token, refresh_token, user_errors })
    }

    /// Ends a session at once: its tokens work no more, and its websockets are closed with 4403.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: SignOutInput,
    ) -> Result<SignOutPayload> {
        let (done, user_errors) =
            outcome(sign_in::sign_out(app(ctx)?, &input.refresh_token).await)?;
        Ok(SignOutPayload { signed_out: done.map(|()| true), user_errors })
    }

    /// Ends every session of the caller at once, this one too: on every device, with their tokens and websockets.
    async fn sign_out_everywhere(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let (done, user_errors) = outcome(sign_in::sign_out_everywhere(ctx.call()?).await)?;
        Ok(SignOutPayload { signed_out: done.map(|()| true), user_errors })
    }
}

/// The platform itself: who signs in has no call yet.
fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    ctx.data::<App>().map_err(|_| Error::from(service::Error::internal("no app in the schema")))
}
