//! Live availability of stations.

use async_graphql::{Context, SimpleObject, Subscription};
use entity::station::{self, StationId};
use service::event::{Event, Recorded};

use super::Station;
use crate::{
    context::Call,
    error::Result,
    schema::{
        live::{self, Change, Live, change, follow},
        place::{AreaInput, optional_area},
        scalar::{Cursor, DateTime, Gid, ids},
    },
};

/// A station whose availability changed, or that came into or left what you watch.
#[derive(SimpleObject)]
pub struct StationAvailability {
    /// Subscribe with it as `after` to go on from here.
    cursor: Cursor,
    /// Whether the station came into what you watch, changed within it, or left it.
    change: Change,
    /// When it happened.
    occurred_at: DateTime,
    /// The station as this change left it.
    station: Station,
}

const SNAPSHOT: &str = "{ stations(first: 100) { fleetCursor pageInfo { hasNextPage endCursor } \
    nodes { id name vehiclesAvailable docksAvailable } } }";

#[derive(Default)]
pub struct StationSubscription;

#[Subscription]
impl StationSubscription {
    /// Every change of stations and their counters. Public where the tenant publishes its board.
    ///
    /// With `after`, first what happened since that cursor: nothing is missed, nothing comes twice. A cursor that cannot be served
    /// ends it with `RESYNC_REQUIRED`: query `stations` again and go on from its `fleetCursor`.
    async fn station_availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these; all when not given.")] station_ids: Option<
            Vec<Gid<StationId>>,
        >,
        #[graphql(desc = "Only within this box.")] within: Option<AreaInput>,
        #[graphql(desc = "The newest cursor that you have; null starts now.")] after: Option<
            Cursor,
        >,
    ) -> Result<Live<StationAvailability>> {
        let call = ctx.call()?;
        call.require(service::permission::Permission::ViewBoard)?;
        let within = optional_area(within.as_ref())?;
        let all = station_ids.is_none();
        let wanted = ids(station_ids);
        let watched = move |station: &station::Model| {
            station.archived_at.is_none()
                && (all || wanted.contains(&station.id))
                && within.is_none_or(|area| {
                    station.position().is_some_and(|position| area.contains(position))
                })
        };
        follow(ctx, SNAPSHOT, after, move |call, event| availability(call, event, &watched)).await
    }
}

fn availability(
    call: &service::ctx::Ctx,
    recorded: &Recorded,
    watched: &impl Fn(&station::Model) -> bool,
) -> Option<StationAvailability> {
    let Event::StationChanged { before, after } = &recorded.event else { return None };
    Some(StationAvailability {
        change: change(before.as_deref().is_some_and(watched), watched(after))?,
        cursor: live::cursor(call, recorded),
        occurred_at: DateTime(recorded.occurred_at),
        station: Station((**after).clone()),
    })
}
