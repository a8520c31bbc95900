//! One open connection: one task that asks only what has something to say.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use async_graphql::{Executor, Request};
use axum::Error;
use axum::extract::ws::{Message, WebSocket};
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Map, Value, json};
use service::origin::Origin;
use tokio::time::Instant;

use super::Sockets;
use super::line::{Gone, Line};
use super::operation::Operation;
use super::operations::{Operations, PARTS};
use super::timers::{Due, Timers};
use crate::graphql::guard::Rejected;
use crate::graphql::request_id::RequestId;
use crate::metrics::{Closed, Counted};
use crate::realtime::bell::{Bell, Rung};
use crate::realtime::limits::Place;
use crate::realtime::protocol::{self, Close, Credentials, Inbound, Payload};
use crate::realtime::revocation::Watched;
use crate::realtime::session::{Refused, Session, Shown};

/// The parts of the task beside its operations.
const NETWORK: usize = PARTS;
const CLOCK: usize = PARTS + 1;
/// Frames after which other sockets have their turn, and messages of the client.
const TURN: usize = 64;

/// Ends the connection: with a close frame, or without one when the client is gone.
type Flow = ControlFlow<Option<Close>>;

enum Phase {
    Silent,
    Opening(BoxFuture<'static, Result<Session, Refused>>),
    Open(Arc<Session>),
}

pub struct Connection<E> {
    sockets: Arc<Sockets<E>>,
    id: RequestId,
    origin: Origin,
    line: Line,
    bell: Arc<Bell>,
    rung: Rung,
    network: Waker,
    clock: Waker,
    phase: Phase,
    timers: Timers,
    stop: BoxFuture<'static, ()>,
    open: Counted,
    watched: Option<Watched>,
    /// Among those of its address, its user and its tenant.
    places: Vec<Place>,
    operations: Operations<E>,
    /// The client is to hear how far its operations have come, behind what they have to say.
    owes_progress: bool,
}

impl<E: Executor> Connection<E> {
    pub fn new(
        sockets: Arc<Sockets<E>>,
        id: RequestId,
        origin: Origin,
        socket: WebSocket,
        places: Vec<Place>,
    ) -> Self {
        let bell = Arc::new(Bell::default());
        let mut shutdown = sockets.shutdown.clone();
        let stop = async move {
            let _ = shutdown.wait_for(|stop| *stop).await;
        };
        let mut rung = Rung::default();
        rung.set(NETWORK);
        rung.set(CLOCK);
        Self {
            id,
            origin,
            line: Line::new(socket),
            rung,
            network: bell.cord(NETWORK).into(),
            clock: bell.cord(CLOCK).into(),
            bell,
            phase: Phase::Silent,
            timers: Timers::start(Arc::clone(&sockets.settings)),
            stop: stop.boxed(),
            open: Counted::among(&sockets.metrics.sockets),
            watched: None,
            places,
            operations: Operations::new(),
            owes_progress: false,
            sockets,
        }
    }

    /// Ready when it is to end: with a close frame, or without one when the client is gone.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Close>> {
        self.rung.add(self.bell.heard(cx.waker()));
        match self.advance() {
            Flow::Continue(()) => Poll::Pending,
            Flow::Break(close) => Poll::Ready(close),
        }
    }

    /// The operations end first: nothing is computed for a socket that is closing.
    pub async fn close(self, close: Option<Close>) {
        let Self { line, operations, sockets, places, open, .. } = self;
        drop(operations);
        if let Some(close) = &close {
            sockets.metrics.closed.get_or_create(&Closed { code: close.code }).inc();
        }
        line.close(close).await;
        drop((places, open));
    }

    /// In the order of what may not wait: the end and the time, the client, its operations.
    fn advance(&mut self) -> Flow {
        if self.rung.take(CLOCK) {
            self.look_at_the_clock()?;
        }
        if self.rung.take(NETWORK) {
            self.listen()?;
        }
        self.speak()
    }

