//! What a worker answers: that it lives, and what it counts.

use axum::{Router, routing::get};
use prometheus_client::{encoding::text::encode, registry::Registry};
use service::ctx::App;

use super::{health, open_metrics};
use crate::metrics::{PREFIX, job::Jobs};

pub fn router(app: App) -> Router {
    let jobs = Jobs::new(app);
    let metrics = get(move || {
        let jobs = jobs.clone();
        async move {
            jobs.look().await;
            let mut registry = Registry::with_prefix(PREFIX);
            registry.register_collector(Box::new(jobs));
            let mut text = String::new();
            open_metrics(encode(&mut text, &registry).map(|()| text))
        }
    });
    Router::new().route("/healthz", get(health::alive)).route("/metrics", metrics)
}
