//! Looking after logins, as clients see it.

use async_graphql::{Context, InputObject, Object};
use entity::user::UserId;
use service::user::team::{self, UpdateUser};

use super::{Role, User};
use crate::{
    context::Call,
    error::Result,
    schema::{outcome::payload, scalar::Gid},
};

/// Changes to a login. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// Which.
    user_id: Gid<UserId>,
    /// Full name, 1 to 200 characters.
    name: Option<String>,
    /// Another role ends the login's sessions.
    role: Option<Role>,
}

/// A login to be disabled.
#[derive(InputObject)]
pub struct DisableUserInput {
    /// Which.
    user_id: Gid<UserId>,
}

/// A login to be enabled again.
#[derive(InputObject)]
pub struct EnableUserInput {
    /// Which.
    user_id: Gid<UserId>,
}

/// A login to be signed out.
#[derive(InputObject)]
pub struct SignOutUserInput {
    /// Which.
    user_id: Gid<UserId>,
}

/// A login that lost its authenticator app.
#[derive(InputObject)]
pub struct ResetSecondFactorInput {
    /// Which.
    user_id: Gid<UserId>,
}

payload!(
    /// What `updateUser` answers.
    UpdateUserPayload {
        /// The login as it now is; null when refused.
        user: User
    }
);
payload!(
    /// What `disableUser` answers.
    DisableUserPayload {
        /// The disabled login; null when refused.
        user: User
    }
);
payload!(
    /// What `enableUser` answers.
    EnableUserPayload {
        /// The login, which can sign in again; null when refused.
        user: User
    }
);
payload!(
    /// What `signOutUser` answers.
    SignOutUserPayload {
        /// The login, signed out everywhere; null when refused.
        user: User
    }
);
payload!(
    /// What `resetSecondFactor` answers.
    ResetSecondFactorPayload {
        /// The login without a second factor, signed out everywhere; null when refused.
        user: User
    }
);

#[derive(Default)]
pub struct TeamMutation;

#[Object]
impl TeamMutation {
    /// Changes a login's name or role. Owners are changed by owners; `LAST_OWNER` when none would be left.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateUserInput,
    ) -> Result<UpdateUserPayload> {
        let UpdateUserInput { user_id, name, role } = input;
        let input = UpdateUser { id: user_id.0, name, role: role.map(Into::into) };
        UpdateUserPayload::from_outcome(team::update(ctx.call()?, input).await)
    }

    /// Lets a login sign in no more, and ends its sessions at once. `LAST_OWNER` when no owner would be left.
    async fn disable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DisableUserInput,
    ) -> Result<DisableUserPayload> {
        DisableUserPayload::from_outcome(team::disable(ctx.call()?, input.user_id.0).await)
    }

    /// Lets a login sign in again.
    async fn enable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: EnableUserInput,
    ) -> Result<EnableUserPayload> {
        EnableUserPayload::from_outcome(team::enable(ctx.call()?, input.user_id.0).await)
    }

    /// Ends every session of a login at once.
    async fn sign_out_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: SignOutUserInput,
    ) -> Result<SignOutUserPayload> {
        SignOutUserPayload::from_outcome(team::sign_out(ctx.call()?, input.user_id.0).await)
    }

    /// Takes a login's second factor away and ends its sessions, for who has lost the telephone.
    async fn reset_second_factor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: ResetSecondFactorInput,
    ) -> Result<ResetSecondFactorPayload> {
        let reset = team::reset_second_factor(ctx.call()?, input.user_id.0).await;
        ResetSecondFactorPayload::from_outcome(reset)
    }
}