    fn look_at_the_clock(&mut self) -> Flow {
        let clock = self.clock.clone();
        let mut cx = Context::from_waker(&clock);
        if !self.timers.is_ending && self.stop.poll_unpin(&mut cx).is_ready() {
            self.end_soon()?;
        }
        if self.watched.as_ref().is_some_and(Watched::is_over) {
            return Flow::Break(Some(Close::session_ended()));
        }
        while let Poll::Ready(due) = self.timers.poll(&mut cx) {
            match due {
                Due::End(close) => return Flow::Break(Some(close)),
                Due::Ping => self.line.ping(),
                Due::Progress => self.owes_progress = true,
            }
        }
        match &mut self.phase {
            Phase::Opening(opening) => match opening.poll_unpin(&mut cx) {
                Poll::Ready(opened) => self.opened(opened),
                Poll::Pending => Flow::Continue(()),
            },
            Phase::Silent | Phase::Open(_) => Flow::Continue(()),
        }
    }

    /// At a moment of its own, so that the clients of a node do not all look for another at once.
    fn end_soon(&mut self) -> Flow {
        let spread = self.sockets.settings.spread;
        if spread.is_zero() {
            return Flow::Break(Some(Close::restart()));
        }
        self.timers.is_ending = true;
        self.timers.end_by(Instant::now() + spread.mul_f64(fraction(&self.id)), Close::restart());
        Flow::Continue(())
    }

    fn listen(&mut self) -> Flow {
        for _ in 0..TURN {
            match self.line.poll_heard(&mut Context::from_waker(&self.network)) {
                Poll::Ready(message) => self.hear(message)?,
                Poll::Pending => return Flow::Continue(()),
            }
        }
        self.network.wake_by_ref();
        Flow::Continue(())
    }

