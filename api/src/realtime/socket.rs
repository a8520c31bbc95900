//! One websocket: its handshake, its session and its operations.

mod connection;
mod writer;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Executor, Request};
use axum::extract::State;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::limits::{Limits, Owner};
use super::protocol::{self, Close, Payload};
use super::session::{Session, Sessions};
use super::share::{Groups, Member};
use crate::graphql::progress::Progress;
use crate::graphql::request_id::RequestId;
use crate::http::graphql::Refusal;
use crate::metrics::Metrics;
use connection::Connection;
use writer::Writer;

const READ_BUFFER: usize = 2048;
const WRITE_BUFFER: usize = 4096;
const MAX_WRITE_BUFFER: usize = 4 * 1024 * 1024;
const MAX_MESSAGE: usize = 64 * 1024;
/// How long a closed connection is read, so that the close frame is not lost with it.
const FAREWELL: Duration = Duration::from_secs(2);

/// What every socket needs; the router's state.
#[derive(Clone)]
pub struct Sockets<E> {
    pub executor: E,
    pub sessions: Arc<dyn Sessions>,
    pub groups: Groups,
    pub settings: Arc<Settings>,
    pub limits: Arc<Limits>,
    pub metrics: Arc<Metrics>,
    /// True, or a dropped sender, closes every socket.
    pub shutdown: watch::Receiver<bool>,
}

pub struct Settings {
    /// From the upgrade to the acknowledged `connection_init`.
    pub init: Duration,
    pub ping: Duration,
    /// How often a client hears how far its subscriptions have come, if they have.
    pub progress: Duration,
    /// Without any frame from the client.
    pub silence: Duration,
    /// Without progress of one write.
    pub stall: Duration,
    pub operations: usize,
    /// A restart closes sockets one after the other within this time, so that they do not all come back at once.
    pub spread: Duration,
    /// Foreign pages that may connect, as browsers write them: `https://app.example`.
    pub origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(5),
            ping: Duration::from_secs(20),
            progress: Duration::from_secs(15),
            silence: Duration::from_secs(50),
            stall: Duration::from_secs(15),
            operations: 50,
            spread: Duration::ZERO,
            origins: Vec::new(),
        }
    }
}

/// The route's handler.
pub async fn upgrade<E: Executor>(
    State(sockets): State<Sockets<E>>,
    id: RequestId,
    (address, headers): (Option<IpAddr>, HeaderMap),
    upgrade: WebSocketUpgrade,
) -> Response {
    if !origin_is_allowed(&headers, &sockets.settings.origins) {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "FORBIDDEN", "origin is not allowed");
        return refusal.into_response(&id);
    }
    let place = address.map(|address| sockets.limits.take(Owner::Address(address)));
    if let Some(None) = place {
        let message = "too many connections from this address";
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_CONNECTIONS", message);
        return refusal.into_response(&id);
    }
    let place = place.flatten();
    let mut upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(MAX_MESSAGE)
        .protocols([protocol::NAME]);
    let speaks = upgrade.selected_protocol().is_some();
    let offered = upgrade.requested_protocols().next().cloned();
    if let Some(other) = offered.filter(|_| !speaks) {
        // Without a protocol in the answer clients fail before they can see the close code.
        upgrade.set_selected_protocol(other);
    }
    upgrade.on_upgrade(move |socket| async move {
        serve(socket, sockets, id, speaks).await;
        drop(place);
    })
}

/// Browsers let a page of any site open a socket, but say which site it is. Other clients send
/// no origin.
fn origin_is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |value: &HeaderValue| value.to_str().map(str::to_ascii_lowercase).ok();
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = text(origin) else { return false };
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&origin)) {
        return true;
    }
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let host = headers.get(header::HOST).and_then(text);
    let bare = |host: &str| host.strip_suffix(port).unwrap_or(host).to_owned();
    host.is_some_and(|host| bare(&host) == bare(authority))
}

/// Starts one operation of whatever kind; with others, if it is one that they have too.
pub fn subscribe<E: Executor>(
    sockets: &Sockets<E>,
    session: &Session,
    mut request: Request,
    (id, progress): (RequestId, Progress),
) -> BoxStream<'static, Payload> {
    let Sockets { executor, groups, .. } = sockets;
    if let Some(member) = Member::of(executor, groups, session, &mut request, (&id, &progress)) {
        return member.payloads(request).boxed();
    }
    let request = (session.attach)(request).data(id).data(progress);
    let answers = executor.execute_stream(request, None).enumerate();
    answers.map(|(index, answer)| Payload::of(&answer, index == 0)).boxed()
}

async fn serve<E: Executor>(socket: WebSocket, sockets: Sockets<E>, id: RequestId, speaks: bool) {
    let (sink, mut inbound) = socket.split();
    let metrics = Arc::clone(&sockets.metrics);
    metrics.sockets.inc();
    let writer = Writer::start(sink, sockets.settings.stall, metrics.frames.clone());
    let mut connection = Connection::new(sockets, id, writer);
    let close = match speaks {
        true => connection.run(&mut inbound).await,
        false => Some(Close::wrong_protocol()),
    };
    connection.close(close).await;
    metrics.sockets.dec();
    let _ = timeout(FAREWELL, async { while let Some(Ok(_)) = inbound.next().await {} }).await;
}
