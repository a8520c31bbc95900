//! Signing in, as clients see it.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use service::user::{
    contact::Contact,
    sign_in::{self, SignIn, SignInWithCode, SignedIn},
};

use super::{User, door};
use crate::{
    error::Result,
    http::auth,
    schema::{
        outcome::{UserError, outcome, payload},
        with,
    },
};

/// An address and a password.
#[derive(InputObject)]
pub struct SignInInput {
    /// The tenant's slug, such as `bayarea`; the platform's administrators give `platform`.
    tenant: String,
    /// In any case. Either this or `phone`.
    email: Option<String>,
    /// In E.164. Either this or `email`.
    phone: Option<String>,
    /// As it was set.
    #[graphql(secret)]
    password: String,
    /// Six digits of the authenticator app, for logins with a second factor.
    #[graphql(secret)]
    totp_code: Option<String>,
    /// For pages: the refresh token goes into a cookie that scripts cannot read, for `POST /auth/refresh`, and is null here.
    #[graphql(default)]
    use_cookie: bool,
}

/// To whom a code is to be sent.
#[derive(InputObject)]
pub struct RequestSignInCodeInput {
    /// The tenant's slug.
    tenant: String,
    /// Either this or `phone`.
    email: Option<String>,
    /// In E.164. Either this or `email`.
    phone: Option<String>,
}

/// An address and the code that was sent there.
#[derive(InputObject)]
pub struct SignInWithCodeInput {
    /// The tenant's slug.
    tenant: String,
    /// Either this or `phone`.
    email: Option<String>,
    /// In E.164. Either this or `email`.
    phone: Option<String>,
    /// Six digits.
    #[graphql(secret)]
    code: String,
    /// Six digits of the authenticator app, for logins with a second factor.
    #[graphql(secret)]
    totp_code: Option<String>,
    /// For pages: the refresh token goes into a cookie that scripts cannot read, for `POST /auth/refresh`, and is null here.
    #[graphql(default)]
    use_cookie: bool,
}

/// A refresh token to be traded for new tokens.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The newest one that you were given.
    #[graphql(secret)]
    refresh_token: String,
}

/// What signing in answers, in whichever way.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Send it as `Authorization: Bearer …`, or in `connection_init`; good for 10 minutes. Null when refused.
    access_token: Option<String>,
    /// Trade it for new tokens by `refreshSession`; good for 30 days, and once. Null when refused, or when it is in a cookie.
    refresh_token: Option<String>,
    /// Who signed in; null when refused.
    user: Option<User>,
    /// True when nothing can be done before a second factor is set up: the tenant asks for one. Null when refused.
    needs_second_factor: Option<bool>,
    /// Why it was refused; empty when it was not.
    user_errors: Vec<UserError>,
}

impl SignInPayload {
    pub fn from_outcome(
        ctx: &Context<'_>,
        use_cookie: bool,
        signed_in: service::Result<SignedIn>,
    ) -> Result<Self> {
        let (signed_in, user_errors) = outcome(signed_in)?;
        let Some(signed_in) = signed_in else {
            let (access_token, refresh_token, user) = (None, None, None);
            let needs_second_factor = None;
            return Ok(Self {
                access_token,
                refresh_token,
                user,
                needs_second_factor,
                user_errors,
            });
        };
        // A socket has no headers of its own to answer with.
        let use_cookie = use_cookie && ctx.data_opt::<auth::Cookies>().is_some();
        if use_cookie {
            ctx.append_http_header("set-cookie", auth::cookie(&signed_in.refresh_token));
        }
        Ok(Self {
            access_token: Some(signed_in.access_token),
            refresh_token: (!use_cookie).then_some(signed_in.refresh_token),
            needs_second_factor: Some(signed_in.ctx.lacks_second_factor()),
            user: Some(User { model: signed_in.user, signed_in: Some(Arc::new(signed_in.ctx)) }),
            user_errors,
        })
    }
}

payload!(
    /// What `requestSignInCode` answers.
    RequestSignInCodePayload {
        /// True when a message is on its way, if somebody has the address; null when refused.
        accepted: bool
    }
);

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

#[derive(Default)]
pub struct SignInMutation;

#[Object]
impl SignInMutation {
    /// Signs in with a password. `INVALID_CREDENTIALS` does not say which part was wrong; `RATELIMITED` after ten attempts
    /// in ten minutes.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInInput,
    ) -> Result<SignInPayload> {
        let (app, origin) = door(ctx)?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let (use_cookie, totp_code) = (input.use_cookie, input.totp_code);
        let (tenant, password) = (input.tenant, input.password);
        let signed_in = with(contact, |contact| {
            sign_in::sign_in(app, origin, SignIn { tenant, contact, password, totp_code })
        });
        SignInPayload::from_outcome(ctx, use_cookie, signed_in.await)
    }

    /// Sends six digits to a login's e-mail address or phone, good for 5 minutes. The answer does not say whether there is
    /// such a login.
    async fn request_sign_in_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To whom.")] input: RequestSignInCodeInput,
    ) -> Result<RequestSignInCodePayload> {
        let (app, origin) = door(ctx)?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let sent = with(contact, |contact| async move {
            sign_in::request_code(app, origin, &input.tenant, &contact).await
        });
        RequestSignInCodePayload::from_outcome(sent.await.map(|()| true))
    }

    /// Signs in with a code that was sent. `INVALID_CODE` does not say which part was wrong; five wrong ones end a code.
    async fn sign_in_with_code(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInWithCodeInput,
    ) -> Result<SignInPayload> {
        let (app, origin) = door(ctx)?;
        let contact = Contact::read(input.email.as_deref(), input.phone.as_deref());
        let (use_cookie, totp_code) = (input.use_cookie, input.totp_code);
        let (tenant, code) = (input.tenant, input.code);
        let signed_in = with(contact, |contact| {
            let input = SignInWithCode { tenant, contact, code, totp_code };
            sign_in::sign_in_with_code(app, origin, input)
        });
        SignInPayload::from_outcome(ctx, use_cookie, signed_in.await)
    }

    /// Trades a refresh token for new tokens. One that was used before ends the session, because somebody has a copy;
    /// within ten seconds of its use it is answered as it was.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        let (app, origin) = door(ctx)?;
        let refreshed = service::user::session::refresh(app, origin, &input.refresh_token).await;
        let (signed_in, user_errors) = outcome(refreshed)?;
        let (access_token, refresh_token) =
            signed_in.map(|s| (s.access_token, s.refresh_token)).unzip();
        Ok(RefreshSessionPayload { access_token, refresh_token, user_errors })
    }
}
