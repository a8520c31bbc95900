//! Tokens over plain HTTP: for clients that expect OAuth 2, and for pages that keep the refresh token in a cookie.

use std::sync::Arc;

use axum::{
    Form, Json, Router,
    extract::{
        State,
        rejection::{FormRejection, JsonRejection},
    },
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use service::{
    ctx::App,
    origin::Origin,
    user::{
        contact::Contact,
        session,
        sign_in::{self, SignIn, SignedIn},
        token,
    },
};

use super::{
    graphql::{Refusal, is_own_origin},
    origin::Caller,
};
use crate::{error::Error, graphql::request_id::RequestId};

const COOKIE: &str = "bikelease_refresh";
const PATH: &str = "/auth/refresh";
const DAYS_30: u32 = 30 * 24 * 60 * 60;
/// A header that a form or a link of a foreign page cannot send.
const CUSTOM: HeaderName = HeaderName::from_static("x-bikelease-refresh");

#[derive(Clone)]
struct Doors {
    app: App,
    origins: Arc<[String]>,
}

pub fn routes(app: App, origins: &[String]) -> Router {
    let doors = Doors { app, origins: origins.into() };
    Router::new()
        .route("/oauth/token", post(oauth))
        .route(PATH, post(refresh))
        .route("/.well-known/jwks.json", get(keys))
        .with_state(doors)
}

/// In requests whose answer can set a cookie.
pub struct Cookies;

/// The value of `Set-Cookie` that keeps a refresh token where no script reads it and no other address sees it.
pub fn cookie(refresh_token: &str) -> String {
    set_cookie(refresh_token, DAYS_30)
}

fn set_cookie(value: &str, seconds: u32) -> String {
    format!("{COOKIE}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict")
}

/// RFC 6749: the grants `password` and `refresh_token`.
#[derive(Deserialize)]
struct Grant {
    grant_type: Option<String>,
    /// The slug; of ours, for the grant `password`.
    tenant: Option<String>,
    username: Option<String>,
    password: Option<String>,
    /// Of the second factor; of ours.
    totp: Option<String>,
    refresh_token: Option<String>,
}

async fn oauth(
    State(doors): State<Doors>,
    Caller(origin): Caller,
    grant: Result<Form<Grant>, FormRejection>,
) -> Response {
    let Ok(Form(grant)) = grant else {
        return oauth_error(
            "invalid_request",
            "the body must be a form, and a parameter comes once",
        );
    };
    let signed_in = match grant.grant_type.as_deref() {
        Some("password") => password_grant(&doors.app, &origin, grant).await,
        Some("refresh_token") => match &grant.refresh_token {
            Some(token) => session::refresh(&doors.app, &origin, token).await,
            None => return oauth_error("invalid_request", "refresh_token is missing"),
        },
        Some(_) => return oauth_error("unsupported_grant_type", "use password or refresh_token"),
        None => return oauth_error("invalid_request", "grant_type is missing"),
    };
    match signed_in {
        Ok(SignedIn { access_token, refresh_token, .. }) => unstored(Json(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": token::LIFETIME.num_seconds(),
            "refresh_token": refresh_token,
        }))),
        Err(error) => oauth_refusal(error),
    }
}

async fn password_grant(app: &App, origin: &Origin, grant: Grant) -> service::Result<SignedIn> {
    let username = grant.username.unwrap_or_default();
    let phone = username.starts_with('+').then_some(username.as_str());
    let email = phone.is_none().then_some(username.as_str());
    let input = SignIn {
        tenant: grant.tenant.unwrap_or_default(),
        contact: Contact::read(email, phone)?,
        password: grant.password.unwrap_or_default(),
        totp_code: grant.totp,
    };
    sign_in::sign_in(app, origin, input).await
}

fn oauth_refusal(error: service::Error) -> Response {
    match &error {
        service::Error::Refused(_)
        | service::Error::Invalid(_)
        | service::Error::Unauthenticated => oauth_error("invalid_grant", &error.to_string()),
        service::Error::RateLimited { .. } => {
            answered(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", &error)
        }
        _ => answered(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &error),
    }
}

fn answered(status: StatusCode, code: &str, error: &service::Error) -> Response {
    if error.is_defect() {
        tracing::error!(error = ?error, "no token could be issued");
    }
    let body = json!({"error": code, "error_description": error.to_string()});
    let mut response = (status, unstored(Json(body))).into_response();
    if let service::Error::RateLimited { retry_after } = error {
        let seconds = service::error::whole_seconds(retry_after);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn oauth_error(code: &str, description: &str) -> Response {
    let body = json!({"error": code, "error_description": description});
    (StatusCode::BAD_REQUEST, unstored(Json(body))).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefreshBody {
    /// Ends the session instead.
    #[serde(default)]
    sign_out: bool,
}

/// The only address that reads a cookie. A foreign page cannot call it: it must send JSON and a header of ours, both of
/// which browsers ask about first, and the cookie does not travel with other sites' requests.
async fn refresh(
    State(doors): State<Doors>,
    id: RequestId,
    Caller(origin): Caller,
    headers: HeaderMap,
    body: Result<Json<RefreshBody>, JsonRejection>,
) -> Response {
    match refreshed(&doors, &origin, &headers, body).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(&id),
    }
}

async fn refreshed(
    doors: &Doors,
    origin: &Origin,
    headers: &HeaderMap,
    body: Result<Json<RefreshBody>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(body) = body.map_err(|error| match error.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "the content type must be application/json",
        ),
        _ => Refusal::bad_request("the body must be {} or {\"signOut\": true}"),
    })?;
    if !headers.contains_key(CUSTOM) || !is_own_origin(headers, &doors.origins) {
        let message = "pages of this host send the header x-bikelease-refresh";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    let token = token_of(headers).ok_or_else(signed_out)?;
    if body.sign_out {
        session::sign_out(&doors.app, token).await.map_err(refused)?;
        return Ok(with_cookie(json!({"signedOut": true}), &set_cookie("", 0)));
    }
    match session::refresh(&doors.app, origin, token).await {
        Ok(SignedIn { access_token, refresh_token, .. }) => {
            let expires_in = token::LIFETIME.num_seconds();
            let body = json!({"accessToken": access_token, "expiresIn": expires_in});
            Ok(with_cookie(body, &cookie(&refresh_token)))
        }
        Err(service::Error::Refused(service::refusal::Refusal::InvalidRefreshToken)) => {
            Err(signed_out())
        }
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: service::Error) -> Refusal {
    if error.is_defect() {
        tracing::error!(error = ?error, "no token could be issued");
    }
    Refusal::from(Error::from(error))
}

fn signed_out() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "sign in first")
}

fn token_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).map(str::trim);
    pairs.find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('=')).filter(|t| !t.is_empty())
}

fn with_cookie(body: Value, cookie: &str) -> Response {
    let mut response = unstored(Json(body));
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Tokens are kept by nobody on the way.
fn unstored(body: Json<Value>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// The keys that access tokens are signed with, for who checks them without asking.
async fn keys(State(doors): State<Doors>) -> Response {
    let held = [(header::CACHE_CONTROL, "public, max-age=300")];
    (held, Json(token::key_set(&doors.app.keys))).into_response()
}
