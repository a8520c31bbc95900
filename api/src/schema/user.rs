//! Logins, as clients see them.

pub mod credentials;
pub mod invitation;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod sign_up;
pub mod team;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object};
use entity::user::{self, UserId};
use service::{
    ctx::{App, Ctx},
    origin::Origin,
    user::team::Filter,
};

use self::session::Session;
use super::{
    connection::{SortDirection, connection, counted, nodes, page},
    customer::Customer,
    scalar::{DateTime, Gid},
};
use crate::{
    context::Call,
    error::{Error, Result},
};

/// A login.
#[derive(Clone)]
pub struct User {
    model: user::Model,
    /// Of who has signed in by this very request, and so has no call yet.
    signed_in: Option<Arc<Ctx>>,
}

impl From<user::Model> for User {
    fn from(model: user::Model) -> Self {
        Self { model, signed_in: None }
    }
}

impl User {
    fn call<'a>(&'a self, ctx: &'a Context<'_>) -> Result<&'a Ctx> {
        self.signed_in.as_deref().map_or_else(|| ctx.call(), Ok)
    }
}

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

/// Somebody who can sign in.
#[Object]
impl User {
    /// Global id, `user_…`.
    pub async fn id(&self) -> ID {
        self.model.id.to_string().into()
    }

    /// What they sign in with, lower case; null for those who use their phone.
    async fn email(&self) -> Option<&str> {
        self.model.email.as_deref()
    }

    /// What they sign in with, in E.164; null for those who use their e-mail address.
    async fn phone(&self) -> Option<&str> {
        self.model.phone.as_deref()
    }

    /// When they showed that they read mail there; null while they have not.
    async fn email_verified_at(&self) -> Option<DateTime> {
        self.model.email_verified_at.map(DateTime)
    }

    /// When they showed that they read messages there; null while they have not.
    async fn phone_verified_at(&self) -> Option<DateTime> {
        self.model.phone_verified_at.map(DateTime)
    }

    /// Full name.
    async fn name(&self) -> &str {
        &self.model.name
    }

    /// What they may do.
    async fn role(&self) -> Role {
        self.model.role.into()
    }

    /// Whether they have a password; without one they sign in by one-time codes.
    async fn has_password(&self) -> bool {
        self.model.password_hash.is_some()
    }

    /// Whether signing in asks for a code of their authenticator app too.
    async fn has_second_factor(&self) -> bool {
        self.model.totp_confirmed_at.is_some()
    }

    /// For whom they rent; null for those who do not ride.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let Some(id) = self.model.customer_id else { return Ok(None) };
        Ok(service::customer::get(self.call(ctx)?, id).await.map(Customer).map(Some)?)
    }

    /// Where they are signed in, the last used first. One's own, or any for those who manage the team.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        let sessions = service::user::session::of(self.call(ctx)?, self.model.id).await?;
        Ok(sessions.into_iter().map(Session).collect())
    }

    /// Since when they cannot sign in; null while they can.
    async fn disabled_at(&self) -> Option<DateTime> {
        self.model.disabled_at.map(DateTime)
    }

    /// When the login was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.model.created_at)
    }
}

connection!(UserConnection, UserEdge, User, "logins");

/// Which logins.
#[derive(Default, InputObject)]
pub struct UserFilter {
    /// Only these roles; all when empty or not given.
    #[graphql(default)]
    roles: Vec<Role>,
    /// Disabled ones, or the others.
    disabled: Option<bool>,
    /// Whose name or e-mail address begins with this, in any case.
    search: Option<String>,
}

#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// Who is calling; null for anonymous callers and for programs.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Ok(call) = ctx.call() else { return Ok(None) };
        Ok(service::user::me(call).await?.map(User::from))
    }

    /// One login: one's own, or any for those who manage the team.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] id: Gid<UserId>,
    ) -> Result<User> {
        Ok(service::user::team::get(ctx.call()?, id.0).await?.into())
    }

    /// The tenant's logins by name. For those who manage the team.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only logins that match.")] filter: Option<UserFilter>,
        #[graphql(desc = "Which way by name.")] direction: Option<SortDirection>,
    ) -> Result<UserConnection> {
        let filter = filter.unwrap_or_default();
        let roles = filter.roles.into_iter().map(Into::into).collect();
        let filter = Filter { roles, disabled: filter.disabled, search: filter.search };
        let (filter, args) = (Arc::new(filter), page(first, after, last, before));
        let direction = direction.unwrap_or_default().into();
        let found = service::user::team::list(ctx.call()?, &filter, direction, &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { service::user::team::count(&call, &filter).await }
        });
        Ok(UserConnection { page: nodes(found), count })
    }
}

/// All that is done with logins.
#[derive(MergedObject, Default)]
pub struct UserMutation(
    sign_in::SignInMutation,
    sign_up::SignUpMutation,
    session::SessionMutation,
    credentials::CredentialsMutation,
    second_factor::SecondFactorMutation,
    team::TeamMutation,
    invitation::InvitationMutation,
);

/// The platform itself, and from where somebody calls who has no call yet.
fn door<'a>(ctx: &Context<'a>) -> Result<(&'a App, &'a Origin)> {
    let app = ctx.data::<App>();
    let origin = ctx.data::<Origin>();
    app.and_then(|app| Ok((app, origin?)))
        .map_err(|_| Error::from(service::Error::internal("no app or origin in the request")))
}
