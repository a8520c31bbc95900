//! The wire: what is heard on it and what is written to it, many frames in one write.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::extract::ws::{Message, WebSocket};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::time::timeout;

use crate::realtime::protocol::Close;

/// Answers to the client's own messages, and pings. More means that it talks without reading.
const REPLIES: usize = 64;
/// How long the close frame may take.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a closed connection is read, so that the close frame is not lost with it.
const FAREWELL: Duration = Duration::from_secs(2);

pub struct Line {
    socket: WebSocket,
    replies: VecDeque<Message>,
    is_flushed: bool,
}

/// The peer has gone.
pub struct Gone;

impl Line {
    pub fn new(socket: WebSocket) -> Self {
        Self { socket, replies: VecDeque::new(), is_flushed: true }
    }

    pub fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        Pin::new(&mut self.socket).poll_next(cx)
    }

    pub fn reply(&mut self, text: String) -> Result<(), Close> {
        if self.replies.len() >= REPLIES {
            return Err(Close::slow());
        }
        self.replies.push_back(Message::Text(text.into()));
        Ok(())
    }

    /// The ping that does not fit is left out: that nothing is read is a sign of its own.
    pub fn ping(&mut self) {
        if self.replies.len() < REPLIES {
            self.replies.push_back(Message::Ping(Default::default()));
        }
    }

    /// What goes before all else.
    pub fn next_reply(&mut self) -> Option<Message> {
        self.replies.pop_front()
    }

    /// Whether one more frame may be written. Pending is a network that takes nothing.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Pin::new(&mut self.socket).poll_ready(cx).map_err(|_| Gone)
    }

    pub fn write(&mut self, message: Message) -> Result<(), Gone> {
        self.is_flushed = false;
        Pin::new(&mut self.socket).start_send(message).map_err(|_| Gone)
    }

    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        if self.is_flushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.socket).poll_flush(cx).map_err(|_| Gone);
        self.is_flushed = flushed.is_ready();
        flushed
    }

    /// Says why the connection ends; `None` answers the client's own close.
    pub async fn close(mut self, close: Option<Close>) {
        let _ = timeout(LAST_WORDS, async {
            if let Some(close) = close {
                self.socket.send(Message::Close(Some(close.into()))).await?;
            }
            self.socket.close().await
        })
        .await;
        let _ =
            timeout(FAREWELL, async { while let Some(Ok(_)) = self.socket.next().await {} }).await;
    }
}
