//! One operation on a socket, as the messages that its client gets.

use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use async_graphql::{Executor, Request};
use axum::extract::ws::Utf8Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use serde_json::json;

use super::Sockets;
use crate::graphql::progress::Progress;
use crate::graphql::request_id::RequestId;
use crate::metrics::{Counted, Metrics};
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
    /// It has said its last.
    pub is_over: bool,
    metrics: Arc<Metrics>,
    _running: Counted,
}

#[expect(clippy::large_enum_variant, reason = "live boards are what there is most of")]
enum Source<E> {
    Alone(BoxStream<'static, Payload>, Waker),
    /// With others, as it is one that they have too.
    Shared(Member<E>),
}

impl<E: Executor> Operation<E> {
    /// Of whatever kind.
    pub fn start(
        sockets: &Sockets<E>,
        session: &Arc<Session>,
        (id, mut request): (String, Request),
        cord: Cord,
    ) -> Self {
        let progress = Progress::default();
        let door = Door { executor: &sockets.executor, groups: &sockets.groups, session };
        let source = match Member::of(&door, &mut request, &progress, &cord) {
            Some(member) => Source::Shared(member),
            None => {
                let request = (session.attach)(request).data(progress.clone());
                let answers = sockets.executor.execute_stream(request, None).enumerate();
                let payloads = answers.map(|(index, answer)| Payload::of(&answer, index == 0));
                Source::Alone(payloads.boxed(), cord.clone().into())
            }
        };
        // What runs has something to say, or says when it has.
        cord.pull();
        let metrics = Arc::clone(&sockets.metrics);
        let running = Counted::among(&metrics.subscriptions);
        let written_id = json!(id).to_string();
        Self { id, written_id, source, progress, is_over: false, metrics, _running: running }
    }

    /// Its next message, until it is over: with an error, or with `complete`.
    pub fn poll_next(&mut self, id: &RequestId) -> Poll<Utf8Bytes> {
        let answer = match &mut self.source {
            Source::Shared(member) => ready!(member.poll_next()),
            Source::Alone(payloads, waker) => {
                let mut cx = Context::from_waker(waker);
                ready!(payloads.poll_next_unpin(&mut cx)).map(Answer::Own)
            }
        };
        let text = match answer {
            Some(Answer::Shared(frame)) => {
                if let Some(age) = frame.age() {
                    self.metrics.event_to_frame.observe(age.as_secs_f64());
                }
                self.written(&frame.payload, id)
            }
            Some(Answer::Own(payload)) => {
                self.metrics.frames.inc();
                self.written(&payload, id)
            }
            None => {
                self.is_over = true;
                protocol::complete(&self.written_id)
            }
        };
        Poll::Ready(text.into())
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
