//! What a ride costs under the terms that its rental has frozen: pure, without clock or database.
//!
//! **The rounding rule**: a line is computed exactly and rounded once, half away from zero, to
//! the currency's minor unit; the total is the sum of the rounded lines. The cap line is the
//! difference from unlock and minutes, as rounded, to their capped sum, rounded: so the cap holds
//! to the unit, and minutes beyond it never move the total.
//!
//! Minutes and kilometres follow `system_pricing_plans` of GBFS 3.0. Where GBFS is silent: a
//! begun minute or kilometre counts, and so does a begun interval. A price never falls with time
//! or distance.

use chrono::Duration;
use entity::money::{Currency, Money};
use entity::tariff::{LineKind, Penalty, PenaltyBasis, Segment, Terms};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// The longest ride that has a price, a little over ten years.
pub const MAX_DAYS: i64 = 3_660;

const MINUTE_SECONDS: u64 = 60;
const HOUR_SECONDS: u64 = 60 * MINUTE_SECONDS;
const DAY_MINUTES: u64 = 24 * 60;

/// What is measured of a ride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ride {
    pub duration: Duration,
    pub distance_meters: i64,
    /// The vehicle did not come back.
    pub lost: bool,
}

/// One position of a price, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: LineKind,
    /// Minor units of the price's currency; negative for [`LineKind::Cap`] only.
    pub amount_minor: i64,
    /// Begun minutes (included ones too), begun kilometres, days on which the cap applied or
    /// started overdue hours, by kind; `None` where nothing is counted.
    pub quantity: Option<i64>,
}

/// What a ride costs, line by line. A free ride has no lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    lines: Vec<Line>,
    total: Money,
}

/// Why a ride has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    #[error("negative duration")]
    NegativeDuration,
    #[error("negative distance")]
    NegativeDistance,
    #[error("longer than {MAX_DAYS} days")]
    TooLong,
    /// Not with checked terms, unless the distance is beyond all sense.
    #[error("price out of range")]
    OutOfRange,
}

use PricingError::OutOfRange;

type Result<T> = std::result::Result<T, PricingError>;

impl Price {
    pub fn currency(&self) -> Currency {
        self.total.currency()
    }

    /// The lines in the order of a receipt; their amounts sum to [`Price::total`].
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    /// What the customer pays, tax included; never negative.
    pub fn total(&self) -> Money {
        self.total
    }
}

/// The price of a ride that ended, or of one that runs as if it ended now.
///
/// Expects terms that passed [`Terms::check`]; the collateral is no part of the price.
pub fn price(terms: &Terms, ride: &Ride) -> Result<Price> {
    let minutes = begun_minutes(ride.duration)?;
    let kilometres = begun_kilometres(ride.distance_meters)?;
    let mut lines = vec![
        Line::new(LineKind::Unlock, terms.unlock_minor),
        Line::counted(LineKind::Minutes, rounded(minutes_charge(terms, minutes)?)?, minutes)?,
        Line::counted(
            LineKind::Distance,
            rounded(distance_charge(terms, kilometres)?)?,
            kilometres,
        )?,
    ];
    lines.extend(cap_line(terms, minutes)?);
    lines.extend(penalty_line(terms, ride.duration)?);
    if ride.lost {
        lines.push(Line::new(LineKind::LostVehicle, terms.lost_vehicle_fee_minor));
    }
    lines.push(tax_line(terms, &lines)?);
    lines.retain(|line| line.amount_minor != 0);
    let total = Money::new(sum(&lines)?, terms.currency);
    Ok(Price { lines, total })
}

impl Line {
    fn new(kind: LineKind, amount_minor: i64) -> Self {
        Self { kind, amount_minor, quantity: None }
    }

    fn counted(kind: LineKind, amount_minor: i64, count: u64) -> Result<Self> {
        let quantity = Some(i64::try_from(count).map_err(|_| OutOfRange)?);
        Ok(Self { kind, amount_minor, quantity })
    }
}

/// Takes off what each started day costs beyond the daily cap.
fn cap_line(terms: &Terms, minutes: u64) -> Result<Option<Line>> {
    let Some(cap) = terms.daily_cap_minor.map(Decimal::from) else {
        return Ok(None);
    };
    let (mut full, mut capped, mut days) = (Decimal::ZERO, Decimal::ZERO, 0);
    // The unlock price falls in the first day, which has started even before a minute has.
    for day in 1..=minutes.div_ceil(DAY_MINUTES).max(1) {
        let so_far = uncapped(terms, minutes.min(day.saturating_mul(DAY_MINUTES)))?;
        let used = so_far.checked_sub(full).ok_or(OutOfRange)?;
        capped = capped.checked_add(used.min(cap)).ok_or(OutOfRange)?;
        days += u64::from(used > cap);
        full = so_far;
    }
    // The unlock price is whole, so `full` rounds to the sum of the two lines it stands for.
    let off = rounded(capped)?.checked_sub(rounded(full)?);
    Line::counted(LineKind::Cap, off.ok_or(OutOfRange)?, days).map(Some)
}

