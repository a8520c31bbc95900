//! Rentals, as clients see them.

mod live;
mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::{
    customer::CustomerId,
    money::Money as Amount,
    rental,
    tariff::{LineKind, TariffId},
    vehicle::VehicleId,
};
use service::{
    page::{Direction, PageArgs},
    rental::{
        Filter,
        quote::{self, RentalQuote},
    },
};

pub use live::RentalSubscription;
pub use mutation::RentalMutation;

use super::{
    connection::{SortDirection, connection, counted, nodes, page},
    customer::Customer,
    loader::LinesOf,
    money::Money,
    place::Position,
    scalar::{DateTime, Gid},
    station::Station,
    tariff::Tariff,
    vehicle::Vehicle,
};
use crate::{context::Call, error::Result};

/// One ride.
#[derive(Clone)]
pub struct Rental(pub rental::Model);

impl From<rental::Model> for Rental {
    fn from(model: rental::Model) -> Self {
        Self(model)
    }
}

/// How far a rental is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "rental::State")]
pub enum RentalState {
    /// The vehicle is out.
    Active,
    /// The vehicle came back, or is lost.
    Ended,
    /// Undone within the grace period, for nothing.
    Cancelled,
}

/// What one line of a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "LineKind")]
pub enum PriceLineKind {
    /// Charged once for each rental.
    Unlock,
    /// Begun minutes.
    Minutes,
    /// Begun kilometres.
    Distance,
    /// What the daily cap takes off: negative.
    Cap,
    /// For being overdue.
    Penalty,
    /// For a vehicle that did not come back.
    LostVehicle,
    /// On the sum of all other lines.
    Tax,
}

/// One line of a price. The lines sum to the price exactly.
#[derive(Clone, SimpleObject)]
pub struct PriceLine {
    /// What it is for.
    kind: PriceLineKind,
    /// How much; negative for a cap.
    amount: Money,
    /// Begun minutes, begun kilometres, capped days or started hours; null where nothing is counted.
    quantity: Option<i64>,
}

/// One ride: from unlocking a vehicle until it is returned. Customers see their own, staff all.
#[Object]
impl Rental {
    /// Global id, `rental_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// How far it is.
    async fn state(&self) -> RentalState {
        self.0.state.into()
    }

    /// The vehicle; null when it was removed in the meantime.
    async fn vehicle(&self, ctx: &Context<'_>) -> Result<Option<Vehicle>> {
        Ok(ctx.load()?.load_one(self.0.vehicle_id).await?.map(Vehicle))
    }

    /// Who rides; null when removed in the meantime.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        Ok(ctx.load()?.load_one(self.0.customer_id).await?.map(Customer))
    }

    /// The tariff as it now is. The rental keeps the terms of its start.
    async fn tariff(&self, ctx: &Context<'_>) -> Result<Option<Tariff>> {
        Ok(ctx.load()?.load_one(self.0.tariff_id).await?.map(Tariff))
    }

    /// When the vehicle was handed out.
    async fn started_at(&self) -> DateTime {
        DateTime(self.0.started_at)
    }

    /// When it came back; null while it is out.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }

    /// When the rental becomes overdue; null when its tariff knows no such time.
    async fn due_at(&self) -> Option<DateTime> {
        self.0.due_at.map(DateTime)
    }

    /// When it was found overdue; null when it was not.
    async fn overdue_at(&self) -> Option<DateTime> {
        self.0.overdue_at.map(DateTime)
    }

    /// Where it began; null when not at a station.
    async fn start_station(&self, ctx: &Context<'_>) -> Result<Option<Station>> {
        let Some(id) = self.0.start_station_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Station))
    }

    /// Where it began; null when not known.
    async fn start_position(&self) -> Option<Position> {
        position(self.0.start_latitude, self.0.start_longitude)
    }

    /// Where it ended; null while it is out, and when not at a station.
    async fn end_station(&self, ctx: &Context<'_>) -> Result<Option<Station>> {
        let Some(id) = self.0.end_station_id else { return Ok(None) };
        Ok(ctx.load()?.load_one(id).await?.map(Station))
    }

    /// Where it ended; null while it is out, and when not known.
    async fn end_position(&self) -> Option<Position> {
        position(self.0.end_latitude, self.0.end_longitude)
    }

    /// Metres as the vehicle measured them, else the straight line; 0 while it is out.
    async fn distance_meters(&self) -> i64 {
        self.0.distance_meters
    }

    /// What it came to, tax included; null while it is out.
    async fn price(&self) -> Option<Money> {
        self.0.price().map(Money::from)
    }

    /// What it would come to if it ended now; the same as `price` once it has ended.
    async fn price_so_far(&self, ctx: &Context<'_>) -> Result<Money> {
        if let Some(price) = self.0.price() {
            return Ok(price.into());
        }
        Ok(quote::so_far(ctx.call()?, &self.0)?.0.into())
    }

    /// What the price is made of: what it came to, or so far. They sum exactly.
    async fn price_lines(&self, ctx: &Context<'_>) -> Result<Vec<PriceLine>> {
        if self.0.price_minor.is_none() {
            let (total, lines) = quote::so_far(ctx.call()?, &self.0)?;
            return Ok(lines
                .iter()
                .map(|line| self.line(line.kind, line.amount_minor, line.quantity, total))
                .collect());
        }
        let lines = ctx.load()?.load_one(LinesOf(self.0.id)).await?.unwrap_or_default();
        let total = Amount::new(0, self.0.currency);
        Ok(lines
            .iter()
            .map(|line| self.line(line.kind, line.amount_minor, line.quantity, total))
            .collect())
    }

    /// What the customer leaves as security.
    async fn collateral(&self) -> Money {
        Amount::new(self.0.terms.collateral_minor, self.0.currency).into()
    }

    /// The vehicle did not come back.
    async fn lost(&self) -> bool {
        self.0.lost
    }

    /// Why staff ended it in the rider's place; null when the rider did.
    async fn end_reason(&self) -> Option<&str> {
        self.0.end_reason.as_deref()
    }

    /// The records that it was brought in from and its number there, as `bayarea2014/139545`; null when it happened
    /// here. An imported rental moves no money.
    async fn imported_from(&self) -> Option<&str> {
        self.0.imported_from.as_deref()
    }
}

