//! How an answer over HTTP is written: media type, status and the shape of a refusal.

use std::collections::BTreeMap;

use async_graphql::{Response as Answer, ServerError, Value};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::error::Error;
use crate::graphql::guard::Rejected;
use crate::graphql::request_id::RequestId;
use crate::realtime::session::Refused;

pub fn is_json(content_type: &[u8]) -> bool {
    let Ok(content_type) = std::str::from_utf8(content_type) else { return false };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(Media::Json.name()));
    is_json
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

/// Of a request error: the document does not parse, is not valid, or its variables do not fit.
/// The draft of GraphQL over HTTP moves to 422 for all but the first; its audits do not yet.
const REQUEST_ERROR: StatusCode = StatusCode::BAD_REQUEST;

/// The two media types of an answer. They differ in how a request error is reported.
#[derive(Clone, Copy)]
pub enum Media {
    Json,
    GraphqlResponse,
}

impl Media {
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GraphqlResponse => "application/graphql-response+json",
        }
    }

    /// The acceptable type of the highest weight, of equals the first.
    pub fn accepted(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut best: Option<(f32, Self)> = None;
        let values = headers.get_all(header::ACCEPT);
        let ranges = values.iter().filter_map(|value| value.to_str().ok());
        for range in ranges.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let weight = parts
                .filter_map(|part| part.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .map_or(1.0, |(_, weight)| weight.trim().parse().unwrap_or(0.0));
            if weight > best.map_or(0.0, |(weight, _)| weight) {
                best = Some((weight, media));
            }
        }
        match best {
            Some((_, media)) => Ok(media),
            None if values.iter().next().is_none() => Ok(Self::Json),
            None => {
                let message = "answers are application/graphql-response+json or application/json";
                Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message))
            }
        }
    }

    pub fn respond(self, answer: Answer) -> Response {
        // An error in a field has a path, and its `data: null` is an answer.
        let no_data = answer.data == Value::Null
            && answer.errors.iter().all(|error| error.path.is_empty())
            && answer.is_err();
        let status = match self {
            _ if no_data && is_too_often(&answer.errors) => StatusCode::TOO_MANY_REQUESTS,
            Self::GraphqlResponse if no_data => REQUEST_ERROR,
            _ => StatusCode::OK,
        };
        let body = Body {
            data: (!no_data).then_some(&answer.data),
            errors: &answer.errors,
            extensions: &answer.extensions,
        };
        let mut response = json_response(status, self.name(), &body);
        let mut waits = answer.errors.iter().filter_map(|error| {
            let wait = error.extensions.as_ref()?.get("retryAfter")?;
            HeaderValue::from_str(&wait.to_string()).ok()
        });
        if let Some(wait) = waits.next() {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response.headers_mut().extend(answer.http_headers);
        response
    }
}

/// Every HTTP client knows what to do about it, whichever media type it accepts.
fn is_too_often(errors: &[ServerError]) -> bool {
    let code = |error: &ServerError| error.extensions.as_ref()?.get("code").cloned();
    let too_often = ["COST_EXCEEDED", "RATELIMITED"].map(Value::from);
    errors.iter().filter_map(code).any(|code| too_often.contains(&code))
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

fn json_response(status: StatusCode, media: &str, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let media = format!("{media}; charset=utf-8");
            (status, [(header::CONTENT_TYPE, media)], body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A request that never reached the executor.
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "the body is too large")
    }

    pub fn into_response(self, RequestId(id): &RequestId) -> Response {
        let mut extensions = json!({ "code": self.code });
        if !id.is_empty() {
            extensions["requestId"] = json!(id);
        }
        if let Some(seconds) = self.retry_after {
            extensions["retryAfter"] = json!(seconds);
        }
        let body = json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let mut response = json_response(self.status, Media::Json.name(), &body);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        let extra = match self.status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refused::from(error).into()
    }
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Self {
        Self::new(REQUEST_ERROR, rejected.code(), rejected.to_string())
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let status = match refused.code {
            "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
            "FORBIDDEN" | "TENANT_SUSPENDED" => StatusCode::FORBIDDEN,
            "NOT_FOUND" => StatusCode::NOT_FOUND,
            "RATELIMITED" => StatusCode::TOO_MANY_REQUESTS,
            "SERVICE_UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
            "INTERNAL_SERVER_ERROR" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            retry_after: refused.retry_after,
            ..Self::new(status, refused.code, refused.message)
        }
    }
}
