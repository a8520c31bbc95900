//! `/dev/outbox`: what would have been sent, for developers.

use std::{fmt::Write, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use service::notify::{Attachment, Outbox};

const STYLE: &str = "body{font:16px/1.5 system-ui;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
    article{border:1px solid #8886;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}small{opacity:.7}";

/// Its style stands in it; nothing else is loaded or run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

pub fn routes(outbox: Arc<Outbox>) -> Router {
    Router::new()
        .route("/dev/outbox", get(show))
        .route("/dev/outbox/{attachment}", get(attachment))
        .with_state(outbox)
}

/// A page, or JSON for who asks for it.
async fn show(State(outbox): State<Arc<Outbox>>, headers: HeaderMap) -> Response {
    let wants = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if wants.is_some_and(|wants| wants.contains("application/json")) {
        let messages = outbox.messages().into_iter().map(|(at, message)| {
            json!({
                "at": at, "to": message.to.address(), "subject": message.subject, "text": message.text,
                "attachments": message.attachments.iter().map(|attachment| json!({
                    "name": attachment.name, "mediaType": attachment.media_type, "path": path(attachment),
                })).collect::<Vec<_>>(),
            })
        });
        return Json(messages.collect::<Vec<_>>()).into_response();
    }
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page(&outbox))).into_response()
}

/// What was attached to a message, as a mail program would show it.
async fn attachment(State(outbox): State<Arc<Outbox>>, Path(key): Path<String>) -> Response {
    let Some(attachment) = outbox.attachment(&key) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let shown = format!("inline; filename=\"{}\"", attachment.name);
    let headers = [
        (header::CONTENT_TYPE, attachment.media_type),
        (header::CONTENT_DISPOSITION, shown.as_str()),
        (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    ];
    (headers, attachment.bytes.to_vec()).into_response()
}

fn path(attachment: &Attachment) -> String {
    format!("/dev/outbox/{}", attachment.key())
}

fn page(outbox: &Outbox) -> String {
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Outbox</title><style>{STYLE}</style><h1>Outbox</h1><p>Messages that this development server would have \
         sent, the newest first. Reload to see new ones.</p>"
    );
    let messages = outbox.messages();
    if messages.is_empty() {
        page.push_str("<p>Nothing yet: ask for a code, invite somebody, or reset a password.</p>");
    }
    for (at, message) in messages {
        let (to, subject) = (escaped(message.to.address()), escaped(&message.subject));
        let _ = write!(
            page,
            "<article><h2>{subject}</h2><small>to {to}, {}</small><pre>{}</pre>",
            at.format("%Y-%m-%d %H:%M:%S UTC"),
            escaped(&message.text)
        );
        for attachment in &message.attachments {
            let (path, name) = (path(attachment), escaped(&attachment.name));
            let _ = write!(page, "<p><a href='{path}'>{name}</a></p>");
        }
        page.push_str("</article>");
    }
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