    fn hear(&mut self, message: Option<Result<Message, Error>>) -> Flow {
        self.timers.heard();
        match message {
            Some(Ok(Message::Text(text))) => {
                match Inbound::read(&self.sockets.settings.query, &text) {
                    Ok(message) => self.obey(message),
                    Err(reason) => Flow::Break(Some(Close::bad_message(reason))),
                }
            }
            Some(Ok(Message::Binary(_))) => {
                Flow::Break(Some(Close::bad_message("Message is binary")))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Flow::Continue(()),
            Some(Ok(Message::Close(_))) | None => Flow::Break(None),
            Some(Err(_)) => Flow::Break(Some(Close::bad_message("Message is not readable"))),
        }
    }

    fn obey(&mut self, message: Inbound) -> Flow {
        match message {
            Inbound::Init(credentials) => self.init(credentials),
            Inbound::Ping(payload) => or_break(self.line.reply(protocol::pong(payload))),
            Inbound::Pong => Flow::Continue(()),
            Inbound::Subscribe { id, request } => or_break(self.start(id, *request)),
            Inbound::Rejected { id, rejected } => or_break(self.reject(&id, &rejected)),
            Inbound::Complete { id } => {
                self.operations.end(&id);
                Flow::Continue(())
            }
        }
    }

    fn init(&mut self, credentials: Credentials) -> Flow {
        if !matches!(self.phase, Phase::Silent) {
            return Flow::Break(Some(Close::too_many_inits()));
        }
        let Ok(token) = credentials.token else {
            return Flow::Break(Some(Close::forbidden()));
        };
        let sessions = Arc::clone(&self.sockets.sessions);
        let origin = self.origin.clone();
        self.phase = Phase::Opening(Box::pin(async move {
            let tenant = credentials.tenant.as_deref();
            sessions.open(Shown { token: token.as_deref(), tenant }, origin).await
        }));
        self.clock.wake_by_ref();
        Flow::Continue(())
    }

    fn opened(&mut self, opened: Result<Session, Refused>) -> Flow {
        match opened {
            Ok(session) => {
                for owner in &session.owners {
                    let Some(place) = self.sockets.limits.take(*owner) else {
                        return Flow::Break(Some(Close::too_many_sockets()));
                    };
                    self.places.push(place);
                }
                let ties = session.ties.clone();
                self.watched = Some(self.sockets.revocations.watch(ties, self.bell.cord(CLOCK)));
                // A life longer than the clock can count does not end.
                let end = session.expires_in.and_then(|left| Instant::now().checked_add(left));
                self.timers.end_at(end.map(|end| (end, Close::expired())));
                self.clock.wake_by_ref();
                self.phase = Phase::Open(Arc::new(session));
                or_break(self.line.reply(protocol::ack()))
            }
            Err(refused) => {
                tracing::debug!(code = refused.code, %refused, "socket refused");
                Flow::Break(Some(Close::forbidden()))
            }
        }
    }

    fn reject(&mut self, id: &str, rejected: &Rejected) -> Result<(), Close> {
        if !matches!(self.phase, Phase::Open(_)) {
            return Err(Close::unauthorized());
        }
        if self.operations.has(id) {
            return Err(Close::duplicate(id));
        }
        let refusal = Payload::refusal(rejected.code(), &rejected.to_string(), &self.id);
        self.line.reply(refusal.splice(&json!(id).to_string()))
    }

    fn start(&mut self, id: String, request: Request) -> Result<(), Close> {
        let Phase::Open(session) = &self.phase else { return Err(Close::unauthorized()) };
        if self.operations.has(&id) {
            return Err(Close::duplicate(&id));
        }
        if self.operations.len() >= self.sockets.settings.operations.min(PARTS) {
            let message = "too many subscriptions on this connection";
            let refusal = Payload::refusal("TOO_MANY_SUBSCRIPTIONS", message, &self.id);
            return self.line.reply(refusal.splice(&json!(id).to_string()));
        }
        let cord = self.bell.cord(self.operations.vacant());
        self.operations.add(Operation::start(&self.sockets, session, (id, request), cord));
        Ok(())
    }

    /// Nothing is asked before there is room for what it says: a slow client slows its operations and nothing else.
    fn speak(&mut self) -> Flow {
        let spoken = self.poll_spoken();
        self.timers.is_stuck(spoken.is_pending());
        match spoken {
            Poll::Ready(Err(Gone)) => Flow::Break(None),
            Poll::Ready(Ok(())) | Poll::Pending => Flow::Continue(()),
        }
    }

    fn poll_spoken(&mut self) -> Poll<Result<(), Gone>> {
        for _ in 0..TURN {
            ready!(self.line.poll_room(&mut Context::from_waker(&self.network)))?;
            match self.next_message() {
                Some(message) => self.line.write(message)?,
                None => return self.line.poll_flush(&mut Context::from_waker(&self.network)),
            }
        }
        self.network.wake_by_ref();
        self.line.poll_flush(&mut Context::from_waker(&self.network))
    }

    fn next_message(&mut self) -> Option<Message> {
        if let Some(reply) = self.line.next_reply() {
            self.sockets.metrics.frames.inc();
            return Some(reply);
        }
        if let Some(text) = self.operations.next(&mut self.rung, &self.id) {
            return Some(Message::Text(text));
        }
        // Behind all that there is, so that no cursor is ahead of what it stands for.
        if !std::mem::take(&mut self.owes_progress) {
            return None;
        }
        let news = self.operations.news().map(|(id, cursor)| (id, cursor.into()));
        let cursors: Map<String, Value> = news.collect();
        (!cursors.is_empty()).then(|| Message::Text(protocol::ping(cursors).into()))
    }
}

/// Between 0 and 1, and another one for each socket.
fn fraction(id: &RequestId) -> f64 {
    let mut hasher = DefaultHasher::new();
    id.0.hash(&mut hasher);
    f64::from(u16::try_from(hasher.finish() >> 48).unwrap_or_default()) / f64::from(u16::MAX)
}

fn or_break(outcome: Result<(), Close>) -> Flow {
    outcome.map_or_else(|close| Flow::Break(Some(close)), Flow::Continue)
}