fn penalty_line(terms: &Terms, duration: Duration) -> Result<Option<Line>> {
    let (Some(penalty), Some(after)) = (&terms.penalty, terms.overdue_after_minutes) else {
        return Ok(None);
    };
    let overdue = duration.checked_sub(&Duration::minutes(after.into())).ok_or(OutOfRange)?;
    if overdue <= Duration::zero() {
        return Ok(None);
    }
    let Penalty { basis, amount_minor, max_minor } = *penalty;
    let most = max_minor.unwrap_or(i64::MAX);
    match basis {
        PenaltyBasis::Flat => Ok(Some(Line::new(LineKind::Penalty, amount_minor.min(most)))),
        PenaltyBasis::PerStartedHour => {
            let hours = begun(overdue, HOUR_SECONDS)?;
            let factor = i64::try_from(hours).map_err(|_| OutOfRange)?;
            let amount = amount_minor.checked_mul(factor).ok_or(OutOfRange)?;
            Line::counted(LineKind::Penalty, amount.min(most), hours).map(Some)
        }
    }
}

fn tax_line(terms: &Terms, lines: &[Line]) -> Result<Line> {
    let tax = Decimal::from(sum(lines)?).checked_mul(terms.tax_rate);
    Ok(Line::new(LineKind::Tax, rounded(tax.ok_or(OutOfRange)?)?))
}

/// Unlock price and minutes, before any cap.
fn uncapped(terms: &Terms, minutes: u64) -> Result<Decimal> {
    minutes_charge(terms, minutes)?.checked_add(Decimal::from(terms.unlock_minor)).ok_or(OutOfRange)
}

fn minutes_charge(terms: &Terms, begun: u64) -> Result<Decimal> {
    charge(&terms.per_minute, terms.included_minutes, begun, terms.currency)
}

fn distance_charge(terms: &Terms, begun: u64) -> Result<Decimal> {
    charge(&terms.per_kilometre, 0, begun, terms.currency)
}

/// What segments that stack cost for so many begun units: minor units, exact, not yet rounded.
fn charge(segments: &[Segment], included: u32, begun: u64, currency: Currency) -> Result<Decimal> {
    segments
        .iter()
        .try_fold(Decimal::ZERO, |sum, segment| {
            let steps = Decimal::from(steps(segment, included, begun));
            sum.checked_add(segment.rate.checked_mul(steps)?)
        })
        .and_then(|major| major.checked_mul(Decimal::from(currency.minor_per_major())))
        .ok_or(OutOfRange)
}

/// How often a segment charges its rate.
fn steps(segment: &Segment, included: u32, begun: u64) -> u64 {
    let start = u64::from(segment.start.max(included));
    let end = segment.end.map_or(begun, |end| begun.min(end.into()));
    let count = end.saturating_sub(start);
    match u64::from(segment.interval) {
        0 => count.min(1),
        interval => count.div_ceil(interval),
    }
}

fn begun_minutes(duration: Duration) -> Result<u64> {
    if duration > Duration::days(MAX_DAYS) {
        return Err(PricingError::TooLong);
    }
    begun(duration, MINUTE_SECONDS)
}

fn begun_kilometres(meters: i64) -> Result<u64> {
    let meters = u64::try_from(meters).map_err(|_| PricingError::NegativeDistance)?;
    Ok(meters.div_ceil(1_000))
}

/// How many periods have begun: one that is just complete does not begin the next.
fn begun(duration: Duration, period_seconds: u64) -> Result<u64> {
    if duration < Duration::zero() {
        return Err(PricingError::NegativeDuration);
    }
    let begun_second = u64::from(duration.subsec_nanos() > 0);
    u64::try_from(duration.num_seconds())
        .ok()
        .and_then(|whole| whole.checked_add(begun_second))
        .map(|seconds| seconds.div_ceil(period_seconds))
        .ok_or(OutOfRange)
}

/// The rounding rule of this module.
fn rounded(minor: Decimal) -> Result<i64> {
    minor
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
        .ok_or(OutOfRange)
}

fn sum(lines: &[Line]) -> Result<i64> {
    lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.amount_minor)).ok_or(OutOfRange)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
