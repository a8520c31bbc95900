//! A subscription is a filter over the one stream of events.

use std::sync::{Arc, OnceLock};

use async_graphql::{Context, Enum};
use futures_util::{StreamExt, future::ready, stream::BoxStream};
use service::{
    ctx::Ctx,
    event::{self, Recorded},
};
use tokio::time::Instant;

use super::scalar::Cursor;
use crate::{
    context::Call,
    error::{Error, Result},
    graphql::progress::Progress,
};

/// What a subscription yields.
pub type Live<T> = BoxStream<'static, Result<T>>;

/// How something moved against what you watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Change {
    /// It matches now and did not before, or is new.
    Entered,
    /// It matched before and still does.
    Updated,
    /// It matched before and does not any more: take it off the board.
    Left,
}

/// None when it concerns nobody who watches.
pub fn change(before: bool, after: bool) -> Option<Change> {
    match (before, after) {
        (false, true) => Some(Change::Entered),
        (true, true) => Some(Change::Updated),
        (true, false) => Some(Change::Left),
        (false, false) => None,
    }
}

/// Which part of a subscription one execution is; in the data of its request.
#[derive(Clone)]
pub enum Part {
    /// All of it. From this place, if there is one; else from the client's cursor.
    All { after: Option<event::Cursor> },
    /// What happened until now. It ends when all of that has come, and says up to where.
    Replay { after: Option<event::Cursor>, reached: Arc<OnceLock<event::Cursor>> },
    /// What happens after this place, for a group.
    Group { after: event::Cursor },
}

impl Part {
    /// Whether the server goes on where it has been before.
    pub fn goes_on(&self) -> bool {
        matches!(self, Self::All { after: Some(_) } | Self::Replay { after: Some(_), .. })
    }
}

/// The stream after the cursor, as far as `pick` finds something in it. An error ends it; where the cursor cannot be
/// served, it names the query of a new start.
pub async fn follow<T: Send + 'static>(
    ctx: &Context<'_>,
    snapshot: &'static str,
    after: Option<Cursor>,
    pick: impl Fn(&Ctx, &Recorded) -> Option<T> + Send + 'static,
) -> Result<Live<T>> {
    let call = ctx.call()?.clone();
    let again = move |error: service::Error| Error::from(error).or_query(snapshot);
    let asked = after
        .map(|Cursor(text)| event::Cursor::open(&text, &call.app.keys, call.tenant))
        .transpose()
        .map_err(again)?;
    let part = ctx.data_opt::<Part>().cloned().unwrap_or(Part::All { after: None });
    let progress = ctx.data_opt::<Progress>().cloned().unwrap_or_default();
    let (keys, tenant) = (Arc::clone(&call.app.keys), call.tenant);
    progress.begin(move |cursor| cursor.seal(&keys, tenant));
    let events = events(&call, part, asked).await.map_err(again)?;
    let found = events.filter_map(move |event| {
        // Whoever asks for the next one has sent the one before.
        progress.pass_shown();
        ready(match event {
            Ok(event) => {
                let picked = pick(&call, &event);
                match picked {
                    Some(_) => progress.show(event.cursor(), happened(&call, &event)),
                    None => progress.pass(event.cursor()),
                }
                picked.map(Ok)
            }
            Err(error) => Some(Err(again(error))),
        })
    });
    Ok(found.boxed())
}

/// By the clock that measures. What is said to happen later happens now: the clocks of two nodes differ.
fn happened(call: &Ctx, event: &Recorded) -> Instant {
    let age = (call.app.now() - event.occurred_at).to_std().unwrap_or_default();
    let now = Instant::now();
    now.checked_sub(age).unwrap_or(now)
}

async fn events(
    call: &Ctx,
    part: Part,
    asked: Option<event::Cursor>,
) -> service::Result<BoxStream<'static, service::Result<Arc<Recorded>>>> {
    let after = match &part {
        Part::Group { after } => return Ok(call.events(Some(*after)).await?.boxed()),
        Part::All { after } | Part::Replay { after, .. } => after.or(asked),
    };
    if after.is_some() {
        call.app.feed.resumed();
    }
    Ok(match part {
        Part::Replay { reached, .. } => call.replay(after, reached).await?.boxed(),
        Part::All { .. } | Part::Group { .. } => call.events(after).await?.boxed(),
    })
}

/// The event's place in the stream, as clients hold it.
pub fn cursor(call: &Ctx, event: &Recorded) -> Cursor {
    Cursor(event.cursor().seal(&call.app.keys, call.tenant))
}

/// Where the stream is now, if the selection asks for `fleetCursor`.
pub async fn snapshot(ctx: &Context<'_>, call: &Ctx) -> Result<Option<Cursor>> {
    if !ctx.look_ahead().field("fleetCursor").exists() {
        return Ok(None);
    }
    Ok(Some(Cursor(call.stream_cursor().await?.seal(&call.app.keys, call.tenant))))
}
