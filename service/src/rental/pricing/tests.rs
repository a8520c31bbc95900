//! Prices by example.

use super::*;

use LineKind::{Cap, Distance, LostVehicle, Minutes, Tax, Unlock};

/// Terms that charge nothing.
pub fn free(currency: &str) -> Terms {
    Terms {
        currency: currency.parse().unwrap(),
        unlock_minor: 0,
        per_minute: vec![],
        per_kilometre: vec![],
        included_minutes: 0,
        daily_cap_minor: None,
        tax_rate: Decimal::ZERO,
        overdue_after_minutes: None,
        penalty: None,
        collateral_minor: 0,
        lost_vehicle_fee_minor: 0,
    }
}

fn segment(start: u32, end: Option<u32>, rate: &str, interval: u32) -> Segment {
    Segment { start, end, rate: rate.parse().unwrap(), interval }
}

fn by_the_minute(currency: &str, rate: &str) -> Terms {
    Terms { per_minute: vec![segment(0, None, rate, 1)], ..free(currency) }
}

fn ride(seconds: i64) -> Ride {
    Ride { duration: Duration::seconds(seconds), distance_meters: 0, lost: false }
}

fn total(terms: &Terms, seconds: i64) -> i64 {
    price(terms, &ride(seconds)).unwrap().total().minor()
}

fn amounts(terms: &Terms, ride: &Ride) -> Vec<(LineKind, i64, Option<i64>)> {
    let lines = price(terms, ride).unwrap().into_lines();
    lines.iter().map(|line| (line.kind, line.amount_minor, line.quantity)).collect()
}

#[test]
fn the_example_of_gbfs() {
    let per_minute = vec![segment(30, Some(60), "3", 0), segment(60, None, "0.10", 1)];
    let plan = Terms { unlock_minor: 200, per_minute, ..free("EUR") };
    let minutes = [0, 1, 30, 31, 60, 61, 90];
    let totals = minutes.map(|minute| total(&plan, minute * 60));
    assert_eq!(totals, [200, 200, 200, 500, 500, 510, 800]);
    assert_eq!(total(&plan, 30 * 60 + 1), 500);
    let moment = Duration::minutes(30) + Duration::microseconds(1);
    let price = price(&plan, &Ride { duration: moment, ..ride(0) }).unwrap();
    assert_eq!(price.total().amount().to_string(), "5.00");
}

#[test]
fn segments_stack_and_begun_intervals_count() {
    let per_minute = vec![segment(0, None, "1", 15), segment(20, Some(40), "0.5", 10)];
    let terms = Terms { per_minute, ..free("EUR") };
    let totals = [15, 16, 21, 31, 300].map(|minute| total(&terms, minute * 60));
    assert_eq!(totals, [100, 200, 250, 400, 2100]);
}

#[test]
fn included_minutes_move_the_start_of_a_segment() {
    let terms = Terms { included_minutes: 30, ..by_the_minute("EUR", "0.10") };
    assert_eq!(amounts(&terms, &ride(30 * 60)), []);
    assert_eq!(amounts(&terms, &ride(30 * 60 + 1)), [(Minutes, 10, Some(31))]);
}

#[test]
fn a_free_ride_has_no_lines() {
    let price = price(&free("JPY"), &ride(86_400)).unwrap();
    assert_eq!((price.lines().len(), price.total().minor()), (0, 0));
    assert_eq!(price.currency().code(), "JPY");
}

#[test]
fn each_line_is_rounded_once_half_away_from_zero() {
    let third = "0.333333";
    assert_eq!(total(&by_the_minute("JPY", third), 3 * 60), 1);
    assert_eq!(total(&by_the_minute("KWD", third), 3 * 60), 1000);
    assert_eq!(total(&by_the_minute("EUR", "0.001"), 4 * 60), 0);
    assert_eq!(total(&by_the_minute("EUR", "0.001"), 5 * 60), 1);
    let taxed = Terms { unlock_minor: 50, tax_rate: Decimal::new(25, 2), ..free("EUR") };
    assert_eq!(amounts(&taxed, &ride(0)), [(Unlock, 50, None), (Tax, 13, None)]);
}

#[test]
fn the_cap_holds_for_each_started_day() {
    let terms = Terms {
        unlock_minor: 100,
        daily_cap_minor: Some(1000),
        per_kilometre: vec![segment(0, None, "2", 1)],
        ..by_the_minute("EUR", "0.10")
    };
    assert_eq!(total(&terms, 90 * 60), 1000);
    assert_eq!(total(&terms, 91 * 60), 1000);
    assert_eq!(total(&terms, 86_400), 1000);
    assert_eq!(total(&terms, 86_401), 1010);
    let ride = Ride { distance_meters: 10_001, ..ride(2 * 86_400) };
    let expected = [
        (Unlock, 100, None),
        (Minutes, 28_800, Some(2880)),
        (Distance, 2200, Some(11)),
        (Cap, -26_900, Some(2)),
    ];
    assert_eq!(amounts(&terms, &ride), expected);
}

