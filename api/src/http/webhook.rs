//! `POST /webhooks/{provider}/{endpoint}`: what payment providers tell us.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::post,
};
use service::{
    ctx::App,
    payment::{provider::Reply, webhook},
};

pub fn routes(app: App) -> Router {
    Router::new()
        .route("/webhooks/{provider}/{endpoint}", post(receive))
        // Some providers tell the kind of a message by where it comes to.
        .route("/webhooks/{provider}/{endpoint}/{kind}", post(receive_kind))
        .with_state(app)
}

/// 2xx once it is kept. What is at fault here is 503, so that the provider tries again.
async fn receive(
    State(app): State<App>,
    Path((provider, endpoint)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let headers: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let message = webhook::Message {
        path: uri.path(),
        provider: &provider,
        endpoint: &endpoint,
        headers: &headers,
        body: &body,
    };
    match webhook::receive(&app, message).await {
        Ok(Some(reply)) => answer(reply),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(?error, provider, "a webhook was not kept");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn receive_kind(
    state: State<App>,
    Path((provider, endpoint, _kind)): Path<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    receive(state, Path((provider, endpoint)), uri, headers, body).await
}

fn answer(Reply { status, body }: Reply) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    match body {
        Some(body) => (status, Json(body)).into_response(),
        None => status.into_response(),
    }
}
