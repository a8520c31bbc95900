//! The only place that writes to a socket, so that reading never waits for a slow client.

use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::realtime::protocol::Close;

/// Frames of operations that wait for the network; when they are this many, no stream is asked
/// for more.
const EVENTS: usize = 256;
/// Answers to the client's own messages, and pings. More means that it talks without reading.
const REPLIES: usize = 64;
/// How long the close frame may take.
const LAST_WORDS: Duration = Duration::from_secs(5);

type Sink = SplitSink<WebSocket, Message>;

/// The loop's end of a socket's outbound side.
pub struct Writer {
    pub events: mpsc::Sender<Utf8Bytes>,
    replies: mpsc::Sender<Message>,
    closing: oneshot::Sender<Option<Close>>,
    task: JoinHandle<()>,
}

impl Writer {
    /// `stall` is how long one write may make no progress.
    pub fn start(sink: Sink, stall: Duration, frames: Counter) -> Self {
        let (events, queued_events) = mpsc::channel(EVENTS);
        let (replies, queued_replies) = mpsc::channel(REPLIES);
        let (closing, closed) = oneshot::channel();
        let queues = Queues { events: queued_events, replies: queued_replies, frames };
        let task = tokio::spawn(write(sink, queues, closed, stall));
        Self { events, replies, closing, task }
    }

    pub fn reply(&self, text: String) -> Result<(), Close> {
        self.replies.try_send(Message::Text(text.into())).map_err(|_| Close::slow())
    }

    /// A full queue is a sign of its own; the ping that does not fit is left out.
    pub fn ping(&self) {
        let _ = self.replies.try_send(Message::Ping(Default::default()));
    }

    /// Waits until nothing can be written any more: the peer is gone, or was too slow.
    pub async fn ended(&mut self) {
        let _ = (&mut self.task).await;
    }

    /// Drops what is queued and says why the connection ends; `None` answers the client's
    /// own close.
    pub async fn close(self, close: Option<Close>) {
        if self.closing.send(close).is_ok() {
            let _ = self.task.await;
        }
    }
}

struct Queues {
    events: mpsc::Receiver<Utf8Bytes>,
    replies: mpsc::Receiver<Message>,
    /// Counts what was written.
    frames: Counter,
}

impl Queues {
    async fn next(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            Some(reply) = self.replies.recv() => Some(reply),
            Some(event) = self.events.recv() => Some(Message::Text(event)),
            else => None,
        }
    }

    fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.events.is_empty()
    }
}

async fn write(
    mut sink: Sink,
    mut queues: Queues,
    mut closed: oneshot::Receiver<Option<Close>>,
    stall: Duration,
) {
    let close = tokio::select! {
        biased;
        close = &mut closed => close.ok().flatten(),
        slow = pump(&mut sink, &mut queues, stall) => slow,
    };
    drop(queues);
    let _ = timeout(LAST_WORDS, async {
        if let Some(close) = close {
            sink.send(Message::Close(Some(close.into()))).await?;
        }
        sink.close().await
    })
    .await;
}

/// Ends with a reason to close, or without one when the connection broke.
async fn pump(sink: &mut Sink, queues: &mut Queues, stall: Duration) -> Option<Close> {
    while let Some(message) = queues.next().await {
        let flush = queues.is_empty();
        let written = timeout(stall, async {
            sink.feed(message).await?;
            if flush { sink.flush().await } else { Ok(()) }
        });
        match written.await {
            Ok(Ok(())) => {
                queues.frames.inc();
            }
            Ok(Err(_)) => return None,
            Err(_) => return Some(Close::slow()),
        }
    }
    None
}