#[test]
fn the_cap_holds_before_the_first_minute_and_counts_only_days_beyond_it() {
    let terms = Terms { unlock_minor: 600, daily_cap_minor: Some(500), ..free("EUR") };
    let capped = [(Unlock, 600, None), (Cap, -100, Some(1))];
    assert_eq!(amounts(&terms, &ride(0)), capped);
    let second_day_at_the_cap = Terms {
        unlock_minor: 0,
        per_minute: vec![segment(0, None, "6", 0), segment(1440, None, "5", 0)],
        ..terms
    };
    let lines = amounts(&second_day_at_the_cap, &ride(2 * 86_400));
    assert_eq!(lines, [(Minutes, 1100, Some(2880)), (Cap, -100, Some(1))]);
}

#[test]
fn minutes_beyond_the_cap_do_not_move_the_rounded_total() {
    // 1.4 on the first day and the cap of 2 on the second: 3.4, however the minutes round.
    let per_minute = vec![segment(0, None, "1.4", 1440), segment(1440, None, "0.6", 1)];
    let terms = Terms { per_minute, daily_cap_minor: Some(2), ..free("JPY") };
    for minute in 1..=10 {
        assert_eq!(total(&terms, 86_400 + minute * 60), 3, "minute {minute}");
    }
}

#[test]
fn an_overdue_rental_is_charged_up_to_the_limit() {
    let with = |basis| Terms {
        overdue_after_minutes: Some(60),
        penalty: Some(Penalty { basis, amount_minor: 500, max_minor: Some(1200) }),
        ..free("EUR")
    };
    let flat = with(PenaltyBasis::Flat);
    assert_eq!([3600, 3601, 99_999].map(|s| total(&flat, s)), [0, 500, 500]);
    let hourly = with(PenaltyBasis::PerStartedHour);
    let totals = [3600, 3601, 7200, 7201, 10_801].map(|s| total(&hourly, s));
    assert_eq!(totals, [0, 500, 500, 1000, 1200]);
}

#[test]
fn a_lost_vehicle_is_paid_for_beyond_any_cap() {
    let tax_rate = Decimal::new(8875, 5);
    let terms = Terms {
        daily_cap_minor: Some(0),
        lost_vehicle_fee_minor: 100_000,
        tax_rate,
        ..free("USD")
    };
    let lost = Ride { lost: true, ..ride(60) };
    assert_eq!(amounts(&terms, &lost), [(LostVehicle, 100_000, None), (Tax, 8875, None)]);
    assert_eq!(total(&terms, 60), 0);
}

#[test]
fn what_cannot_be_measured_has_no_price() {
    let refused = |ride| price(&by_the_minute("EUR", "0.10"), &ride).unwrap_err();
    let back = Duration::nanoseconds(-1);
    assert_eq!(refused(Ride { duration: back, ..ride(0) }), PricingError::NegativeDuration);
    assert_eq!(
        refused(Ride { duration: Duration::MIN, ..ride(0) }),
        PricingError::NegativeDuration
    );
    assert_eq!(refused(Ride { distance_meters: -1, ..ride(0) }), PricingError::NegativeDistance);
    assert_eq!(refused(ride(MAX_DAYS * 86_400 + 1)), PricingError::TooLong);
    assert_eq!(refused(Ride { duration: Duration::MAX, ..ride(0) }), PricingError::TooLong);
}

#[test]
fn the_dearest_terms_have_a_price_for_ten_years() {
    let most = Decimal::from(Terms::MAX_RATE_MINOR) - Decimal::new(1, 6);
    let segments = vec![Segment { rate: most, ..segment(0, None, "0", 1) }; Terms::MAX_SEGMENTS];
    let penalty = Penalty {
        basis: PenaltyBasis::PerStartedHour,
        amount_minor: Terms::MAX_AMOUNT_MINOR,
        max_minor: None,
    };
    let terms = Terms {
        unlock_minor: Terms::MAX_AMOUNT_MINOR,
        per_minute: segments.clone(),
        per_kilometre: segments,
        daily_cap_minor: Some(Terms::MAX_AMOUNT_MINOR),
        tax_rate: Decimal::ONE,
        overdue_after_minutes: Some(0),
        penalty: Some(penalty),
        lost_vehicle_fee_minor: Terms::MAX_AMOUNT_MINOR,
        ..free("JPY")
    };
    assert_eq!(terms.check(), Ok(()));
    let ten_years = Ride {
        distance_meters: i64::from(Terms::MAX_UNITS) * 1_000,
        lost: true,
        ..ride(MAX_DAYS * 86_400)
    };
    assert!(price(&terms, &ten_years).is_ok());
    let beyond = Ride { distance_meters: i64::MAX, ..ten_years };
    assert_eq!(price(&terms, &beyond), Err(PricingError::OutOfRange));
}
