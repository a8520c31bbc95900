//! Subscriptions that share their execution: one event is executed and written once for all that are equal.

mod counts;
mod document;
mod group;
mod tally;

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Extensions, Request, Response, Variables};
use futures_util::stream::{self, BoxStream, StreamExt};
use service::config::QueryLimits;
use service::ctx::Ctx;
use service::event::Cursor;
use tokio::time::Instant;

use super::bell::Cord;
use super::protocol::Payload;
use super::session::Session;
use crate::graphql::cost::Paid;
use crate::graphql::guard;
use crate::graphql::operation::Registered;
use crate::graphql::progress::Progress;
use crate::graphql::request_id::RequestId;
use crate::schema::audience;
use crate::schema::live::Part;
pub use counts::Counts;
use document::Standing;
pub use group::{Frame, Groups};
use group::{Heard, Key, Seat};

/// A group that ends sooner than this after it was joined is not tried again.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One subscription that can be shared, and what is needed to execute it alone.
pub struct Member<E> {
    means: Means<E>,
    stage: Stage,
}

struct Means<E> {
    executor: E,
    groups: Groups,
    session: Arc<Session>,
    progress: Progress,
    cord: Cord,
    key: Arc<Key>,
    seat: Option<Seat>,
    query: String,
    /// Instead of a text.
    registered: Option<Arc<Registered>>,
    operation_name: Option<String>,
    variables: Variables,
    extensions: Extensions,
    is_first: bool,
}

/// First by its own execution, which decides whether the caller may, and catches up; then with the group.
enum Stage {
    CatchingUp { own: BoxStream<'static, Response>, reached: Reached },
    Seated { place: Cursor, since: Instant },
    Alone(BoxStream<'static, Response>),
    Over,
}

/// Up to where a replay has come. Not set where the execution was refused or failed, and has said so.
type Reached = Arc<OnceLock<Cursor>>;

/// What a subscription has for its client.
pub enum Answer {
    Own(Payload),
    Shared(Arc<Frame>),
}

/// Where a subscription is to be executed, and for whom.
pub struct Door<'a, E> {
    pub executor: &'a E,
    pub groups: &'a Groups,
    pub session: &'a Arc<Session>,
    pub limits: QueryLimits,
}

impl<E: Executor> Member<E> {
    /// None for what nobody else could share: other operations, documents that are refused, and what depends on who is
    /// calling.
    pub fn of(
        door: &Door<'_, E>,
        request: &mut Request,
        progress: &Progress,
        cord: &Cord,
    ) -> Option<Self> {
        let call = door.session.call.as_ref()?;
        let (name, variables) = (request.operation_name.clone(), request.variables.clone());
        let document = guard::admit_request(&door.limits, request).ok()?;
        let operation = guard::operation(document, name.as_deref())?;
        if operation.ty != OperationType::Subscription {
            return None;
        }
        let audience = audience::shared(audience::needs(document, operation), call.actor)?;
        let standing = Standing::of(document, name.as_deref(), &variables)?.text;
        let mut means = Means {
            executor: door.executor.clone(),
            groups: door.groups.clone(),
            session: Arc::clone(door.session),
            progress: progress.clone(),
            cord: cord.clone(),
            key: Arc::new(Key { tenant: call.tenant, audience, standing }),
            seat: None,
            query: request.query.clone(),
            registered: Registered::of(request).cloned(),
            operation_name: name,
            variables,
            extensions: request.extensions.clone(),
            is_first: true,
        };
        means.join();
        let stage = means.catch_up(std::mem::replace(request, Request::new("")), None);
        Some(Self { means, stage })
    }

    /// Pulls its cord when there is more.
    pub fn poll_next(&mut self) -> Poll<Option<Answer>> {
        let Self { means, stage } = self;
        loop {
            *stage = match stage {
                Stage::CatchingUp { own, reached } => match ready!(means.poll(own)) {
                    Some(answer) => return Poll::Ready(Some(means.own(&answer))),
                    None => reached.get().map_or(Stage::Over, |place| means.sit(*place)),
                },
                Stage::Seated { place, since } => match means.hear(*place) {
                    Heard::Frame(frame) => {
                        *place = frame.at;
                        return Poll::Ready(Some(Answer::Shared(frame)));
                    }
                    Heard::Nothing => return Poll::Pending,
                    Heard::Missed => means.catch_up(means.request(), Some(*place)),
                    Heard::Over => means.try_again(*place, since.elapsed()),
                },
                Stage::Alone(own) => match ready!(means.poll(own)) {
                    Some(answer) => return Poll::Ready(Some(means.own(&answer))),
                    None => Stage::Over,
                },
                Stage::Over => return Poll::Ready(None),
            }
        }
    }

