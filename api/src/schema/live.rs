//! A subscription is a filter over the one stream of events.

use std::sync::Arc;

use async_graphql::{Context, Enum};
use futures_util::{StreamExt, future::ready, stream::BoxStream};
use service::{
    ctx::Ctx,
    event::{self, Recorded},
};

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

/// The stream after the cursor, as far as `pick` finds something in it. An error ends it.
pub async fn follow<T: Send + 'static>(
    ctx: &Context<'_>,
    after: Option<Cursor>,
    pick: impl Fn(&Ctx, &Recorded) -> Option<T> + Send + 'static,
) -> Result<Live<T>> {
    let call = ctx.call()?;
    let progress = ctx.data_opt::<Progress>().cloned().unwrap_or_default();
    let (keys, tenant) = (Arc::clone(&call.app.keys), call.tenant);
    progress.begin(move |cursor| cursor.seal(&keys, tenant));
    let after = after
        .map(|Cursor(text)| event::Cursor::open(&text, &call.app.keys, call.tenant))
        .transpose()?;
    let events = call.events(after).await?;
    let call = call.clone();
    let mut shown = None;
    let found = events.filter_map(move |event: service::Result<Arc<Recorded>>| {
        // Whoever asks for the next one has sent the one before.
        if let Some(cursor) = shown.take() {
            progress.pass(cursor);
        }
        ready(match event {
            Ok(event) => {
                let picked = pick(&call, &event);
                match picked {
                    Some(_) => shown = Some(event.cursor()),
                    None => progress.pass(event.cursor()),
                }
                picked.map(Ok)
            }
            Err(error) => Some(Err(Error::from(error))),
        })
    });
    Ok(found.boxed())
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
