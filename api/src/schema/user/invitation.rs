//! Invitations, as clients see them.

use async_graphql::{Context, ID, InputObject, Object};
use entity::{
    customer::CustomerId,
    invitation::{self, InvitationId},
};
use service::user::{
    contact::Contact,
    invitation::{AcceptInvitation, Invite},
};

use super::{Role, User, door, sign_in::SignInPayload};
use crate::{
    context::Call,
    error::Result,
    schema::{
        connection::{connection, counted, nodes, page},
        customer::Customer,
        outcome::payload,
        scalar::{DateTime, Gid},
        with,
    },
};

/// Somebody whom the tenant expects.
pub struct Invitation(pub invitation::Model);

impl From<invitation::Model> for Invitation {
    fn from(model: invitation::Model) -> Self {
        Self(model)
    }
}

/// Somebody whom the tenant expects.
#[Object]
impl Invitation {
    /// `invitation_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Where it was sent; null when it went to a phone.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Where it was sent, in E.164; null when it went to an e-mail address.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// What they will be.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// For whom they will ride; null for those who do not, and for a customer who is made when they accept.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        let Some(id) = self.0.customer_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Customer))
    }

    /// Who invited them; null for the platform.
    async fn invited_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(id) = self.0.invited_by else { return Ok(None) };
        Ok(Some(service::user::team::get(ctx.call()?, id).await?.into()))
    }

    /// When its link ends.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// When it became a login; null while it has not.
    async fn accepted_at(&self) -> Option<DateTime> {
        self.0.accepted_at.map(DateTime)
    }

    /// When it was taken back; null while it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }

    /// When it was sent.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

connection!(InvitationConnection, InvitationEdge, Invitation, "invitations");

#[derive(Default)]
pub struct InvitationQuery;

#[Object]
impl InvitationQuery {
    /// Invitations, the newest first, with those that were accepted, revoked or are over. For those who manage the team.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<InvitationConnection> {
        let args = page(first, after, last, before);
        let found = service::user::invitation::list(ctx.call()?, &args).await?;
        let count = counted(|call| async move { service::user::invitation::count(&call).await });
        Ok(InvitationConnection { page: nodes(found), count })
    }
}

/// Who is invited, and to be what.
#[derive(InputObject)]
pub struct InviteUserInput {
    /// Either this or `phone`.
    email: Option<String>,
    /// In E.164. Either this or `email`.
    phone: Option<String>,
    /// What they will be. Owners are invited by owners.
    role: Role,
    /// For whom an employee or a customer will ride. Needed for employees; a customer without one is made when they accept.
    customer_id: Option<Gid<CustomerId>>,
}

/// An invitation to be taken back.
#[derive(InputObject)]
pub struct RevokeInvitationInput {
    /// Which.
    invitation_id: Gid<InvitationId>,
}

/// The token of the link, and who they are.
#[derive(InputObject)]
pub struct AcceptInvitationInput {
    /// What the link has after `token=`.
    #[graphql(secret)]
    token: String,
    /// Full name, 1 to 200 characters.
    name: String,
    /// 8 to 128 characters; without one they sign in by one-time codes.
    #[graphql(secret)]
    password: Option<String>,
    /// For pages: the refresh token goes into a cookie that scripts cannot read, for `POST /auth/refresh`, and is null here.
    #[graphql(default)]
    use_cookie: bool,
}

payload!(
    /// What `inviteUser` answers.
    InviteUserPayload {
        /// The invitation, whose link is on its way; null when refused.
        invitation: Invitation
    }
);
payload!(
    /// What `revokeInvitation` answers.
    RevokeInvitationPayload {
        /// The invitation, whose link works no more; null when refused.
        invitation: Invitation
    }
);

#[derive(Default)]
pub struct InvitationMutation;

#[Object]
impl InvitationMutation {
    /// Sends a link by which somebody becomes a user, good for 7 days. Customers and employees are invited by staff, others
    /// by those who manage the team. `SIGN_UP_CLOSED` for customers of a tenant that takes none.
    async fn invite_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: InviteUserInput,
    ) -> Result<InviteUserPayload> {
        let call = ctx.call()?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let (role, customer) = (input.role.into(), input.customer_id.map(|id| id.0));
        let invited = with(contact, |contact| {
            service::user::invitation::invite(call, Invite { contact, role, customer })
        });
        InviteUserPayload::from_outcome(invited.await)
    }

    /// Takes an invitation back. `INVITATION_ACCEPTED` when it is a login already.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: RevokeInvitationInput,
    ) -> Result<RevokeInvitationPayload> {
        let revoked = service::user::invitation::revoke(ctx.call()?, input.invitation_id.0).await;
        RevokeInvitationPayload::from_outcome(revoked)
    }

    /// Makes the login, and signs in. `INVALID_CODE` when the link is unknown, used, revoked or too old.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Token and name.")] input: AcceptInvitationInput,
    ) -> Result<SignInPayload> {
        let (app, origin) = door(ctx)?;
        let AcceptInvitationInput { token, name, password, use_cookie } = input;
        let input = AcceptInvitation { token, name, password };
        let signed_in = service::user::invitation::accept(app, origin, input).await;
        SignInPayload::from_outcome(ctx, use_cookie, signed_in)
    }
}
