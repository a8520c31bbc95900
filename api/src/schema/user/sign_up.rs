//! Signing up, as clients see it.

use async_graphql::{Context, InputObject, Object};
use service::user::{
    contact::Contact,
    sign_up::{self, CompleteSignUp},
};

use super::{door, sign_in::SignInPayload};
use crate::{
    error::Result,
    schema::{outcome::payload, with},
};

/// Somebody who wants to rent.
#[derive(InputObject)]
pub struct SignUpInput {
    /// The tenant's slug.
    tenant: String,
    /// Either this or `phone`.
    email: Option<String>,
    /// In E.164. Either this or `email`.
    phone: Option<String>,
}

/// The code that was sent.
#[derive(InputObject)]
pub struct CompleteSignUpInput {
    /// The tenant's slug.
    tenant: String,
    /// As in `signUp`.
    email: Option<String>,
    /// As in `signUp`.
    phone: Option<String>,
    /// Six digits.
    #[graphql(secret)]
    code: String,
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
    /// What `signUp` answers.
    SignUpPayload {
        /// True when a message is on its way; null when refused.
        accepted: bool
    }
);

#[derive(Default)]
pub struct SignUpMutation;

#[Object]
impl SignUpMutation {
    /// Begins a sign-up: sends six digits to the address, good for 30 minutes. Who has a login there already is told so by
    /// the message, and not by this answer. `SIGN_UP_CLOSED` where the tenant lets nobody sign up by themselves.
    async fn sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignUpInput,
    ) -> Result<SignUpPayload> {
        let (app, origin) = door(ctx)?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let begun = with(contact, |contact| async move {
            sign_up::begin(app, origin, &input.tenant, &contact).await
        });
        SignUpPayload::from_outcome(begun.await.map(|()| true))
    }

    /// Makes the login and its customer, and signs in. A customer whom staff has entered with this e-mail address is taken.
    async fn complete_sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] input: CompleteSignUpInput,
    ) -> Result<SignInPayload> {
        let (app, origin) = door(ctx)?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let CompleteSignUpInput { tenant, code, name, password, use_cookie, .. } = input;
        let signed_in = with(contact, |contact| {
            let input = CompleteSignUp { tenant, contact, code, name, password };
            sign_up::complete(app, origin, input)
        });
        SignInPayload::from_outcome(ctx, use_cookie, signed_in.await)
    }
}
