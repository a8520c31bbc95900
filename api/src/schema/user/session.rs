//! Where somebody is signed in, and how that ends.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::session::{self, SessionId};

use super::door;
use crate::{
    context::Call,
    error::Result,
    schema::{
        outcome::{UserError, outcome},
        scalar::{DateTime, Gid},
    },
};

/// One place where somebody is signed in.
pub struct Session(pub session::Model);

/// One place where somebody is signed in.
#[Object]
impl Session {
    /// `session_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What the client called itself; null when it did not.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// The IP address that it was used from last; null when it is not known.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// When it got its last tokens.
    async fn last_used_at(&self) -> DateTime {
        DateTime(self.0.last_used_at)
    }

    /// When it ends, unless it is used before.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// When they signed in.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// The session to be ended.
#[derive(InputObject)]
pub struct SignOutInput {
    /// The newest one that you were given.
    #[graphql(secret)]
    refresh_token: String,
}

/// One of one's own sessions.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// Which.
    session_id: Gid<SessionId>,
}

/// What ending sessions answers.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// True when it is signed out, also when it was before; null when refused.
    signed_out: Option<bool>,
    /// Why it was refused; empty when it was not.
    user_errors: Vec<UserError>,
}

impl SignOutPayload {
    fn from_outcome(done: service::Result<()>) -> Result<Self> {
        let (done, user_errors) = outcome(done)?;
        Ok(Self { signed_out: done.map(|()| true), user_errors })
    }
}

#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Ends a session at once: its tokens work no more, and its websockets are closed with 4403.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: SignOutInput,
    ) -> Result<SignOutPayload> {
        let (app, _) = door(ctx)?;
        let done = service::user::session::sign_out(app, &input.refresh_token).await;
        SignOutPayload::from_outcome(done)
    }

    /// Ends every session of the caller at once, this one too: on every device, with their tokens and websockets.
    async fn sign_out_everywhere(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let done = service::user::session::sign_out_everywhere(ctx.call()?).await;
        SignOutPayload::from_outcome(done)
    }

    /// Ends one of the caller's sessions, such as that of a lost telephone.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: RevokeSessionInput,
    ) -> Result<SignOutPayload> {
        let done = service::user::session::end(ctx.call()?, input.session_id.0).await;
        SignOutPayload::from_outcome(done)
    }
}
