//! One open connection: what it hears, what it is waiting for and what runs on it.

use std::collections::HashMap;
use std::future::{pending, ready};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use async_graphql::{Executor, Request};
use axum::Error;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, AbortHandle, BoxStream, SelectAll, SplitStream, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::writer::Writer;
use super::{Sockets, subscribe};
use crate::graphql::progress::Progress;
use crate::graphql::request_id::RequestId;
use crate::metrics::Closed;
use crate::realtime::limits::Place;
use crate::realtime::protocol::{self, Close, Credentials, Inbound, Payload};
use crate::realtime::session::{Refused, Session};

/// Half of the write buffer: the rest is for what waits there already.
const MAX_FRAME: usize = super::MAX_WRITE_BUFFER / 2;

/// Ends the connection: with a close frame, or without one when the client is gone.
type Flow = ControlFlow<Option<Close>>;

enum Phase {
    Silent,
    Opening(BoxFuture<'static, Result<Session, Refused>>),
    Open(Session),
}

/// One message of an operation on its way to the client.
struct Frame {
    id: Arc<str>,
    text: Utf8Bytes,
    is_last: bool,
}

struct Timers {
    heard: Instant,
    deadline: Option<(Instant, Close)>,
    /// The node stops: the deadline is this socket's turn to go.
    ending: bool,
    pings: Interval,
    progress: Interval,
}

pub struct Connection<E> {
    sockets: Sockets<E>,
    id: RequestId,
    writer: Writer,
    phase: Phase,
    timers: Timers,
    /// Among those of its user and its tenant.
    places: Vec<Place>,
    operations: HashMap<Arc<str>, (AbortHandle, Progress)>,
    /// Polls only what has woken, first come first served: no stream starves another.
    frames: SelectAll<BoxStream<'static, Frame>>,
}

impl<E: Executor> Connection<E> {
    pub fn new(sockets: Sockets<E>, id: RequestId, writer: Writer) -> Self {
        let start = Instant::now();
        let mut pings = interval_at(start + sockets.settings.ping, sockets.settings.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut progress =
            interval_at(start + sockets.settings.progress, sockets.settings.progress);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadline = Some((start + sockets.settings.init, Close::init_timeout()));
        Self {
            sockets,
            id,
            writer,
            phase: Phase::Silent,
            timers: Timers { heard: start, deadline, ending: false, pings, progress },
            places: Vec::new(),
            operations: HashMap::new(),
            frames: SelectAll::new(),
        }
    }

    pub async fn run(&mut self, inbound: &mut SplitStream<WebSocket>) -> Option<Close> {
        let mut shutdown = self.sockets.shutdown.clone();
        let events = self.writer.events.clone();
        loop {
            if let Flow::Break(close) = self.step(inbound, &mut shutdown, &events).await {
                return close;
            }
        }
    }

    /// The streams end first: nothing is computed for a socket that is closing.
    pub async fn close(self, close: Option<Close>) {
        let Self { writer, frames, operations, sockets, .. } = self;
        drop(frames);
        let open = i64::try_from(operations.len()).unwrap_or_default();
        sockets.metrics.subscriptions.dec_by(open);
        if let Some(close) = &close {
            sockets.metrics.closed.get_or_create(&Closed { code: close.code }).inc();
        }
        writer.close(close).await;
    }

    /// In the order of what may not wait: the end, the time, the client, its streams.
    async fn step(
        &mut self,
        inbound: &mut SplitStream<WebSocket>,
        shutdown: &mut watch::Receiver<bool>,
        events: &mpsc::Sender<Utf8Bytes>,
    ) -> Flow {
        let silence = self.timers.heard + self.sockets.settings.silence;
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop), if !self.timers.ending => self.end_soon(),
            close = passed(&self.timers.deadline) => Flow::Break(Some(close)),
            () = self.writer.ended() => Flow::Break(None),
            message = inbound.next() => self.hear(message),
            () = sleep_until(silence) => Flow::Break(Some(Close::silent())),
            _ = self.timers.pings.tick() => {
                self.writer.ping();
                Flow::Continue(())
            }
            _ = self.timers.progress.tick() => {
                self.tell_progress();
                Flow::Continue(())
            }
            opened = opened(&mut self.phase) => self.opened(opened),
            last = forward(&mut self.frames, events) => {
                if let Some(id) = last {
                    self.end(&id);
                }
                Flow::Continue(())
            }
        }
    }

    /// At a moment of its own, so that the clients of a node do not all look for another at once.
    fn end_soon(&mut self) -> Flow {
        let spread = self.sockets.settings.spread;
        if spread.is_zero() {
            return Flow::Break(Some(Close::restart()));
        }
        let turn = Instant::now() + spread.mul_f64(fraction(&self.id));
        self.timers.ending = true;
        let sooner = self.timers.deadline.take().filter(|(deadline, _)| *deadline < turn);
        self.timers.deadline = Some(sooner.unwrap_or((turn, Close::restart())));
        Flow::Continue(())
    }

