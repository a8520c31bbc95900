//! What owners do with tariffs.

use async_graphql::{Context, InputObject, Object};
use entity::{
    money::{Currency, Money as Amount},
    tariff::{self, TariffId, Terms},
};
use service::{
    error::Invalid,
    tariff::{CreateTariff, UpdateTariff},
};

use super::{PenaltyBasis, Tariff};
use crate::{
    context::Call,
    error::Result,
    schema::{
        outcome::payload,
        scalar::{CurrencyCode, Decimal, Gid},
        with,
    },
};

/// One step of a price that grows with time or distance.
#[derive(Clone, InputObject)]
pub struct PriceSegmentInput {
    /// The minute or kilometre, counted from 0, from which on it is charged.
    #[graphql(default)]
    start: u32,
    /// The minute or kilometre from which on it is not charged any more.
    end: Option<u32>,
    /// Major units for each begun interval; not negative, at most 6 decimals.
    rate: Decimal,
    /// Minutes or kilometres; 0 means charged once.
    #[graphql(default = 1)]
    interval: u32,
}

/// What an overdue rental costs on top.
#[derive(Clone, InputObject)]
pub struct PenaltyInput {
    /// How it is counted.
    basis: PenaltyBasis,
    /// Major units.
    amount: Decimal,
    /// Never more than this, major units.
    max: Option<Decimal>,
}

/// Everything that a price is made of. Amounts are major units with no more decimals than the currency has.
#[derive(Clone, InputObject)]
pub struct TariffTermsInput {
    /// Of all amounts.
    currency: CurrencyCode,
    /// Charged once for each rental.
    unlock_price: Option<Decimal>,
    /// What each begun minute adds; at most 20 steps.
    #[graphql(default)]
    per_minute: Vec<PriceSegmentInput>,
    /// What each begun kilometre adds; at most 20 steps.
    #[graphql(default)]
    per_kilometre: Vec<PriceSegmentInput>,
    /// Minutes from the start for which no minute is charged.
    #[graphql(default)]
    included_minutes: u32,
    /// The most that unlocking and minutes cost in each started 24 hours.
    daily_cap: Option<Decimal>,
    /// Between 0 and 1: `"0.0875"` is 8.75 %.
    tax_rate: Option<Decimal>,
    /// After how many minutes a rental is overdue.
    overdue_after_minutes: Option<u32>,
    /// What an overdue rental costs on top; needs `overdueAfterMinutes`.
    penalty: Option<PenaltyInput>,
    /// What a customer leaves as security.
    collateral: Option<Decimal>,
    /// What a vehicle costs that does not come back.
    lost_vehicle_fee: Option<Decimal>,
}

impl TariffTermsInput {
    fn terms(self) -> service::Result<Terms> {
        let minor = |path: &[&str], amount: Option<Decimal>| {
            amount.map(|amount| minor(path, amount, self.currency.0)).transpose()
        };
        let segments =
            |segments: Vec<PriceSegmentInput>| segments.into_iter().map(Into::into).collect();
        Ok(Terms {
            currency: self.currency.0,
            unlock_minor: minor(&["unlockPrice"], self.unlock_price)?.unwrap_or(0),
            included_minutes: self.included_minutes,
            daily_cap_minor: minor(&["dailyCap"], self.daily_cap)?,
            tax_rate: self.tax_rate.map(|Decimal(rate)| rate).unwrap_or_default(),
            overdue_after_minutes: self.overdue_after_minutes,
            penalty: match self.penalty {
                Some(ref penalty) => Some(tariff::Penalty {
                    basis: penalty.basis.into(),
                    amount_minor: minor(&["penalty", "amount"], Some(penalty.amount))?.unwrap_or(0),
                    max_minor: minor(&["penalty", "max"], penalty.max)?,
                }),
                None => None,
            },
            collateral_minor: minor(&["collateral"], self.collateral)?.unwrap_or(0),
            lost_vehicle_fee_minor: minor(&["lostVehicleFee"], self.lost_vehicle_fee)?.unwrap_or(0),
            per_minute: segments(self.per_minute),
            per_kilometre: segments(self.per_kilometre),
        })
    }
}

