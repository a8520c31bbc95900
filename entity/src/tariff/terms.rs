//! The terms of a tariff as a rental freezes them when it starts.

use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::Currency;

/// What a ride costs: a GBFS 3.0 pricing plan (`system_pricing_plans`) and what GBFS leaves out.
///
/// Amounts are minor units, rates are major units. [`Terms::check`] holds for every tariff that
/// is stored; its bounds keep the price of ten years within range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sea_orm::FromJsonQueryResult)]
pub struct Terms {
    pub currency: Currency,
    /// Charged once per rental; `price` in GBFS.
    pub unlock_minor: i64,
    /// `per_min_pricing` in GBFS. Segments stack: each one that the ride has reached is charged.
    pub per_minute: Vec<Segment>,
    /// `per_km_pricing` in GBFS.
    pub per_kilometre: Vec<Segment>,
    /// The first minutes, for which no segment charges.
    pub included_minutes: u32,
    /// The most that unlock and minutes cost per started 24 hours; `None` is no cap.
    pub daily_cap_minor: Option<i64>,
    /// A fraction: 0.08875 is 8.875 %. It comes on top of all prices.
    pub tax_rate: Decimal,
    /// After how many minutes a rental is overdue; `None` is never.
    pub overdue_after_minutes: Option<u32>,
    pub penalty: Option<Penalty>,
    /// Held back while the rental runs; no part of the price.
    pub collateral_minor: i64,
    /// Charged when the vehicle does not come back.
    pub lost_vehicle_fee_minor: i64,
}

/// A rate for the minutes or kilometres from `start` (inclusive) to `end` (exclusive).
///
/// GBFS allows negative rates; here they are refused, so that a price never falls with time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub start: u32,
    /// `None` is until the ride ends.
    pub end: Option<u32>,
    /// Major units per interval, at most six decimals.
    pub rate: Decimal,
    /// Charged for each begun interval of so many units; 0 is once, when `start` is passed.
    pub interval: u32,
}

/// What an overdue rental costs on top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Penalty {
    pub basis: PenaltyBasis,
    pub amount_minor: i64,
    /// The most that one rental's penalty can be; `None` is no limit.
    pub max_minor: Option<i64>,
}

/// How often a penalty's amount is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyBasis {
    Flat,
    /// For each started hour after the rental became overdue.
    PerStartedHour,
}

/// The first field of a tariff that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {rule}", .path.join("."))]
pub struct TermsError {
    /// The field by its names in the API, as in `["perMinute", "1", "end"]`.
    pub path: Vec<String>,
    /// Displays as a message for people.
    pub rule: TermsRule,
}

/// The rules that terms keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsRule {
    #[error("must not be negative")]
    NotNegative,
    #[error("is too large")]
    InRange,
    #[error("must have at most {} decimals", Terms::MAX_DECIMALS)]
    FewDecimals,
    #[error("must be after start")]
    EndAfterStart,
    #[error("must have at most {} segments", Terms::MAX_SEGMENTS)]
    FewSegments,
    #[error("must be at most 1")]
    AtMostOne,
    #[error("is required when there is a penalty")]
    NeededForPenalty,
}

impl TermsError {
    fn new(field: &str, rule: TermsRule) -> Self {
        Self { path: vec![field.to_owned()], rule }
    }

    /// The same error, seen from the field that contains this one.
    fn within(mut self, field: impl ToString) -> Self {
        self.path.insert(0, field.to_string());
        self
    }
}

impl Terms {
    /// The most that one amount may be, in minor units.
    pub const MAX_AMOUNT_MINOR: i64 = 1_000_000_000_000;
    /// The most that one interval of a segment may cost, in minor units.
    pub const MAX_RATE_MINOR: i64 = 1_000_000_000;
    /// The largest count of minutes or kilometres (19 years of minutes).
    pub const MAX_UNITS: u32 = 10_000_000;
    /// The most segments per list.
    pub const MAX_SEGMENTS: usize = 20;
    /// The decimals of a rate and of the tax rate.
    pub const MAX_DECIMALS: u32 = 6;

    /// When a rental that starts then becomes overdue; None when it never does.
    pub fn due_at(&self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.overdue_after_minutes.map(|minutes| start + Duration::minutes(minutes.into()))
    }

    /// Says which field first breaks a rule; terms that pass can be priced for ten years.
    pub fn check(&self) -> Result<(), TermsError> {
        amount("unlockPrice", self.unlock_minor)?;
        self.check_segments("perMinute", &self.per_minute)?;
        self.check_segments("perKilometre", &self.per_kilometre)?;
        units("includedMinutes", self.included_minutes)?;
        amount("dailyCap", self.daily_cap_minor.unwrap_or(0))?;
        decimal("taxRate", self.tax_rate, Decimal::ONE, TermsRule::AtMostOne)?;
        self.check_overdue()?;
        amount("collateral", self.collateral_minor)?;
        amount("lostVehicleFee", self.lost_vehicle_fee_minor)
    }

    fn check_segments(&self, field: &str, segments: &[Segment]) -> Result<(), TermsError> {
        if segments.len() > Terms::MAX_SEGMENTS {
            return Err(TermsError::new(field, TermsRule::FewSegments));
        }
        for (index, segment) in segments.iter().enumerate() {
            segment.check(self.currency).map_err(|error| error.within(index).within(field))?;
        }
        Ok(())
    }