    fn hear(&mut self, message: Option<Result<Message, Error>>) -> Flow {
        self.timers.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => match Inbound::read(&text) {
                Ok(message) => self.obey(message),
                Err(reason) => Flow::Break(Some(Close::bad_message(reason))),
            },
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
            Inbound::Ping(payload) => or_break(self.writer.reply(protocol::pong(payload))),
            Inbound::Pong => Flow::Continue(()),
            Inbound::Subscribe { id, request } => or_break(self.start(id.into(), *request)),
            Inbound::Complete { id } => {
                self.end(&id);
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
        let id = self.id.0.clone();
        self.phase = Phase::Opening(Box::pin(async move {
            sessions.open(token.as_deref(), credentials.tenant.as_deref(), &id).await
        }));
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
                // A life longer than the clock can count does not end.
                let end = session.expires_in.and_then(|left| Instant::now().checked_add(left));
                self.timers.deadline = end.map(|end| (end, Close::expired()));
                self.phase = Phase::Open(session);
                or_break(self.writer.reply(protocol::ack()))
            }
            Err(refused) => {
                tracing::debug!(code = refused.code, %refused, "socket refused");
                Flow::Break(Some(Close::forbidden()))
            }
        }
    }

    fn start(&mut self, id: Arc<str>, request: Request) -> Result<(), Close> {
        let Phase::Open(session) = &self.phase else { return Err(Close::unauthorized()) };
        if self.operations.contains_key(&id) {
            return Err(Close::duplicate(&id));
        }
        if self.operations.len() >= self.sockets.settings.operations {
            let message = "too many subscriptions on this connection";
            let refusal = Payload::refusal("TOO_MANY_SUBSCRIPTIONS", message, &self.id);
            return self.writer.reply(refusal.splice(&json!(*id).to_string()));
        }
        let progress = Progress::default();
        let data = (self.id.clone(), progress.clone());
        let payloads = subscribe(&self.sockets, session, request, data);
        let (frames, handle) = stream::abortable(frames(payloads, Arc::clone(&id), &self.id));
        self.frames.push(frames.boxed());
        self.operations.insert(id, (handle, progress));
        self.sockets.metrics.subscriptions.inc();
        Ok(())
    }

    /// In line with the events, so that no cursor is ahead of what it stands for. One that does not fit is told next time.
    fn tell_progress(&mut self) {
        let Ok(room) = self.writer.events.try_reserve() else { return };
        let news = self
            .operations
            .iter()
            .filter_map(|(id, (_, progress))| Some((id.to_string(), progress.news()?.into())));
        let cursors: Map<String, Value> = news.collect();
        if !cursors.is_empty() {
            room.send(protocol::ping(cursors).into());
        }
    }

    fn end(&mut self, id: &str) {
        if let Some((handle, _)) = self.operations.remove(id) {
            handle.abort();
            self.sockets.metrics.subscriptions.dec();
        }
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

/// The messages of one operation. After an error the stream is not asked again, so that its
/// `complete` stays unsaid.
fn frames(
    payloads: BoxStream<'static, Payload>,
    id: Arc<str>,
    request_id: &RequestId,
) -> impl Stream<Item = Frame> + Send + 'static {
    let written_id = json!(*id).to_string();
    let request_id = request_id.clone();
    let complete = protocol::complete(&written_id).into();
    let last = Frame { id: Arc::clone(&id), text: complete, is_last: true };
    let frames = payloads.map(move |payload| {
        let mut is_last = matches!(payload, Payload::Error(_));
        let mut text = payload.splice(&written_id);
        if text.len() > MAX_FRAME {
            let message = "the answer is too large for this connection";
            text = Payload::refusal("ANSWER_TOO_LARGE", message, &request_id).splice(&written_id);
            is_last = true;
        }
        Frame { id: Arc::clone(&id), text: text.into(), is_last }
    });
    frames.chain(stream::once(ready(last)))
}

async fn passed(deadline: &Option<(Instant, Close)>) -> Close {
    match deadline {
        Some((end, close)) => {
            sleep_until(*end).await;
            close.clone()
        }
        None => pending().await,
    }
}

async fn opened(phase: &mut Phase) -> Result<Session, Refused> {
    match phase {
        Phase::Opening(opening) => opening.await,
        Phase::Silent | Phase::Open(_) => pending().await,
    }
}

/// Moves one frame into the writer's queue, and names the operation that it ends. No stream is
/// polled before there is room: a slow client slows its streams and nothing else.
async fn forward(
    frames: &mut SelectAll<BoxStream<'static, Frame>>,
    events: &mpsc::Sender<Utf8Bytes>,
) -> Option<Arc<str>> {
    if frames.is_empty() {
        return pending().await;
    }
    // A closed queue is the writer's end, which is awaited beside this.
    let Ok(room) = events.reserve().await else { return pending().await };
    let frame = frames.next().await?;
    room.send(frame.text);
    frame.is_last.then_some(frame.id)
}