    /// Everything that the group has told is told: how far that is, also past what it hid.
    pub fn settle(&self) {
        if let (Stage::Seated { place, .. }, Some(seat)) = (&self.stage, &self.means.seat) {
            self.means.progress.pass(seat.passed(*place));
        }
    }
}

impl<E: Executor> Means<E> {
    fn poll(&self, own: &mut BoxStream<'static, Response>) -> Poll<Option<Response>> {
        let waker = Waker::from(self.cord.clone());
        own.poll_next_unpin(&mut Context::from_waker(&waker))
    }

    fn own(&mut self, answer: &Response) -> Answer {
        let is_first = std::mem::replace(&mut self.is_first, false);
        Answer::Own(Payload::of(answer, is_first))
    }

    fn catch_up(&self, request: Request, after: Option<Cursor>) -> Stage {
        let reached = Reached::default();
        let part = Part::Replay { after, reached: Arc::clone(&reached) };
        Stage::CatchingUp { own: self.execute(request, part), reached }
    }

    fn sit(&mut self, place: Cursor) -> Stage {
        let begins_beyond = match &self.seat {
            Some(seat) => seat.begins_beyond(place),
            None => self.join_or_start(place),
        };
        if begins_beyond {
            return self.catch_up(self.request(), Some(place));
        }
        Stage::Seated { place, since: Instant::now() }
    }

    fn hear(&mut self, place: Cursor) -> Heard {
        let heard = self.seat.as_mut().map_or(Heard::Over, |seat| seat.hear(place));
        if matches!(heard, Heard::Frame(_)) {
            self.is_first = false;
        }
        heard
    }

    fn try_again(&mut self, place: Cursor, lasted: Duration) -> Stage {
        self.seat = None;
        if lasted < AT_ONCE {
            let part = Part::All { after: Some(place) };
            return Stage::Alone(self.execute(self.request(), part));
        }
        self.join();
        self.catch_up(self.request(), Some(place))
    }

    fn request(&self) -> Request {
        let mut request = self.document().variables(self.variables.clone());
        request.operation_name.clone_from(&self.operation_name);
        request.extensions = self.extensions.clone();
        request
    }

    fn document(&self) -> Request {
        self.registered.as_ref().map_or_else(|| Request::new(&self.query), Registered::request)
    }

    fn execute(&self, request: Request, part: Part) -> BoxStream<'static, Response> {
        let mut request = (self.session.attach)(request).data(self.progress.clone());
        if part.goes_on() {
            request = request.data(Paid);
        }
        self.executor.execute_stream(request.data(part), None)
    }

    fn join(&mut self) {
        self.seat = self.groups.join(&self.key, &self.cord);
        self.share_key();
    }

    /// Whether the group begins after the place.
    fn join_or_start(&mut self, place: Cursor) -> bool {
        let seat = self.groups.join_or_start(&self.key, &self.cord, place, |progress| {
            let request = self.for_group(Part::Group { after: place }, progress);
            request.map_or_else(
                || stream::empty().boxed(),
                |request| self.executor.execute_stream(request, None),
            )
        });
        let begins_beyond = seat.begins_beyond(place);
        self.seat = Some(seat);
        self.share_key();
        begins_beyond
    }

    /// One copy of a long key is enough for all.
    fn share_key(&mut self) {
        if let Some(seat) = &self.seat {
            self.key = Arc::clone(&seat.key);
        }
    }

    /// The same without a viewer, and without a start of its own.
    fn for_group(&self, part: Part, progress: Progress) -> Option<Request> {
        let mut request = self.document();
        let document = request.parsed_query().ok()?;
        let standing = Standing::of(document, self.operation_name.as_deref(), &self.variables)?;
        request.set_parsed_query(standing.document);
        request.variables = standing.variables;
        request.operation_name.clone_from(&self.operation_name);
        let mut call = Ctx::clone(self.session.call.as_deref()?);
        call.actor = self.key.audience;
        Some(request.data(call).data(RequestId::made()).data(progress).data(part))
    }
}
