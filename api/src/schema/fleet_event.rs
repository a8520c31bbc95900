//! Everything that happens in a fleet, for staff.

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use service::{
    event::{Event, Kind, Recorded},
    permission::Permission,
};

use super::{
    customer::Customer,
    live::{Live, follow},
    rental::Rental,
    scalar::{Cursor, DateTime},
    station::Station,
    vehicle::Vehicle,
    vehicle::VehicleEventType,
};
use crate::{context::Call, error::Result};

/// What an event is about. New values may come: ignore what you do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum FleetEventKind {
    /// A vehicle changed, or is new.
    VehicleChanged,
    /// A station or its counters changed, or it is new.
    StationChanged,
    /// A rental began.
    RentalStarted,
    /// A rental ended.
    RentalEnded,
    /// A rental was undone.
    RentalCancelled,
    /// A rental was found overdue.
    RentalOverdue,
    /// A customer changed, or is new.
    CustomerChanged,
    /// A vehicle type changed, or is new.
    VehicleTypeChanged,
    /// A tariff changed, or is new.
    TariffChanged,
    /// A payment or a refund is completed, and its receipt issued.
    ReceiptIssued,
    /// Something that a newer node of this installation knows, and this one does not yet.
    Unknown,
}

/// One event of a fleet. Of its objects, those are set that the kind is about.
#[derive(SimpleObject)]
pub struct FleetEvent {
    /// Subscribe with it as `after` to go on from here.
    cursor: Cursor,
    /// What it is about.
    kind: FleetEventKind,
    /// When it happened.
    occurred_at: DateTime,
    /// Who did it: a user's id, or `system:` and the name of a job.
    actor: String,
    /// Why a vehicle changed, in MDS's words and in order; empty for other kinds.
    event_types: Vec<VehicleEventType>,
    /// The vehicle as this event left it.
    vehicle: Option<Vehicle>,
    /// The station as this event left it.
    station: Option<Station>,
    /// The rental as this event left it.
    rental: Option<Rental>,
    /// The customer as this event left it.
    customer: Option<Customer>,
    /// The id of the vehicle type or tariff that changed, or of the receipt.
    subject_id: Option<async_graphql::ID>,
}

const SNAPSHOT: &str = "{ vehicles(first: 100) { fleetCursor pageInfo { hasNextPage endCursor } \
    nodes { id number state } } }";

#[derive(Default)]
pub struct FleetEventSubscription;

#[Subscription]
impl FleetEventSubscription {
    /// Everything that happens in the fleet, in order. Staff only.
    ///
    /// With `after`, first what happened since that cursor: nothing is missed, nothing comes twice. A cursor that cannot be served
    /// ends it with `RESYNC_REQUIRED`: query `vehicles` again and go on from its `fleetCursor`.
    async fn fleet_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these kinds; all when not given.")] kinds: Option<
            Vec<FleetEventKind>,
        >,
        #[graphql(desc = "The newest cursor that you have; null starts now.")] after: Option<
            Cursor,
        >,
    ) -> Result<Live<FleetEvent>> {
        let call = ctx.call()?;
        call.require(Permission::ViewFleet)?;
        let kinds: Option<Vec<Kind>> =
            kinds.map(|kinds| kinds.into_iter().map(Into::into).collect());
        follow(ctx, SNAPSHOT, after, move |call, event| {
            let wanted = kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.event.kind()));
            wanted.then(|| fleet_event(call, event))
        })
        .await
    }
}

fn fleet_event(call: &service::ctx::Ctx, recorded: &Recorded) -> FleetEvent {
    let mut event = FleetEvent {
        cursor: super::live::cursor(call, recorded),
        kind: recorded.event.kind().into(),
        occurred_at: DateTime(recorded.occurred_at),
        actor: recorded.actor.clone(),
        event_types: Vec::new(),
        vehicle: None,
        station: None,
        rental: recorded.event.rental().cloned().map(Rental),
        customer: None,
        subject_id: None,
    };
    match &recorded.event {
        Event::VehicleChanged { after, event_types, .. } => {
            event.vehicle = Some(Vehicle((**after).clone()));
            event.event_types = event_types.iter().map(|event| (*event).into()).collect();
        }
        Event::StationChanged { after, .. } => event.station = Some(Station((**after).clone())),
        Event::CustomerChanged { after, .. } => event.customer = Some(Customer((**after).clone())),
        Event::VehicleTypeChanged { id } => event.subject_id = Some(id.to_string().into()),
        Event::TariffChanged { id } => event.subject_id = Some(id.to_string().into()),
        Event::ReceiptIssued { id, .. } => event.subject_id = Some(id.to_string().into()),
        Event::RentalStarted { .. }
        | Event::RentalEnded { .. }
        | Event::RentalCancelled { .. }
        | Event::RentalOverdue { .. }
        | Event::Unknown => {}
    }
    event
}
