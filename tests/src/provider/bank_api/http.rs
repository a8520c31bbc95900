//! GoCardless's doors: who may come in, what is asked for, and what goes wrong on the way.

use std::{io, sync::Arc};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use serde_json::{Value, json};

use super::{
    Shared,
    body::{Action, unwrap},
    books::Books,
    create, list,
    refusal::Refusal,
};
use crate::provider::Fault;

type Here = State<Arc<Shared>>;
/// A status and a body, or a no.
type Said = Result<(StatusCode, Value), Refusal>;

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/payments", post(payments).get(list_payments))
        .route("/refunds", post(refunds).get(list_refunds))
        .route("/billing_requests", post(billing_requests))
        .route("/instalment_schedules/create_with_dates", post(instalment_schedules))
        .route("/billing_request_flows", post(flows))
        .route("/events", get(list_events))
        .route("/{kind}/{id}", get(show))
        .route("/{kind}/{id}/actions/{action}", post(act))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&shared), admit))
        .fallback(|| async { Refusal::unknown() })
        .with_state(shared)
}

async fn admit(State(shared): Here, request: Request, next: Next) -> Response {
    match refused(&shared, &request) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    }
}

/// Whoever has the token, speaks this version, and sends JSON may come in.
fn refused(shared: &Shared, request: &Request) -> Option<Refusal> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let token = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let version = header("gocardless-version");
    let json = header("content-type").is_some_and(|value| value.starts_with("application/json"));
    let (status, reason) = if token.is_none() {
        (401, "missing_authorization_header")
    } else if token != Some(&shared.token) {
        (401, "access_token_not_found")
    } else if version.is_none() {
        (400, "missing_version_header")
    } else if version != Some("2015-07-06") {
        (400, "version_not_found")
    } else if request.method() == "POST" && !json {
        (415, "invalid_content_type")
    } else {
        return None;
    };
    Some(Refusal::usage(status, reason))
}

async fn payments(State(shared): Here, headers: HeaderMap, body: Bytes) -> Response {
    moving(&shared, |books| created(create::payment(books, key(&headers)?, &body)?)).await
}

async fn refunds(State(shared): Here, headers: HeaderMap, body: Bytes) -> Response {
    moving(&shared, |books| created(create::refund(books, key(&headers)?, &body)?)).await
}

async fn billing_requests(State(shared): Here, headers: HeaderMap, body: Bytes) -> Response {
    moving(&shared, |books| created(create::billing_request(books, key(&headers)?, &body)?)).await
}

async fn instalment_schedules(State(shared): Here, headers: HeaderMap, body: Bytes) -> Response {
    moving(&shared, |books| created(create::schedule(books, key(&headers)?, &body)?)).await
}

/// A page may be made as often as one likes.
async fn flows(State(shared): Here, body: Bytes) -> Response {
    answered(create::flow(&mut shared.books(), &shared.url, &body).and_then(created))
}

async fn list_payments(
    State(shared): Here,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    answered(list::payments(&shared.books(), &query).map(ok))
}

async fn list_refunds(State(shared): Here, Query(query): Query<Vec<(String, String)>>) -> Response {
    answered(list::refunds(&shared.books(), &query).map(ok))
}

async fn list_events(State(shared): Here, Query(query): Query<Vec<(String, String)>>) -> Response {
    answered(list::events(&shared.books(), &query).map(ok))
}

async fn show(State(shared): Here, Path((kind, id)): Path<(String, String)>) -> Response {
    let mut books = shared.books();
    create::make_instalments(&mut books, &id);
    answered(books.find(&kind, &id).map(|found| ok(json!({kind.as_str(): found.fields}))))
}

async fn act(
    State(shared): Here,
    Path((kind, id, action)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let data: Action = match unwrap("data", &body) {
        Ok(data) => data,
        Err(refusal) => return refusal.into_response(),
    };
    match (kind.as_str(), action.as_str()) {
        ("scenario_simulators", "run") => {
            let resource = data.links.map(|links| links.resource).unwrap_or_default();
            let said = shared.run(&id, &resource).await;
            answered(said.map(|()| ok(json!({"scenario_simulators": {"id": id}}))))
        }
        ("payments" | "billing_requests", "cancel") => {
            moving(&shared, |books| {
                create::cancel(books, &kind, &id)?;
                Ok(ok(json!({kind.as_str(): books.find(&kind, &id)?.fields})))
            })
            .await
        }
        _ => Refusal::unknown().into_response(),
    }
}

/// A call that moves or asks for money: it is counted, and may go wrong.
async fn moving(shared: &Arc<Shared>, act: impl FnOnce(&mut Books) -> Said) -> Response {
    let fault = shared.faults.take();
    let (said, news) = {
        let mut books = shared.books();
        books.calls += 1;
        if let Some(failed) = before(fault) {
            return failed;
        }
        books.copies = match fault {
            Fault::NoWebhook => 0,
            Fault::Webhooks(copies) => copies,
            _ => 1,
        };
        let said = act(&mut books);
        books.copies = 1;
        (said, books.news())
    };
    let sending = Arc::clone(shared);
    tokio::spawn(async move { sending.sender.send(news).await });
    match fault {
        Fault::ErrorAfter => error(),
        Fault::CutAfter => cut(),
        Fault::Slow(pause) => {
            tokio::time::sleep(pause).await;
            answered(said)
        }
        _ => answered(said),
    }
}

fn before(fault: Fault) -> Option<Response> {
    match fault {
        Fault::ErrorBefore => Some(error()),
        Fault::CutBefore => Some(cut()),
        Fault::Busy => Some(Refusal::usage(429, "rate_limit_exceeded").into_response()),
        _ => None,
    }
}

fn error() -> Response {
    Refusal { status: 500, kind: "gocardless", error: json!({"message": "Internal server error"}) }
        .into_response()
}

/// The connection ends in the middle of the answer.
fn cut() -> Response {
    let broken = stream::once(async { Err::<Bytes, _>(io::Error::other("cut")) });
    ([(header::CONTENT_LENGTH, "512")], Body::from_stream(broken)).into_response()
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    match key {
        Some(key) if key.len() > 128 => Err(Refusal::usage(400, "idempotency_key_too_long")),
        key => Ok(key),
    }
}

fn created(body: Value) -> Said {
    Ok((StatusCode::CREATED, body))
}

fn ok(body: Value) -> (StatusCode, Value) {
    (StatusCode::OK, body)
}

fn answered(said: Said) -> Response {
    match said {
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}
