//! One rental, followed to its end.

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use entity::rental::RentalId;
use futures_util::{StreamExt, stream};
use service::event::{Event, Recorded};

use super::Rental;
use crate::{
    context::Call,
    error::Result,
    schema::{
        live::{self, Live, follow},
        scalar::{Cursor, DateTime, Gid},
    },
};

/// What happened to a rental.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RentalChange {
    /// The vehicle was handed out.
    Started,
    /// It was found overdue.
    Overdue,
    /// The vehicle came back, or is lost.
    Ended,
    /// It was undone.
    Cancelled,
}

/// A change of a rental.
#[derive(SimpleObject)]
pub struct RentalChanged {
    /// Subscribe with it as `after` to go on from here.
    cursor: Cursor,
    /// What happened.
    change: RentalChange,
    /// When.
    occurred_at: DateTime,
    /// The rental as this change left it.
    rental: Rental,
}

const SNAPSHOT: &str = "query ($rentalId: ID!) { node(id: $rentalId) { ... on Rental { id state \
    startedAt endedAt price { amount currency } } } }";

#[derive(Default)]
pub struct RentalSubscription;

#[Subscription]
impl RentalSubscription {
    /// Every change of one rental; completes when it has ended. Customers watch their own, staff any.
    ///
    /// With `after`, first what happened since that cursor. One that cannot be served ends it with `RESYNC_REQUIRED`:
    /// subscribe again without `after`, then query the rental.
    async fn rental_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rental.")] rental_id: Gid<RentalId>,
        #[graphql(desc = "The newest cursor that you have; null starts now.")] after: Option<
            Cursor,
        >,
    ) -> Result<Live<RentalChanged>> {
        let call = ctx.call()?;
        let replays = after.is_some();
        let changes =
            follow(ctx, SNAPSHOT, after, move |call, event| changed(call, event, rental_id.0))
                .await?;
        // Read after the stream is attached: what ends from here on is in it.
        let rental = service::rental::get(call, rental_id.0).await?;
        if rental.ended_at.is_some() && !replays {
            return Ok(stream::empty().boxed());
        }
        let until_ended = stream::unfold((changes, true), |(mut changes, open)| async move {
            let change = if open { changes.next().await? } else { return None };
            let open = change
                .as_ref()
                .is_ok_and(|c| matches!(c.change, RentalChange::Started | RentalChange::Overdue));
            Some((change, (changes, open)))
        });
        Ok(until_ended.boxed())
    }
}

fn changed(
    call: &service::ctx::Ctx,
    recorded: &Recorded,
    wanted: RentalId,
) -> Option<RentalChanged> {
    let rental = recorded.event.rental().filter(|rental| rental.id == wanted)?;
    let change = match &recorded.event {
        Event::RentalStarted { .. } => RentalChange::Started,
        Event::RentalOverdue { .. } => RentalChange::Overdue,
        Event::RentalEnded { .. } => RentalChange::Ended,
        Event::RentalCancelled { .. } => RentalChange::Cancelled,
        _ => return None,
    };
    Some(RentalChanged {
        cursor: live::cursor(call, recorded),
        change,
        occurred_at: DateTime(recorded.occurred_at),
        rental: Rental(rental.clone()),
    })
}
