//! `/receipts/<id>.pdf`: a receipt on paper, for who shows a token or has been given a link.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use service::{
    ctx::App,
    entity::receipt::{Model, ReceiptId},
    error::Subject,
    receipt::{link, pdf},
};

use super::{graphql::Refusal, origin::Caller};
use crate::{
    error::Error,
    graphql::request_id::RequestId,
    realtime::session::{Sessions, Shown, bearer},
};

const FIXED: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "application/pdf"),
    // It never changes; but whether one may see it does.
    (header::CACHE_CONTROL, "private, no-cache"),
    // What is for pages would keep a browser's own viewer from showing it.
    (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
];

#[derive(Clone)]
struct Door {
    app: App,
    sessions: Arc<dyn Sessions>,
}

pub fn routes(app: App, sessions: Arc<dyn Sessions>) -> Router {
    Router::new().route("/receipts/{file}", get(show)).with_state(Door { app, sessions })
}

#[derive(Deserialize)]
struct Link {
    token: Option<String>,
}

async fn show(
    State(door): State<Door>,
    (request, caller): (RequestId, Caller),
    Path(file): Path<String>,
    link: Result<Query<Link>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let token = link.ok().and_then(|Query(link)| link.token);
    let found = match token {
        Some(token) => door.linked(&file, &token).await,
        None => door.seen(&file, &headers, caller).await,
    };
    match found {
        Ok(receipt) => {
            answer(receipt, &headers).await.unwrap_or_else(|error| error.into_response(&request))
        }
        Err(refusal) => refusal.into_response(&request),
    }
}

impl Door {
    async fn linked(&self, file: &str, token: &str) -> Result<Model, Refusal> {
        Ok(link::open(&self.app, id(file)?, token).await.map_err(Error::from)?)
    }

    async fn seen(
        &self,
        file: &str,
        headers: &HeaderMap,
        Caller(origin): Caller,
    ) -> Result<Model, Refusal> {
        let unauthenticated = || Refusal::from(Error::from(service::Error::Unauthenticated));
        let shown = headers.get(header::AUTHORIZATION).ok_or_else(unauthenticated)?;
        let token = bearer(shown.to_str().map_err(|_| unauthenticated())?)?;
        let shown = Shown { token: Some(token), tenant: None };
        let call = self.sessions.open(shown, origin).await?.call.ok_or_else(unauthenticated)?;
        Ok(service::receipt::get(&call, id(file)?).await.map_err(Error::from)?)
    }
}

fn id(file: &str) -> Result<ReceiptId, Refusal> {
    let id = file.strip_suffix(".pdf").and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::from(service::Error::NotFound(Subject::Receipt)).into())
}

/// A receipt never changes, so its id is what a browser knows it by.
async fn answer(receipt: Model, headers: &HeaderMap) -> Result<Response, Refusal> {
    let tag = format!("\"{}\"", receipt.id);
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if asked.is_some_and(|asked| asked.split(',').any(|one| one.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, FIXED, [(header::ETAG, tag)]).into_response());
    }
    let name = format!("inline; filename=\"{}\"", pdf::file_name(&receipt));
    let made = tokio::task::spawn_blocking(move || pdf::render(&receipt)).await;
    let bytes = made.unwrap_or_else(|error| Err(service::Error::internal(error)));
    let bytes = bytes.inspect_err(|error| tracing::error!(?error, "a receipt could not be drawn"));
    let bytes = bytes.map_err(Error::from)?;
    let own = [(header::ETAG, tag), (header::CONTENT_DISPOSITION, name)];
    Ok((FIXED, own, bytes).into_response())
}
