//! Whether this node lives, whether it can work, and what it is.

use std::{future::Future, sync::OnceLock, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};
use service::{ctx::App, keys::sha256};
use tokio::{sync::watch, time::timeout};

use crate::node;

/// Below what load balancers wait for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of the schema's SHA-256; twelve hexadecimal digits.
const REVISION_BYTES: usize = 6;

#[derive(Clone)]
pub struct Health {
    pub app: App,
    /// True once this node must not get new requests.
    pub shutdown: watch::Receiver<bool>,
}

/// The process runs. Says nothing about what it needs, so that nobody restarts it for a database that is away.
pub async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// 503 while anything is not `ok`, with what; clients should be sent to other nodes then.
pub async fn ready(State(Health { app, shutdown }): State<Health>) -> (StatusCode, Json<Value>) {
    let (database, bus, migrations) = tokio::join!(
        check("database", async { Ok(app.db.reader().ping().await.map(|()| None)?) }),
        check("bus", async { app.bus.ping().await.map(|()| None) }),
        check("migrations", async { Ok(lacking(node::pending(&app).await?.len())) }),
    );
    let process = if *shutdown.borrow() { "shutting down".to_owned() } else { "ok".to_owned() };
    let ready = [&database, &migrations, &process].iter().all(|check| *check == "ok");
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Without its bus a node is slower and never wrong: taking all of them out of service would be worse.
    let word = match (ready, bus == "ok") {
        (true, true) => "ok",
        (true, false) => "degraded",
        (false, _) => "not ready",
    };
    let checks =
        json!({"process": process, "database": database, "bus": bus, "migrations": migrations});
    (status, Json(json!({"status": word, "checks": checks})))
}

/// Which build this is, and by `schemaRevision` which API.
pub async fn version() -> Json<Value> {
    static REVISION: OnceLock<String> = OnceLock::new();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": env!("BIKELEASE_COMMIT"),
        "schemaRevision": REVISION.get_or_init(schema_revision),
    }))
}

fn schema_revision() -> String {
    sha256(crate::schema::sdl().as_bytes())
        .iter()
        .take(REVISION_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn lacking(pending: usize) -> Option<String> {
    (pending > 0).then(|| format!("{pending} pending"))
}

/// `ok`, or what is the matter; the cause is for the log only.
async fn check(name: &str, probe: impl Future<Output = service::Result<Option<String>>>) -> String {
    match timeout(PATIENCE, probe).await {
        Ok(Ok(None)) => "ok".to_owned(),
        Ok(Ok(Some(matter))) => matter,
        Ok(Err(error)) => {
            tracing::warn!(name, error = ?error, "not ready");
            "unreachable".to_owned()
        }
        Err(_) => {
            tracing::warn!(name, "not ready: no answer in time");
            "no answer".to_owned()
        }
    }
}
