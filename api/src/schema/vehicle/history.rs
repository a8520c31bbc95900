//! The permanent history of a vehicle, as staff see it.

use async_graphql::{Context, ID, Object};
use entity::vehicle_event;

use super::{VehicleEventType, VehicleState};
use crate::{
    context::Call,
    error::Result,
    schema::{
        connection::connection, place::Position, rental::Rental, scalar::DateTime, station::Station,
    },
};

/// One change of a vehicle.
#[derive(Clone)]
pub struct VehicleEvent(pub vehicle_event::Model);

impl From<vehicle_event::Model> for VehicleEvent {
    fn from(model: vehicle_event::Model) -> Self {
        Self(model)
    }
}

/// One change of a vehicle's state or place. Kept for ever.
#[Object]
impl VehicleEvent {
    /// Global id, `vehicle_event_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What happened, in MDS's words and in order.
    async fn event_types(&self) -> Vec<VehicleEventType> {
        self.0.event_types.0.iter().map(|event| (*event).into()).collect()
    }

    /// The state before; null when the vehicle was new.
    async fn state_before(&self) -> Option<VehicleState> {
        self.0.state_before.map(Into::into)
    }

    /// The state afterwards.
    async fn state(&self) -> VehicleState {
        self.0.state.into()
    }

    /// Where it then stood; null when at no station.
    async fn station(&self, ctx: &Context<'_>) -> Result<Option<Station>> {
        let Some(id) = self.0.station_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Station))
    }

    /// Where it then was, as far as known.
    async fn position(&self) -> Option<Position> {
        let place = entity::Position::new(self.0.latitude?, self.0.longitude?);
        place.ok().map(Position::from)
    }

    /// 0 to 100; null when not known.
    async fn battery_percent(&self) -> Option<i32> {
        self.0.battery_percent
    }

    /// The rental that it belongs to; null when to none.
    async fn rental(&self, ctx: &Context<'_>) -> Result<Option<Rental>> {
        let Some(id) = self.0.rental_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Rental))
    }

    /// Who did it: a user's id, or `system:` and the name of a job.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// What staff said about it; null when nothing.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime {
        DateTime(self.0.occurred_at)
    }
}

connection!(VehicleEventConnection, VehicleEventEdge, VehicleEvent, "changes of a vehicle");
