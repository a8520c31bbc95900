//! What the system rents out, and for how much.

use entity::{
    money::Currency,
    tariff::{Penalty, PenaltyBasis, Segment, Terms},
    vehicle_type::{FormFactor, PropulsionType},
};
use rust_decimal::Decimal;

use crate::{
    error::{Error, Result},
    tariff::CreateTariff,
    tenant::CreateTenant,
    vehicle_type::{CreateVehicleType, DEFAULT_RESERVE_MINUTES},
};

pub(crate) fn dollar() -> Result<Currency> {
    "USD".parse().map_err(Error::internal)
}

/// The operator itself.
pub(crate) fn operator(slug: &str) -> Result<CreateTenant> {
    Ok(CreateTenant {
        slug: slug.to_owned(),
        name: "Bay Area Bike Share".to_owned(),
        time_zone: "America/Los_Angeles".to_owned(),
        currency: dollar()?,
        publishes_board: true,
    })
}

pub(crate) fn bike() -> CreateVehicleType {
    CreateVehicleType {
        name: "Classic bike".to_owned(),
        make: None,
        model: None,
        form_factor: FormFactor::Bicycle,
        propulsion_type: PropulsionType::Human,
        max_range_meters: None,
        default_reserve_minutes: DEFAULT_RESERVE_MINUTES,
        default_tariff: None,
    }
}

/// For whoever has no membership: the default.
pub(crate) fn single_ride() -> Result<CreateTariff> {
    Ok(CreateTariff {
        name: "Single ride".to_owned(),
        description: "$2 with 30 minutes included, $4 for the next 30, $7 for every 30 after that; at most $150 a day."
            .to_owned(),
        terms: terms(200)?,
        is_default: true,
    })
}

/// For whoever has paid for the year.
pub(crate) fn annual_member() -> Result<CreateTariff> {
    Ok(CreateTariff {
        name: "Annual member".to_owned(),
        description: "30 minutes included, $4 for the next 30, $7 for every 30 after that; at most $150 a day."
            .to_owned(),
        terms: terms(0)?,
        is_default: false,
    })
}

/// Overtime in steps of half an hour, as the real system charged it.
fn terms(unlock_minor: i64) -> Result<Terms> {
    let half_hours = |start, end, dollars: i64| Segment {
        start,
        end,
        rate: Decimal::from(dollars),
        interval: 30,
    };
    let terms = Terms {
        currency: dollar()?,
        unlock_minor,
        per_minute: vec![half_hours(30, Some(60), 4), half_hours(60, None, 7)],
        per_kilometre: Vec::new(),
        included_minutes: 30,
        daily_cap_minor: Some(15_000),
        tax_rate: Decimal::new(875, 4),
        overdue_after_minutes: Some(24 * 60),
        penalty: Some(Penalty { basis: PenaltyBasis::Flat, amount_minor: 5_000, max_minor: None }),
        collateral_minor: 10_100,
        lost_vehicle_fee_minor: 120_000,
    };
    terms.check().map_err(Error::internal)?;
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::rental::pricing::{Ride, price};

    fn dollars(unlock_minor: i64, minutes: i64) -> i64 {
        let ride = Ride { duration: Duration::minutes(minutes), distance_meters: 0, lost: false };
        let terms = Terms { tax_rate: Decimal::ZERO, ..terms(unlock_minor).unwrap() };
        price(&terms, &ride).unwrap().total().minor() / 100
    }

    #[test]
    fn overtime_goes_in_half_hours() {
        let minutes = [1, 30, 31, 60, 61, 90, 91];
        assert_eq!(minutes.map(|m| dollars(200, m)), [2, 2, 6, 6, 13, 13, 20]);
        assert_eq!(minutes.map(|m| dollars(0, m)), [0, 0, 4, 4, 11, 11, 18]);
        assert_eq!(dollars(200, 24 * 60), 150);
        assert_eq!(dollars(200, 24 * 60 + 1), 150 + 7 + 50);
    }
}
