//! One operation on a socket, as the messages that its client gets.

use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use async_graphql::{Executor, Request};
use axum::extract::ws::Utf8Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use prometheus_client::metrics::gauge::Gauge;
use serde_json::json;

use super::Sockets;
use crate::graphql::progress::Progress;
use crate::graphql::request_id::RequestId;
use crate::realtime::bell::Cord;
use crate::realtime::protocol::{self, Payload};
use crate::realtime::session::Session;
use crate::realtime::share::{Answer, Door, Member};

/// Half of the write buffer: the rest is for what waits there already.
const MAX_FRAME: usize = super::MAX_WRITE_BUFFER / 2;

pub struct Operation<E> {
    pub id: String,
    /// The id as JSON.
    written_id: String,
    source: Source<E>,
    progress: Progress,
    cord: Arc<Cord>,
    is_over: bool,
    _running: Running,
}

enum Source<E> {
    Alone(BoxStream<'static, Payload>),
    /// With others, as it is one that they have too.
    Shared(Member<E>),
}

impl<E: Executor> Operation<E> {
    /// Of whatever kind.
    pub fn start(
        sockets: &Sockets<E>,
        session: &Arc<Session>,
        (id, mut request): (String, Request),
        cord: Arc<Cord>,
    ) -> Self {
        let progress = Progress::default();
        let door = Door { executor: &sockets.executor, groups: &sockets.groups, session };
        let source = match Member::of(&door, &mut request, &progress, &cord) {
            Some(member) => Source::Shared(member),
            None => {
                let request = (session.attach)(request).data(progress.clone());
                let answers = sockets.executor.execute_stream(request, None).enumerate();
                let payloads = answers.map(|(index, answer)| Payload::of(&answer, index == 0));
                Source::Alone(payloads.boxed())
            }
        };
        // What runs has something to say, or says when it has.
        cord.pull();
        let running = Running::among(&sockets.metrics.subscriptions);
        let written_id = json!(id).to_string();
        Self { id, written_id, source, progress, cord, is_over: false, _running: running }
    }

    /// Its next message. After an error the source is not asked again, so that its `complete` stays unsaid.
    pub fn poll_next(&mut self, id: &RequestId) -> Poll<Option<Utf8Bytes>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let waker = Waker::from(Arc::clone(&self.cord));
        let mut cx = Context::from_waker(&waker);
        let answer = match &mut self.source {
            Source::Alone(payloads) => ready!(payloads.poll_next_unpin(&mut cx)).map(Answer::Own),
            Source::Shared(member) => ready!(member.poll_next(&mut cx)),
        };
        let text = match answer {
            Some(answer) => self.written(answer.payload(), id),
            None => {
                self.is_over = true;
                protocol::complete(&self.written_id)
            }
        };
        Poll::Ready(Some(text.into()))
    }

    fn written(&mut self, payload: &Payload, id: &RequestId) -> String {
        let text = payload.splice(&self.written_id);
        if text.len() > MAX_FRAME {
            self.is_over = true;
            let message = "the answer is too large for this connection";
            return Payload::refusal("ANSWER_TOO_LARGE", message, id).splice(&self.written_id);
        }
        self.is_over = matches!(payload, Payload::Error(_));
        text
    }

    /// How far it has come, if that is further than the client has heard.
    pub fn news(&self) -> Option<String> {
        if let Source::Shared(member) = &self.source {
            member.settle();
        }
        self.progress.news()
    }
}

/// Counts as long as it exists.
struct Running(Gauge);

impl Running {
    fn among(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}
