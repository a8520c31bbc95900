//! The demo fleet as the trips need it: bikes leave and arrive, and vans make that possible.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use entity::{
    customer::CustomerId,
    rental::{self, RentalId},
    station::{self, StationId},
    vehicle::{self, State, VehicleId},
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::{
    Done, Listener,
    tally::{Tally, UseCase, one},
    timetable::Timetable,
};
use crate::{
    bayarea::Trip,
    ctx::Ctx,
    error::{Error, Result, Subject},
    import::{
        fleet::{Fleet, Stop},
        riders,
    },
    refusal::Refusal,
    rental::{
        end::{self, EndRental},
        start::{self, StartRental},
    },
    vehicle::{
        Destination,
        service::{MoveVehicles, move_vehicles},
    },
};

/// How often a van makes room at a station that others fill again.
const VANS: usize = 3;

pub(super) struct City {
    ctx: Ctx,
    fleet: Fleet,
    riders: HashSet<CustomerId>,
    /// Tells the keys of this run from those of others.
    run: String,
    pub tally: Arc<Tally>,
    listener: Option<Listener>,
}

impl City {
    pub async fn of(ctx: Ctx, timetable: &Timetable, listener: Option<Listener>) -> Result<Self> {
        let fleet = Fleet::of(&ctx).await?;
        let riders: BTreeSet<_> =
            timetable.moments.iter().map(|moment| moment.trip.rider).collect();
        riders::add_missing(&ctx, &riders).await?;
        let run = ctx.app.new_id::<RentalId>().to_string();
        let riders = riders.into_iter().map(riders::id).collect();
        Ok(Self { ctx, fleet, riders, run, tally: Arc::default(), listener })
    }

    /// The bike leaves from where the trip begins; a van brings it there when it is elsewhere. None: it was refused.
    pub async fn leave(&self, trip: &Trip, key: &str) -> Result<Option<RentalId>> {
        let (Some(vehicle), Some(from)) =
            (self.fleet.vehicles.get(&trip.bike), self.fleet.stations.get(&trip.from))
        else {
            one(&self.tally.skipped);
            return Ok(None);
        };
        self.bring(*vehicle, *from).await?;
        let input = StartRental {
            vehicle: *vehicle,
            customer: Some(riders::id(trip.rider)),
            tariff: Some(self.fleet.fare(trip.rider.kind).tariff),
        };
        let key = format!("{}/{key}", self.run);
        let began = Instant::now();
        match self.counted(UseCase::StartRental, began, start::start(&self.ctx, input, &key).await)
        {
            Ok(rental) => {
                self.tell(Done::Started(rental.id));
                Ok(Some(rental.id))
            }
            Err(error) => {
                one(&self.tally.skipped);
                refused(error).map(|_| None)
            }
        }
    }

    /// The bike arrives where the trip ends; a van makes room when the station is full.
    pub async fn arrive(&self, trip: &Trip, rental: RentalId, key: &str) -> Result<()> {
        let to = self.fleet.stations.get(&trip.to);
        let to = to.ok_or(Error::NotFound(Subject::Station))?;
        self.end(rental, *to, key).await
    }

    async fn end(&self, rental: RentalId, to: Stop, key: &str) -> Result<()> {
        for attempt in 0..=VANS {
            let at = match attempt {
                VANS => Destination::Position(to.position),
                _ => Destination::Station(to.id),
            };
            let input = EndRental { rental, at, distance_meters: None };
            let key = format!("{}/{key}/{attempt}", self.run);
            let began = Instant::now();
            let outcome =
                self.counted(UseCase::EndRental, began, end::end(&self.ctx, input, &key).await);
            match outcome {
                Ok(rental) => {
                    if attempt == VANS {
                        one(&self.tally.parked_beside);
                    }
                    self.tell(Done::Ended(rental.id));
                    return Ok(());
                }
                Err(Error::Refused(Refusal::StationFull)) => self.make_room(to.id).await?,
                Err(error) => return refused(error),
            }
        }
        Ok(())
    }

