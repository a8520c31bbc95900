//! One operation on a socket, as the messages that its client gets.

use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use async_graphql::{Executor, Request, Response, ServerError};
use axum::extract::ws::Utf8Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, StreamExt};
use serde_json::json;

use super::Sockets;
use crate::graphql::operation::store::Operations;
use crate::graphql::progress::Progress;
use crate::graphql::request_id::RequestId;
use crate::http::graphql::named_for;
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
    /// It is not known yet what its id stands for.
    Unnamed(Box<Unnamed<E>>),
    Alone(BoxStream<'static, Payload>, Waker),
    /// With others, as it is one that they have too.
    Shared(Member<E>),
}

struct Unnamed<E> {
    sockets: Arc<Sockets<E>>,
    session: Arc<Session>,
    cord: Cord,
    named: BoxFuture<'static, Result<Request, ServerError>>,
}

impl<E: Executor> Source<E> {
    fn of(
        sockets: &Sockets<E>,
        session: &Arc<Session>,
        mut request: Request,
        progress: &Progress,
        cord: &Cord,
    ) -> Self {
        let (executor, groups, limits) =
            (&sockets.executor, &sockets.groups, sockets.settings.query);
        let door = Door { executor, groups, session, limits };
        if let Some(member) = Member::of(&door, &mut request, progress, cord) {
            return Self::Shared(member);
        }
        let request = (session.attach)(request).data(progress.clone());
        let answers = sockets.executor.execute_stream(request, None).enumerate();
        let payloads = answers.map(|(index, answer)| Payload::of(&answer, index == 0));
        Self::Alone(payloads.boxed(), cord.clone().into())
    }

    fn unnamed(
        sockets: &Arc<Sockets<E>>,
        session: &Arc<Session>,
        request: Request,
        cord: &Cord,
    ) -> Self {
        let (operations, asking) = (sockets.operations.clone(), Arc::clone(session));
        Self::Unnamed(Box::new(Unnamed {
            sockets: Arc::clone(sockets),
            session: Arc::clone(session),
            cord: cord.clone(),
            named: async move { operations.resolve(&asking, request).await }.boxed(),
        }))
    }
}

impl<E: Executor> Unnamed<E> {
    /// What it is, once that is known.
    fn poll(&mut self, progress: &Progress, id: &RequestId) -> Poll<Result<Source<E>, Payload>> {
        let waker = Waker::from(self.cord.clone());
        let named = ready!(self.named.poll_unpin(&mut Context::from_waker(&waker)));
        let Self { sockets, session, cord, .. } = self;
        Poll::Ready(match named {
            Ok(request) => Ok(Source::of(sockets, session, request, progress, cord)),
            Err(error) => {
                Err(Payload::of(&Response::from_errors(vec![named_for(error, id)]), true))
            }
        })
    }
}

impl<E: Executor> Operation<E> {
    /// Of whatever kind.
    pub fn start(
        sockets: &Arc<Sockets<E>>,
        session: &Arc<Session>,
        (id, request): (String, Request),
        cord: Cord,
    ) -> Self {
        let progress = Progress::default();
        let source = match Operations::is_free(session, &request) {
            true => Source::of(sockets, session, request, &progress, &cord),
            false => Source::unnamed(sockets, session, request, &cord),
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
        if let Source::Unnamed(unnamed) = &mut self.source {
            match ready!(unnamed.poll(&self.progress, id)) {
                Ok(source) => self.source = source,
                Err(refusal) => return Poll::Ready(self.written(&refusal, id).into()),
            }
        }
        let answer = match &mut self.source {
            Source::Unnamed(_) => return Poll::Pending,
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
