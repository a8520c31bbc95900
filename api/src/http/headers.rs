//! What browsers are told to do with an answer, on every answer.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use service::config::Config;

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Answers are data, which no browser runs, frames, keeps or takes for something else. A
/// handler may say otherwise for its own: a page, what may be cached.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (RESOURCE, "same-origin"),
    (PERMISSIONS, "camera=(), geolocation=(), microphone=(), payment=()"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];
/// Two years.
const TRANSPORT: &str = "max-age=63072000";

/// Every header with its value.
pub type Headers = Arc<[(HeaderName, HeaderValue)]>;

/// Browsers are bound to TLS where the installation says that it is reached by it.
pub fn of(config: &Config) -> Headers {
    let is_tls = config.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    let transport = is_tls.then_some((header::STRICT_TRANSPORT_SECURITY, TRANSPORT));
    let all = HEADERS.into_iter().chain(transport);
    all.map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

/// Middleware around all.
pub async fn layer(State(headers): State<Headers>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in headers.iter() {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}
