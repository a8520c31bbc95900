//! Everything that is reached by HTTP, and the layers around all of it.

pub mod auth;
pub mod export;
pub mod graphql;
mod headers;
pub mod health;
pub mod origin;
pub mod outbox;
pub mod pages;
pub mod receipt;
pub mod request_id;
pub mod shutdown;
pub mod webhook;
pub mod worker;

use std::{fmt, sync::Arc, time::Duration};

use async_graphql::http::GraphiQLSource;
use axum::{
    Router,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use ipnet::IpNet;
use service::{config::Config, ctx::App};
use tokio::sync::watch;
use tower_http::{
    cors::{AllowOrigin, CorsLayer},
    limit::RequestBodyLimitLayer,
};

use crate::{
    graphql::{operation::store::Operations, request_id::RequestId},
    metrics::{Metrics, job::Jobs},
    realtime::{
        limits::{Limits, Most},
        revocation::Revocations,
        session::Sessions,
        share::{Counts, Groups},
        socket::{self, Settings, Sockets},
    },
    schema::{AppExecutor, Terms, audience},
    session::{AppSessions, Rates},
};
use graphql::{Door, Refusal};
use origin::Caller;
use pages::Pages;

/// No request needs more; what is larger is refused before anything reads it.
const BODY_BYTES: usize = 1024 * 1024;
const PREFLIGHT_HOLDS: Duration = Duration::from_secs(3600);

/// Once `shutdown` says true, this node is not ready any more and its sockets are closed.
///
/// From the outside in: the request's id and span, headers, CORS, the body limit, the routes.
pub fn router(app: App, config: &Config, shutdown: watch::Receiver<bool>) -> Router {
    let proxies: Arc<[IpNet]> = config.trusted_proxies.clone().into();
    let pages = Pages::new(app.clone(), config.allowed_origins.clone());
    let outbox = app.outbox.clone().map(outbox::routes).unwrap_or_default();
    let health = health::Health { app: app.clone(), shutdown: shutdown.clone() };
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/version", get(health::version))
        .route("/readyz", get(health::ready).with_state(health))
        .merge(auth::routes(app.clone(), &config.allowed_origins))
        .merge(outbox)
        .merge(webhook::routes(app.clone()))
        .merge(graphql_routes((app, pages.clone()), config, shutdown))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .layer(middleware::from_fn(graphql::explain_too_large))
        .layer(cors(pages))
        .layer(middleware::from_fn_with_state(proxies, origin::layer))
        .layer(middleware::from_fn_with_state(headers::of(config), headers::layer))
        .layer(middleware::from_fn(request_id::layer))
}

/// `/graphql` by POST, GET and websocket, `/graphiql`, what the sockets count, and `/exports`.
fn graphql_routes(
    (app, pages): (App, Pages),
    config: &Config,
    shutdown: watch::Receiver<bool>,
) -> Router {
    let groups = Groups::default();
    let mut metrics = Metrics::new(app.feed.clone());
    metrics.add(Box::new(Counts { groups: groups.clone(), others: metrics.frames.clone() }));
    audience::prepare();
    let executor = AppExecutor::new(app.clone(), Terms::of(config));
    let operations = Operations::new(app.clone(), executor.clone());
    metrics.add(Box::new(operations.clone()));
    let jobs = Jobs::new(app.clone());
    metrics.add(Box::new(jobs.clone()));
    let metrics = Arc::new(metrics);
    let sessions: Arc<dyn Sessions> = Arc::new(AppSessions {
        app: app.clone(),
        default_tenant: config.default_tenant.clone(),
        rates: rates(config),
        operations: operations.clone(),
    });
    let receipts = receipt::routes(app.clone(), Arc::clone(&sessions));
    let settings = Arc::new(Settings {
        spread: Duration::from_secs(
            config.shutdown_spread_seconds.min(config.shutdown_grace_seconds),
        ),
        query: config.query,
        ..Settings::default()
    });
    let limits = Arc::new(Limits::new(Most {
        for_address: config.sockets_per_address,
        for_user: config.sockets_per_user,
        for_tenant: config.sockets_per_tenant,
    }));
    let door = Door {
        executor: executor.clone(),
        sessions: Arc::clone(&sessions),
        operations: operations.clone(),
        limits: config.query,
    };
    let exports = export::routes(Arc::clone(&sessions));
    let revocations = Arc::new(Revocations::default());
    tokio::spawn(Arc::clone(&revocations).run(app.clone(), shutdown.clone()));
    let sockets = Arc::new(Sockets {
        executor,
        sessions,
        operations,
        pages,
        groups,
        settings,
        limits,
        revocations,
        metrics: Arc::clone(&metrics),
        shutdown,
    });
    let pages = match config.graphiql {
        true => Router::new().route("/graphiql", get(graphiql)),
        false => Router::new(),
    };
    pages
        .route("/graphql", get(query_or_socket).with_state((door.clone(), sockets)))
        .route("/graphql", post(graphql::post::<AppExecutor>).with_state(door))
        .route("/metrics", get(scrape).with_state((metrics, jobs)))
        .merge(receipts)
        .merge(exports)
}

fn rates(config: &Config) -> Rates {
    Rates {
        for_address: config.requests_per_address,
        for_user: config.requests_per_user,
        for_tenant: config.requests_per_tenant,
    }
}

/// A browser's or a partner's GET is a query, unless it asks to become a websocket.
async fn query_or_socket(
    State((door, sockets)): State<(Door<AppExecutor>, Arc<Sockets<AppExecutor>>)>,
    id: RequestId,
    caller: Caller,
    parts: Parts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => socket::upgrade(sockets, id, caller.0, parts.headers, upgrade).await,
        Err(_) => graphql::get(State(door), id, caller, parts.headers, parts.uri).await,
    }
}

/// OpenMetrics; counts of the whole node, of no tenant in particular.
async fn scrape(State((metrics, jobs)): State<(Arc<Metrics>, Jobs)>) -> Response {
    jobs.look().await;
    open_metrics(metrics.text())
}

fn open_metrics(text: Result<String, fmt::Error>) -> Response {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A page that takes its parts from elsewhere, so it may.
async fn graphiql() -> impl IntoResponse {
    const POLICY: &str = "default-src 'self' https: data: blob: 'unsafe-inline' 'unsafe-eval'; \
        connect-src 'self' https: ws: wss:; frame-ancestors 'none'";
    let source = GraphiQLSource::build().endpoint("/graphql").subscription_endpoint("/graphql");
    let page = source.title("bikelease").finish();
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page))
}

/// For the pages that may call; browsers let no other page read an answer.
fn cors(pages: Pages) -> CorsLayer {
    let may_call = move |origin: HeaderValue, _: &Parts| {
        let pages = pages.clone();
        async move {
            match origin.to_str() {
                Ok(origin) => pages.may_call(origin).await,
                Err(_) => false,
            }
        }
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::async_predicate(may_call))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            request_id::HEADER,
            HeaderName::from_static("x-bikelease-tenant"),
        ])
        .expose_headers([request_id::HEADER, header::ETAG, header::RETRY_AFTER])
        .max_age(PREFLIGHT_HOLDS)
}

async fn not_found(id: RequestId) -> Response {
    Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing at this address")
        .into_response(&id)
}

async fn method_not_allowed(id: RequestId) -> Response {
    let message = "this address does not take this method";
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
    let mut response = refusal.into_response(&id);
    // The router knows which methods the address takes, and adds them where they are not said.
    response.headers_mut().remove(header::ALLOW);
    response
}
