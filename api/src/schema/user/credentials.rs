//! Passwords and addresses, as clients see them.

use async_graphql::{Context, InputObject, Object};
use service::user::{contact::Contact, credentials, verification};

use super::{User, door};
use crate::{
    context::Call,
    error::Result,
    schema::{outcome::payload, with},
};

/// The old password and the new one.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// Not needed by who has none.
    #[graphql(secret)]
    current_password: Option<String>,
    /// 8 to 128 characters.
    #[graphql(secret)]
    new_password: String,
}

/// Whose password was forgotten.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The tenant's slug.
    tenant: String,
    /// Of the login.
    email: String,
}

/// The token of the link, and the new password.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// What the link has after `token=`.
    #[graphql(secret)]
    token: String,
    /// 8 to 128 characters.
    #[graphql(secret)]
    password: String,
}

/// One's own address, or a new one.
#[derive(InputObject)]
pub struct RequestVerificationInput {
    /// Needed for an address that is not the caller's yet, by who has a password.
    #[graphql(secret)]
    current_password: Option<String>,
    /// Either this or `phone`.
    email: Option<String>,
    /// In E.164. Either this or `email`.
    phone: Option<String>,
}

/// An address and the code that was sent there.
#[derive(InputObject)]
pub struct VerifyContactInput {
    /// Either this or `phone`.
    email: Option<String>,
    /// In E.164. Either this or `email`.
    phone: Option<String>,
    /// Six digits.
    #[graphql(secret)]
    code: String,
}

payload!(
    /// What `changePassword` answers.
    ChangePasswordPayload {
        /// The caller, signed out everywhere; null when refused.
        user: User
    }
);
payload!(
    /// What `requestPasswordReset` answers.
    RequestPasswordResetPayload {
        /// True when a message is on its way, if somebody has the address; null when refused.
        accepted: bool
    }
);
payload!(
    /// What `resetPassword` answers.
    ResetPasswordPayload {
        /// True when the new password is set; null when refused.
        reset: bool
    }
);
payload!(
    /// What `requestVerification` answers.
    RequestVerificationPayload {
        /// True when a message is on its way; null when refused.
        accepted: bool
    }
);
payload!(
    /// What `verifyContact` answers.
    VerifyContactPayload {
        /// The caller with the address; null when refused.
        user: User
    }
);

#[derive(Default)]
pub struct CredentialsMutation;

#[Object]
impl CredentialsMutation {
    /// Sets a new password and ends all sessions, this one too: sign in again.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Both passwords.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let ChangePasswordInput { current_password, new_password } = input;
        let changed = credentials::change(ctx.call()?, current_password, new_password).await;
        ChangePasswordPayload::from_outcome(changed)
    }

    /// Sends a link to choose a new password, good for 30 minutes. The answer does not say whether there is such a login.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: RequestPasswordResetInput,
    ) -> Result<RequestPasswordResetPayload> {
        let (app, origin) = door(ctx)?;
        let sent = with(Contact::read(Some(&input.email), None), |contact| async move {
            credentials::request_reset(app, origin, &input.tenant, &contact).await
        });
        RequestPasswordResetPayload::from_outcome(sent.await.map(|()| true))
    }

    /// Sets a new password and ends all sessions. `INVALID_CODE` when the link is unknown, used or too old.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Token and password.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordPayload> {
        let (app, origin) = door(ctx)?;
        let reset = credentials::reset(app, origin, &input.token, input.password).await;
        ResetPasswordPayload::from_outcome(reset.map(|()| true))
    }

    /// Sends six digits to an address that the caller has or wants to have, good for 15 minutes.
    async fn request_verification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which address.")] input: RequestVerificationInput,
    ) -> Result<RequestVerificationPayload> {
        let call = ctx.call()?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let sent = with(contact, |contact| async move {
            verification::request(call, &contact, input.current_password).await
        });
        RequestVerificationPayload::from_outcome(sent.await.map(|()| true))
    }

    /// Shows that the address is the caller's, who signs in with it from now on. `EMAIL_TAKEN` or `PHONE_TAKEN` when
    /// another login of the tenant has it.
    async fn verify_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Address and code.")] input: VerifyContactInput,
    ) -> Result<VerifyContactPayload> {
        let call = ctx.call()?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let verified = with(contact, |contact| async move {
            verification::verify(call, &contact, &input.code).await
        });
        VerifyContactPayload::from_outcome(verified.await)
    }
}
