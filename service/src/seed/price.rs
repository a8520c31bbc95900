//! What the demo rents out, and for how much.

use entity::{
    tariff::{self, Penalty, PenaltyBasis, Segment, TariffId, Terms},
    vehicle_type::{self, FormFactor, PropulsionType, VehicleTypeId},
};
use rust_decimal::Decimal;
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use super::account::dollar;
use crate::{
    error::{Error, Result},
    event::Event,
    vehicle_type::DEFAULT_RESERVE_MINUTES,
    write::Tx,
};

pub(super) async fn add_tariff(tx: &Tx) -> Result<TariffId> {
    let tariff = tariff::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        name: "Single ride".to_owned(),
        description: "$2 with 30 minutes included, $4 for the next 30, $7 for every 30 after that; at most $150 a day."
            .to_owned(),
        terms: terms()?,
        is_default: true,
        archived_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    let tariff = tariff.into_active_model().reset_all().insert(&**tx).await?;
    tx.record(Event::TariffChanged { id: tariff.id });
    Ok(tariff.id)
}

pub(super) async fn add_vehicle_type(tx: &Tx, tariff: TariffId) -> Result<VehicleTypeId> {
    let vehicle_type = vehicle_type::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        name: "Classic bike".to_owned(),
        make: None,
        model: None,
        form_factor: FormFactor::Bicycle,
        propulsion_type: PropulsionType::Human,
        max_range_meters: None,
        default_reserve_minutes: DEFAULT_RESERVE_MINUTES,
        default_tariff_id: Some(tariff),
        archived_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    let vehicle_type = vehicle_type.into_active_model().reset_all().insert(&**tx).await?;
    tx.record(Event::VehicleTypeChanged { id: vehicle_type.id });
    Ok(vehicle_type.id)
}

/// Overtime in steps of half an hour, as the real system charged it.
fn terms() -> Result<Terms> {
    let half_hours = |start, end, dollars: i64| Segment {
        start,
        end,
        rate: Decimal::from(dollars),
        interval: 30,
    };
    let terms = Terms {
        currency: dollar()?,
        unlock_minor: 200,
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

    fn dollars(minutes: i64) -> i64 {
        let ride = Ride { duration: Duration::minutes(minutes), distance_meters: 0, lost: false };
        let price = price(&Terms { tax_rate: Decimal::ZERO, ..terms().unwrap() }, &ride).unwrap();
        price.total().minor() / 100
    }

    #[test]
    fn overtime_goes_in_half_hours() {
        assert_eq!([1, 30, 31, 60, 61, 90, 91].map(dollars), [2, 2, 6, 6, 13, 13, 20]);
        assert_eq!(dollars(24 * 60), 150);
        assert_eq!(dollars(24 * 60 + 1), 150 + 7 + 50);
    }
}