impl Rental {
    fn line(&self, kind: LineKind, minor: i64, quantity: Option<i64>, total: Amount) -> PriceLine {
        PriceLine {
            kind: kind.into(),
            amount: Amount::new(minor, total.currency()).into(),
            quantity,
        }
    }
}

fn position(latitude: Option<f64>, longitude: Option<f64>) -> Option<Position> {
    entity::Position::new(latitude?, longitude?).ok().map(Position::from)
}

connection!(RentalConnection, RentalEdge, Rental, "rentals");

/// Which rentals; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct RentalFilter {
    /// In this state.
    pub state: Option<RentalState>,
    /// Of this customer. A customer's login sees its own anyway.
    pub customer_id: Option<Gid<CustomerId>>,
    /// Of this vehicle.
    pub vehicle_id: Option<Gid<VehicleId>>,
    /// Started at or after.
    pub started_from: Option<DateTime>,
    /// Started before.
    pub started_before: Option<DateTime>,
    /// Found overdue, or not.
    pub overdue: Option<bool>,
    /// Brought in from another system's records, or happened here.
    pub imported: Option<bool>,
}

impl RentalFilter {
    fn filter(&self) -> Filter {
        Filter {
            states: self.state.map(Into::into).into_iter().collect(),
            customer: self.customer_id.map(|Gid(id)| id),
            vehicle: self.vehicle_id.map(|Gid(id)| id),
            started_from: self.started_from.map(|DateTime(time)| time),
            started_before: self.started_before.map(|DateTime(time)| time),
            overdue: self.overdue,
            imported: self.imported,
        }
    }
}

pub async fn rentals_page(
    ctx: &Context<'_>,
    filter: &RentalFilter,
    direction: Option<SortDirection>,
    args: PageArgs,
) -> Result<RentalConnection> {
    let filter = Arc::new(filter.filter());
    let direction = direction.map_or(Direction::Descending, Direction::from);
    let found = service::rental::list(ctx.call()?, &filter, direction, &args).await?;
    let count = counted(move |call| {
        let filter = Arc::clone(&filter);
        async move { service::rental::count(&call, &filter).await }
    });
    Ok(RentalConnection { page: nodes(found), count })
}

/// What a ride would cost.
#[derive(SimpleObject)]
pub struct RentalQuoted {
    /// The tariff that would apply.
    tariff: Tariff,
    /// Tax included.
    price: Money,
    /// They sum to the price exactly.
    lines: Vec<PriceLine>,
    /// What the customer would leave as security.
    collateral: Money,
}

/// A ride that somebody thinks of.
#[derive(InputObject)]
pub struct RentalQuoteInput {
    /// With which vehicle.
    vehicle_id: Gid<VehicleId>,
    /// The vehicle type's tariff, or the tenant's default, when not given.
    tariff_id: Option<Gid<TariffId>>,
    /// How long, 0 to 5,000,000.
    minutes: i32,
    /// How far.
    #[graphql(default)]
    distance_meters: i64,
}

#[derive(Default)]
pub struct RentalQuery;

#[Object]
impl RentalQuery {
    /// Rentals by start, newest first when not sorted otherwise. Customers see their own, staff all.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn rentals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only rentals that match.")] filter: Option<RentalFilter>,
        #[graphql(desc = "Which way by start; newest first when not given.")] direction: Option<
            SortDirection,
        >,
    ) -> Result<RentalConnection> {
        rentals_page(ctx, &filter.unwrap_or_default(), direction, page(first, after, last, before))
            .await
    }

    /// What a ride would cost, before it is one. Nothing is held by asking.
    async fn rental_quote(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ride.")] input: RentalQuoteInput,
    ) -> Result<RentalQuoted> {
        let wanted = RentalQuote {
            vehicle: input.vehicle_id.0,
            tariff: input.tariff_id.map(|Gid(id)| id),
            minutes: input.minutes,
            distance_meters: input.distance_meters,
        };
        let quoted = quote::quote(ctx.call()?, wanted).await?;
        let currency = quoted.price.currency();
        let line = |line: &service::rental::pricing::Line| PriceLine {
            kind: line.kind.into(),
            amount: Amount::new(line.amount_minor, currency).into(),
            quantity: line.quantity,
        };
        Ok(RentalQuoted {
            price: quoted.price.total().into(),
            lines: quoted.price.lines().iter().map(line).collect(),
            collateral: Amount::new(quoted.tariff.terms.collateral_minor, currency).into(),
            tariff: Tariff(quoted.tariff),
        })
    }
}
