//! Gives every request a name that is in its log lines, its answer and its errors, and survives its defects.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::graphql::Refusal;
use crate::graphql::request_id::RequestId;

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 64;
/// What is asked every few seconds, and is news only when it fails.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The outermost layer. The span has the path, but never a query string, a body or a token.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let id = given(request.headers()).map_or_else(RequestId::made, RequestId);
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", request_id = %id.0, method = %request.method(), path);
    request.extensions_mut().insert(id.clone());
    async {
        let start = Instant::now();
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let mut response = answer.unwrap_or_else(|_| defect(&id));
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(HEADER, value);
        }
        tell(&path, response.status(), start.elapsed());
        response
    }
    .instrument(span)
    .await
}

fn tell(path: &str, status: StatusCode, took: Duration) {
    let (status, latency_ms) = (status.as_u16(), took.as_secs_f64() * 1e3);
    if PROBES.contains(&path) && status < 400 {
        tracing::debug!(status, latency_ms, "answered");
    } else {
        tracing::info!(status, latency_ms, "answered");
    }
}

/// The panic's own message is on stderr by then.
fn defect(id: &RequestId) -> Response {
    tracing::error!("a handler panicked");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "internal error")
        .into_response(id)
}

/// The caller's own, if it can stand in a log line as it is.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let fits = (1..=LONGEST).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    fits.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(id: &str) -> Option<String> {
        super::given(&HeaderMap::from_iter([(HEADER, HeaderValue::from_str(id).unwrap())]))
    }

    #[test]
    fn an_id_that_could_forge_a_log_line_is_replaced() {
        assert_eq!(given("Order-7.a_b"), Some("Order-7.a_b".to_owned()));
        assert_eq!(given(&"a".repeat(64)), Some("a".repeat(64)));
        for bad in ["", "a b", "a\"b", "{}", &"a".repeat(65)] {
            assert_eq!(given(bad), None, "{bad}");
        }
        assert_eq!(RequestId::made().0.len(), 32);
        assert_ne!(RequestId::made(), RequestId::made());
    }
}
