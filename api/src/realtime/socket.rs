//! One websocket: its handshake, its session and its operations.

mod connection;
mod line;
mod operation;
mod operations;
mod timers;

use std::mem::replace;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_graphql::Executor;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::future::{BoxFuture, FutureExt};
use service::config::QueryLimits;
use service::origin::Origin;
use tokio::sync::watch;

use super::limits::{Limits, Owner};
use super::protocol::{self, Close};
use super::revocation::Revocations;
use super::session::Sessions;
use super::share::Groups;
use crate::graphql::operation::store::Operations;
use crate::graphql::request_id::RequestId;
use crate::http::graphql::Refusal;
use crate::http::pages::Pages;
use crate::metrics::Metrics;
use connection::Connection;

const READ_BUFFER: usize = 2048;
const WRITE_BUFFER: usize = 4096;
const MAX_WRITE_BUFFER: usize = 4 * 1024 * 1024;
const MAX_MESSAGE: usize = 64 * 1024;

/// What every socket needs; the router's state.
pub struct Sockets<E> {
    pub executor: E,
    pub sessions: Arc<dyn Sessions>,
    pub operations: Operations,
    pub pages: Pages,
    pub groups: Groups,
    pub settings: Arc<Settings>,
    pub limits: Arc<Limits>,
    pub revocations: Arc<Revocations>,
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
    pub query: QueryLimits,
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
            query: QueryLimits::default(),
        }
    }
}

/// The route's handler.
pub async fn upgrade<E: Executor>(
    sockets: Arc<Sockets<E>>,
    id: RequestId,
    origin: Origin,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !sockets.pages.may_connect(&headers).await {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "FORBIDDEN", "origin is not allowed");
        return refusal.into_response(&id);
    }
    let place = origin.address.map(|address| sockets.limits.take(Owner::Address(address)));
    if let Some(None) = place {
        let message = "too many connections from this address";
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_CONNECTIONS", message);
        return refusal.into_response(&id);
    }
    let places = place.flatten().into_iter().collect();
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
    upgrade.on_upgrade(move |socket| {
        let connection = Connection::new(sockets, id, origin, socket, places);
        // A task with nothing else in it: what the handshake needed is given back.
        tokio::spawn(match speaks {
            true => Serving::Open(connection),
            false => Serving::closing(connection, Some(Close::wrong_protocol())),
        });
        std::future::ready(())
    })
}

/// One connection from its first message to its last.
#[expect(clippy::large_enum_variant, reason = "nearly all are open")]
enum Serving<E> {
    Open(Connection<E>),
    Closing(BoxFuture<'static, ()>),
    Over,
}

impl<E: Executor> Serving<E> {
    fn closing(connection: Connection<E>, close: Option<Close>) -> Self {
        Self::Closing(connection.close(close).boxed())
    }
}

impl<E: Executor> Future for Serving<E> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let serving = self.get_mut();
        loop {
            match serving {
                Self::Open(connection) => {
                    let close = ready!(connection.poll(cx));
                    if let Self::Open(connection) = replace(serving, Self::Over) {
                        *serving = Self::closing(connection, close);
                    }
                }
                Self::Closing(closing) => return closing.poll_unpin(cx),
                Self::Over => return Poll::Ready(()),
            }
        }
    }
}
