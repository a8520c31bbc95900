//! Tariffs, as clients see them.

mod mutation;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use entity::{money::Money as Amount, tariff};

pub use mutation::TariffMutation;

use super::{
    connection::{connection, counted, nodes, page},
    money::Money,
    scalar::{CurrencyCode, DateTime, Decimal},
};
use crate::{context::Call, error::Result};

/// What a rental costs.
#[derive(Clone)]
pub struct Tariff(pub tariff::Model);

impl From<tariff::Model> for Tariff {
    fn from(model: tariff::Model) -> Self {
        Self(model)
    }
}

/// One step of a price that grows with time or distance, as in GBFS 3.0. Steps add up; they do not replace one another.
#[derive(SimpleObject)]
pub struct PriceSegment {
    /// The minute or kilometre, counted from 0, from which on it is charged; inclusive.
    start: u32,
    /// The minute or kilometre from which on it is not charged any more; null means to the end of the ride.
    end: Option<u32>,
    /// Major units of the tariff's currency for each begun interval.
    rate: Decimal,
    /// Minutes or kilometres; 0 means charged once.
    interval: u32,
}

impl From<&tariff::Segment> for PriceSegment {
    fn from(segment: &tariff::Segment) -> Self {
        let tariff::Segment { start, end, rate, interval } = *segment;
        Self { start, end, rate: Decimal(rate), interval }
    }
}

/// How a penalty is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "tariff::PenaltyBasis")]
pub enum PenaltyBasis {
    /// Once.
    Flat,
    /// For each hour that has begun after the rental became overdue.
    PerStartedHour,
}

/// What an overdue rental costs on top.
#[derive(SimpleObject)]
pub struct Penalty {
    /// How it is counted.
    basis: PenaltyBasis,
    /// How much, once or an hour.
    amount: Money,
    /// Never more than this; null means no limit.
    max: Option<Money>,
}

/// What a rental costs: a GBFS 3.0 pricing plan, with overdue, tax and collateral rules beside it.
#[Object]
impl Tariff {
    /// Global id, `tariff_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// As people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What a rider should know; may be empty.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// For rentals that name no tariff, of a vehicle whose type has none.
    async fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// Of all its amounts.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.terms.currency)
    }

    /// Charged once for each rental.
    async fn unlock_price(&self) -> Money {
        self.money(self.0.terms.unlock_minor)
    }

    /// What each begun minute adds.
    async fn per_minute(&self) -> Vec<PriceSegment> {
        self.0.terms.per_minute.iter().map(Into::into).collect()
    }

    /// What each begun kilometre adds.
    async fn per_kilometre(&self) -> Vec<PriceSegment> {
        self.0.terms.per_kilometre.iter().map(Into::into).collect()
    }

    /// Minutes from the start for which no minute is charged.
    async fn included_minutes(&self) -> u32 {
        self.0.terms.included_minutes
    }

    /// Unlocking and minutes never cost more than this in each started 24 hours of a rental; null means no cap.
    async fn daily_cap(&self) -> Option<Money> {
        self.0.terms.daily_cap_minor.map(|minor| self.money(minor))
    }

    /// Added to the sum of all other lines: `"0.0875"` is 8.75 %.
    async fn tax_rate(&self) -> Decimal {
        Decimal(self.0.terms.tax_rate)
    }

    /// After how many minutes a rental is overdue; null means never.
    async fn overdue_after_minutes(&self) -> Option<u32> {
        self.0.terms.overdue_after_minutes
    }

    /// What an overdue rental costs on top; null means nothing.
    async fn penalty(&self) -> Option<Penalty> {
        self.0.terms.penalty.as_ref().map(|penalty| Penalty {
            basis: penalty.basis.into(),
            amount: self.money(penalty.amount_minor),
            max: penalty.max_minor.map(|minor| self.money(minor)),
        })
    }

    /// What a customer leaves as security.
    async fn collateral(&self) -> Money {
        self.money(self.0.terms.collateral_minor)
    }

    /// What a vehicle costs that does not come back.
    async fn lost_vehicle_fee(&self) -> Money {
        self.money(self.0.terms.lost_vehicle_fee_minor)
    }

    /// Not in use any more since then; null while it is.
    async fn archived_at(&self) -> Option<DateTime> {
        self.0.archived_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

impl Tariff {
    fn money(&self, minor: i64) -> Money {
        Amount::new(minor, self.0.terms.currency).into()
    }
}

connection!(TariffConnection, TariffEdge, Tariff, "tariffs");

#[derive(Default)]
pub struct TariffQuery;

#[Object]
impl TariffQuery {
    /// Tariffs, by name. For everybody who has signed in.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn tariffs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Archived ones too.", default)] include_archived: bool,
    ) -> Result<TariffConnection> {
        let args = page(first, after, last, before);
        let found = service::tariff::list(ctx.call()?, include_archived, &args).await?;
        let count =
            counted(
                move |call| async move { service::tariff::count(&call, include_archived).await },
            );
        Ok(TariffConnection { page: nodes(found), count })
    }
}