    /// Ends every open ride of a replay, this one's or an earlier one's. One that cannot be ended keeps no other open.
    pub async fn settle(&self) -> Result<()> {
        let open = rental::Entity::of(self.ctx.tenant)
            .filter(rental::Column::EndedAt.is_null())
            .all(self.ctx.reader())
            .await?;
        let stops: HashMap<StationId, Stop> =
            self.fleet.stations.values().map(|stop| (stop.id, *stop)).collect();
        let mut failed = Ok(());
        for rental in open.iter().filter(|rental| self.riders.contains(&rental.customer_id)) {
            let Some(stop) = rental.start_station_id.and_then(|id| stops.get(&id)) else {
                continue;
            };
            match self.end(rental.id, *stop, &format!("settle/{}", rental.id)).await {
                Ok(()) => one(&self.tally.settled),
                Err(error) => failed = Err(error),
            }
        }
        failed
    }

    /// Nothing when it is there, or cannot be moved: whether it can be rented is for the start to say.
    async fn bring(&self, vehicle: VehicleId, to: Stop) -> Result<()> {
        for _ in 0..VANS {
            let now = crate::vehicle::get(&self.ctx, vehicle).await?;
            let elsewhere = now.station_id != Some(to.id);
            let movable = matches!(now.state, State::Available | State::Removed);
            if !elsewhere || !movable {
                return Ok(());
            }
            match self.shift(vehicle, to.id, "its next trip begins here").await {
                Ok(()) => {
                    one(&self.tally.brought);
                    return Ok(());
                }
                Err(Error::Refused(Refusal::StationFull)) => self.make_room(to.id).await?,
                Err(error) => return refused(error),
            }
        }
        Ok(())
    }

    /// Takes one vehicle from a full station to the emptiest one.
    async fn make_room(&self, full: StationId) -> Result<()> {
        let standing = vehicle::Entity::of(self.ctx.tenant)
            .filter(vehicle::Column::StationId.eq(full))
            .filter(vehicle::Column::State.eq(State::Available))
            .order_by_asc(vehicle::Column::UpdatedAt)
            .one(self.ctx.reader())
            .await?;
        let emptiest = station::Entity::of(self.ctx.tenant)
            .filter(station::Column::ArchivedAt.is_null())
            .filter(station::Column::Id.ne(full))
            .order_by_desc(station::Column::DocksAvailable)
            .one(self.ctx.reader())
            .await?;
        let (Some(standing), Some(emptiest)) = (standing, emptiest) else { return Ok(()) };
        match self.shift(standing.id, emptiest.id, "its station was full").await {
            Ok(()) => {
                one(&self.tally.cleared);
                Ok(())
            }
            Err(error) => refused(error),
        }
    }

    async fn shift(&self, vehicle: VehicleId, to: StationId, why: &str) -> Result<()> {
        let (to, reason) = (Destination::Station(to), Some(format!("replay: {why}")));
        let input = MoveVehicles { vehicles: vec![vehicle], to, reason };
        let began = Instant::now();
        let moved = move_vehicles(&self.ctx, input).await;
        self.counted(UseCase::MoveVehicles, began, moved).map(|_| ())
    }

    fn counted<T>(&self, case: UseCase, began: Instant, outcome: Result<T>) -> Result<T> {
        match &outcome {
            Ok(_) => self.tally.done(case, began.elapsed()),
            Err(error) => self.tally.refused(case, error),
        }
        outcome
    }

    fn tell(&self, done: Done) {
        if let Some(listener) = &self.listener {
            listener(done);
        }
    }
}

/// A rule that says no is counted, and life goes on.
fn refused(error: Error) -> Result<()> {
    match error {
        Error::Refused(_) | Error::NotFound(_) => Ok(()),
        error => Err(error),
    }
}