    fn check_overdue(&self) -> Result<(), TermsError> {
        const AFTER: &str = "overdueAfterMinutes";
        units(AFTER, self.overdue_after_minutes.unwrap_or(0))?;
        let Some(penalty) = &self.penalty else {
            return Ok(());
        };
        if self.overdue_after_minutes.is_none() {
            return Err(TermsError::new(AFTER, TermsRule::NeededForPenalty));
        }
        amount("amount", penalty.amount_minor)
            .and_then(|()| amount("max", penalty.max_minor.unwrap_or(0)))
            .map_err(|error| error.within("penalty"))
    }
}

impl Segment {
    fn check(&self, currency: Currency) -> Result<(), TermsError> {
        let most = Decimal::new(Terms::MAX_RATE_MINOR, currency.exponent());
        units("start", self.start)?;
        if let Some(end) = self.end {
            units("end", end)?;
            if end <= self.start {
                return Err(TermsError::new("end", TermsRule::EndAfterStart));
            }
        }
        decimal("rate", self.rate, most, TermsRule::InRange)?;
        units("interval", self.interval)
    }
}

fn amount(field: &str, minor: i64) -> Result<(), TermsError> {
    match minor {
        ..0 => Err(TermsError::new(field, TermsRule::NotNegative)),
        0..=Terms::MAX_AMOUNT_MINOR => Ok(()),
        _ => Err(TermsError::new(field, TermsRule::InRange)),
    }
}

fn units(field: &str, count: u32) -> Result<(), TermsError> {
    match count {
        0..=Terms::MAX_UNITS => Ok(()),
        _ => Err(TermsError::new(field, TermsRule::InRange)),
    }
}

fn decimal(field: &str, value: Decimal, most: Decimal, above: TermsRule) -> Result<(), TermsError> {
    let broken = if value < Decimal::ZERO {
        TermsRule::NotNegative
    } else if value > most {
        above
    } else if value.normalize().scale() > Terms::MAX_DECIMALS {
        TermsRule::FewDecimals
    } else {
        return Ok(());
    };
    Err(TermsError::new(field, broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        serde_json::from_value(serde_json::json!({
            "currency": "EUR", "unlock_minor": 100,
            "per_minute": [
                {"start": 0, "end": 30, "rate": "0.10", "interval": 1},
                {"start": 30, "end": null, "rate": "0.20", "interval": 1}],
            "per_kilometre": [{"start": 0, "end": null, "rate": "0.05", "interval": 1}],
            "included_minutes": 0, "daily_cap_minor": 2000, "tax_rate": "0.08875",
            "overdue_after_minutes": 1440,
            "penalty": {"basis": "per_started_hour", "amount_minor": 500, "max_minor": 5000},
            "collateral_minor": 0, "lost_vehicle_fee_minor": 150000,
        }))
        .unwrap()
    }

    fn refused(change: impl FnOnce(&mut Terms)) -> String {
        let mut terms = terms();
        change(&mut terms);
        terms.check().unwrap_err().to_string()
    }

    #[test]
    fn terms_survive_json() {
        let json = serde_json::to_string(&terms()).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&json).unwrap(), terms());
        assert!(json.contains("\"tax_rate\":\"0.08875\""), "{json}");
        assert_eq!(terms().check(), Ok(()));
    }

    #[test]
    fn an_error_names_the_field_as_the_api_does() {
        let mut terms = terms();
        terms.per_minute[1].end = Some(30);
        let error = terms.check().unwrap_err();
        assert_eq!(error.path, ["perMinute", "1", "end"]);
        assert_eq!(error.rule.to_string(), "must be after start");
    }

    #[test]
    fn nothing_is_negative() {
        let minus = Decimal::NEGATIVE_ONE;
        let fields = [
            refused(|t| t.unlock_minor = -1),
            refused(|t| t.per_kilometre[0].rate = minus),
            refused(|t| t.daily_cap_minor = Some(-1)),
            refused(|t| t.tax_rate = minus),
            refused(|t| t.penalty.as_mut().unwrap().amount_minor = -1),
            refused(|t| t.penalty.as_mut().unwrap().max_minor = Some(-1)),
            refused(|t| t.collateral_minor = -1),
            refused(|t| t.lost_vehicle_fee_minor = i64::MIN),
        ];
        let paths = fields.map(|text| text.replace(": must not be negative", ""));
        let first = ["unlockPrice", "perKilometre.0.rate", "dailyCap", "taxRate"];
        let last = ["penalty.amount", "penalty.max", "collateral", "lostVehicleFee"];
        assert_eq!(paths[..4], first);
        assert_eq!(paths[4..], last);
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let fine = Decimal::new(1, 7);
        let many = |t: &mut Terms| t.per_minute = vec![t.per_minute[0].clone(); 21];
        let texts = [
            refused(|t| t.unlock_minor = Terms::MAX_AMOUNT_MINOR + 1),
            refused(|t| t.per_minute[0].rate = Decimal::new(Terms::MAX_RATE_MINOR + 1, 2)),
            refused(|t| t.per_minute[0].rate = fine),
            refused(|t| t.per_minute[0].interval = u32::MAX),
            refused(|t| t.tax_rate = Decimal::new(101, 2)),
            refused(|t| t.tax_rate = fine),
            refused(many),
            refused(|t| t.overdue_after_minutes = None),
        ];
        let expected = "unlockPrice: is too large
perMinute.0.rate: is too large
perMinute.0.rate: must have at most 6 decimals
perMinute.0.interval: is too large
taxRate: must be at most 1
taxRate: must have at most 6 decimals
perMinute: must have at most 20 segments
overdueAfterMinutes: is required when there is a penalty";
        assert_eq!(texts.join("\n"), expected);
    }
}