impl From<PriceSegmentInput> for tariff::Segment {
    fn from(input: PriceSegmentInput) -> Self {
        let PriceSegmentInput { start, end, rate: Decimal(rate), interval } = input;
        Self { start, end, rate, interval }
    }
}

fn minor(path: &[&str], amount: Decimal, currency: Currency) -> service::Result<i64> {
    let field =
        std::iter::once("terms").chain(path.iter().copied()).map(ToOwned::to_owned).collect();
    Amount::from_amount(amount.0, currency)
        .map(Amount::minor)
        .map_err(|error| Invalid::at(field, error).into())
}

/// A new tariff.
#[derive(InputObject)]
pub struct CreateTariffInput {
    /// 1 to 200 characters.
    name: String,
    /// What a rider should know, at most 2,000 characters.
    #[graphql(default)]
    description: String,
    /// What a rental costs.
    terms: TariffTermsInput,
    /// It becomes the tenant's default, instead of the one before.
    #[graphql(default)]
    is_default: bool,
}

/// Changes to a tariff. What is left out stays as it is. Open rentals keep the terms of their start.
#[derive(InputObject)]
pub struct UpdateTariffInput {
    /// Which.
    tariff_id: Gid<TariffId>,
    /// 1 to 200 characters.
    name: Option<String>,
    /// What a rider should know, at most 2,000 characters.
    description: Option<String>,
    /// All terms together: they replace the ones before.
    terms: Option<TariffTermsInput>,
    /// Whether it is the tenant's default.
    is_default: Option<bool>,
}

/// Takes a tariff out of use.
#[derive(InputObject)]
pub struct ArchiveTariffInput {
    /// Which.
    tariff_id: Gid<TariffId>,
}

payload!(
    /// What `createTariff` answers.
    CreateTariffPayload {
        /// The new tariff; null when refused.
        tariff: Tariff
    }
);
payload!(
    /// What `updateTariff` answers.
    UpdateTariffPayload {
        /// The tariff as it now is; null when refused.
        tariff: Tariff
    }
);
payload!(
    /// What `archiveTariff` answers.
    ArchiveTariffPayload {
        /// The archived tariff; null when refused.
        tariff: Tariff
    }
);

#[derive(Default)]
pub struct TariffMutation;

#[Object]
impl TariffMutation {
    /// Makes a tariff. Owners only.
    async fn create_tariff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new tariff.")] input: CreateTariffInput,
    ) -> Result<CreateTariffPayload> {
        let call = ctx.call()?;
        let CreateTariffInput { name, description, terms, is_default } = input;
        let input =
            terms.terms().map(|terms| CreateTariff { name, description, terms, is_default });
        CreateTariffPayload::from_outcome(
            with(input, |input| service::tariff::create(call, input)).await,
        )
    }

    /// Changes a tariff. Owners only.
    async fn update_tariff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateTariffInput,
    ) -> Result<UpdateTariffPayload> {
        let call = ctx.call()?;
        let UpdateTariffInput { tariff_id: Gid(id), name, description, terms, is_default } = input;
        let terms = terms.map(TariffTermsInput::terms).transpose();
        let input = terms.map(|terms| UpdateTariff { id, name, description, terms, is_default });
        UpdateTariffPayload::from_outcome(
            with(input, |input| service::tariff::update(call, input)).await,
        )
    }

    /// Takes a tariff out of use. `TARIFF_IN_USE` while it is a default or open rentals have it. Owners only.
    async fn archive_tariff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tariff.")] input: ArchiveTariffInput,
    ) -> Result<ArchiveTariffPayload> {
        ArchiveTariffPayload::from_outcome(
            service::tariff::archive(ctx.call()?, input.tariff_id.0).await,
        )
    }
}
