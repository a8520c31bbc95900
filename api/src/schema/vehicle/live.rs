//! Live changes of vehicles.

use async_graphql::{Context, SimpleObject, Subscription};
use entity::vehicle;
use service::{
    event::{Event, Recorded},
    permission::Permission,
    vehicle::{Filter, visible_to},
};

use super::{Vehicle, VehicleEventType, VehicleFilter};
use crate::{
    context::Call,
    error::Result,
    schema::{
        live::{self, Change, Live, change, follow},
        scalar::{Cursor, DateTime},
    },
};

/// A vehicle that changed, or that came into or left what you watch.
#[derive(SimpleObject)]
pub struct VehicleChanged {
    /// Subscribe with it as `after` to go on from here.
    cursor: Cursor,
    /// Whether the vehicle came into what you watch, changed within it, or left it.
    change: Change,
    /// Why, in MDS's words and in order; empty when its state stayed as it was.
    event_types: Vec<VehicleEventType>,
    /// When it happened.
    occurred_at: DateTime,
    /// The vehicle as this change left it.
    vehicle: Vehicle,
}

const SNAPSHOT: &str = "{ vehicles(first: 100) { fleetCursor pageInfo { hasNextPage endCursor } \
    nodes { id number state station { id } position { latitude longitude } } } }";

#[derive(Default)]
pub struct VehicleSubscription;

#[Subscription]
impl VehicleSubscription {
    /// Every change of the vehicles that match. Customers watch those that they could rent, and what they hold.
    ///
    /// With `after`, first what happened since that cursor: nothing is missed, nothing comes twice. A cursor that cannot be served
    /// ends it with `RESYNC_REQUIRED`: query `vehicles` again and go on from its `fleetCursor`.
    async fn vehicle_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only vehicles that match; all that you may see when not given.")] filter: Option<VehicleFilter>,
        #[graphql(desc = "The newest cursor that you have; null starts now.")] after: Option<
            Cursor,
        >,
    ) -> Result<Live<VehicleChanged>> {
        let call = ctx.call()?;
        call.require(Permission::ViewVehicles)?;
        let filter = filter.unwrap_or_default().filter()?;
        follow(ctx, SNAPSHOT, after, move |call, event| changed(call, event, &filter)).await
    }
}

fn changed(
    call: &service::ctx::Ctx,
    recorded: &Recorded,
    filter: &Filter,
) -> Option<VehicleChanged> {
    let Event::VehicleChanged { event_types, before, after, .. } = &recorded.event else {
        return None;
    };
    let watched = |vehicle: &vehicle::Model| filter.matches(vehicle) && visible_to(call, vehicle);
    Some(VehicleChanged {
        change: change(before.as_deref().is_some_and(watched), watched(after))?,
        cursor: live::cursor(call, recorded),
        event_types: event_types.iter().map(|event| (*event).into()).collect(),
        occurred_at: DateTime(recorded.occurred_at),
        vehicle: Vehicle((**after).clone()),
    })
}
