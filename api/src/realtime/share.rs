//! Subscriptions that share their execution: one event is executed and written once for all that are equal.

mod document;
mod group;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Extensions, Request, Response, Variables};
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use service::ctx::Ctx;
use service::event::Cursor;
use tokio::time::Instant;

use super::protocol::Payload;
use super::session::Session;
use crate::graphql::guard;
use crate::graphql::progress::Progress;
use crate::graphql::request_id::RequestId;
use crate::schema::audience;
use crate::schema::live::Part;
use document::Standing;
pub use group::Groups;
use group::{Heard, Key, Seat};

/// A group that ends sooner than this after it was joined is not tried again.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One subscription that can be shared, and what is needed to execute it alone.
pub struct Member<E> {
    executor: E,
    groups: Groups,
    session: Session,
    id: RequestId,
    progress: Progress,
    key: Arc<Key>,
    query: String,
    operation_name: Option<String>,
    variables: Variables,
    extensions: Extensions,
}

impl<E: Executor> Member<E> {
    /// None for what nobody else could share: other operations, documents that are refused, and what depends on who is
    /// calling.
    pub fn of(
        executor: &E,
        groups: &Groups,
        session: &Session,
        request: &mut Request,
        (id, progress): (&RequestId, &Progress),
    ) -> Option<Self> {
        let call = session.call.as_ref()?;
        guard::check(&request.query).ok()?;
        let (name, variables) = (request.operation_name.clone(), request.variables.clone());
        let document = request.parsed_query().ok()?;
        guard::count(document).ok()?;
        let operation = guard::operation(document, name.as_deref())?;
        if operation.ty != OperationType::Subscription {
            return None;
        }
        let audience = audience::shared(audience::needs(document, operation), call.actor)?;
        let standing = Standing::of(document, name.as_deref(), &variables)?.text;
        Some(Self {
            executor: executor.clone(),
            groups: groups.clone(),
            session: session.clone(),
            id: id.clone(),
            progress: progress.clone(),
            key: Arc::new(Key { tenant: call.tenant, audience, standing }),
            query: request.query.clone(),
            operation_name: name,
            variables,
            extensions: request.extensions.clone(),
        })
    }

    /// First by its own execution, which decides whether the caller may, and catches up; then with the group.
    pub fn payloads(mut self, first: Request) -> impl Stream<Item = Payload> + Send {
        // Out of what stays for as long as the subscription does.
        let first = Box::new(first);
        async_stream::stream! {
            let (mut first, mut is_first) = (Some(first), true);
            let mut seat = self.join();
            let mut last: Option<Cursor> = None;
            'shared: loop {
                let reached = Arc::default();
                let part = Part::Replay { after: last, reached: Arc::clone(&reached) };
                let mut own = self.own(first.take(), part);
                while let Some(answer) = own.next().await {
                    yield Payload::of(&answer, is_first);
                    is_first = false;
                }
                drop(own);
                // Not set where the execution was refused or failed, and has said so.
                let Some(mut place) = reached.get().copied() else { return };
                last = Some(place);
                let mut taken = match seat.take() {
                    Some(seat) => seat,
                    None => self.join_or_start(place),
                };
                if taken.begins_beyond(place) {
                    seat = Some(taken);
                    continue;
                }
                let joined = Instant::now();
                self.progress.pass(place);
                self.progress.share(taken.passed());
                loop {
                    match taken.next(place).await {
                        Heard::Frame(frame) => {
                            place = frame.at;
                            yield frame.payload.clone();
                            // Whoever asks for the next one has sent the one before.
                            self.progress.pass(place);
                            is_first = false;
                        }
                        Heard::Missed => {
                            self.progress.part();
                            (last, seat) = (Some(place), Some(taken));
                            continue 'shared;
                        }
                        Heard::Ended => break,
                    }
                }
                self.progress.part();
                last = Some(place);
                if joined.elapsed() < AT_ONCE {
                    break;
                }
            }
            let mut own = self.own(None, Part::All { after: last });
            while let Some(answer) = own.next().await {
                yield Payload::of(&answer, is_first);
                is_first = false;
            }
        }
    }

    fn own(&self, first: Option<Box<Request>>, part: Part) -> BoxStream<'static, Response> {
        let request = first.unwrap_or_else(|| {
            let mut request = Request::new(&self.query).variables(self.variables.clone());
            request.operation_name.clone_from(&self.operation_name);
            request.extensions = self.extensions.clone();
            Box::new(request)
        });
        let request = (self.session.attach)(*request)
            .data(self.id.clone())
            .data(self.progress.clone())
            .data(part);
        self.executor.execute_stream(request, None)
    }

    /// One copy of a long key is enough for all.
    fn join(&mut self) -> Option<Seat> {
        let seat = self.groups.join(&self.key)?;
        self.key = Arc::clone(&seat.key);
        Some(seat)
    }

    fn join_or_start(&mut self, since: Cursor) -> Seat {
        let seat = self.groups.join_or_start(&self.key, since, |progress| {
            let request = self.for_group(Part::Group { after: since }, progress);
            request.map_or_else(
                || stream::empty().boxed(),
                |request| self.executor.execute_stream(request, None),
            )
        });
        self.key = Arc::clone(&seat.key);
        seat
    }

    /// The same without a viewer, and without a start of its own.
    fn for_group(&self, part: Part, progress: Progress) -> Option<Request> {
        let mut request = Request::new(&self.query);
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
