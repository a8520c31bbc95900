//! What is true of the price of every ride.

use super::tests::free;
use super::*;
use proptest::prelude::*;

use LineKind::{Cap, Minutes, Unlock};

fn any_segment() -> impl Strategy<Value = Segment> {
    let length = prop_oneof![Just(None), (1..5_000_u32).prop_map(Some)];
    let interval = prop_oneof![Just(0), Just(1), 0..3_000_u32];
    let rate =
        (0..3_000_000_i64, 3..=6_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale));
    (0..5_000_u32, length, rate, interval).prop_map(|(start, length, rate, interval)| Segment {
        start,
        end: length.map(|length| start + length),
        rate,
        interval,
    })
}

fn any_penalty() -> impl Strategy<Value = Penalty> {
    let basis = prop_oneof![Just(PenaltyBasis::Flat), Just(PenaltyBasis::PerStartedHour)];
    (basis, 0..10_000_i64, prop::option::of(0..50_000_i64))
        .prop_map(|(basis, amount_minor, max_minor)| Penalty { basis, amount_minor, max_minor })
}

prop_compose! {
    /// Terms as fleets have them, which pass the check.
    fn any_terms()(
        code in prop::sample::select(vec!["JPY", "EUR", "KWD", "CLF"]),
        unlock_minor in 0..5_000_i64,
        per_minute in prop::collection::vec(any_segment(), 0..5),
        per_kilometre in prop::collection::vec(any_segment(), 0..3),
        included_minutes in prop_oneof![Just(0), 0..3_000_u32],
        daily_cap_minor in prop::option::of(0..20_000_i64),
        tax_micro in 0..=1_000_000_i64,
        (overdue, penalty) in (0..6_000_u32, prop::option::of(any_penalty())),
        lost_vehicle_fee_minor in 0..500_000_i64,
    ) -> Terms {
        Terms {
            unlock_minor, per_minute, per_kilometre, included_minutes, daily_cap_minor, penalty,
            tax_rate: Decimal::new(tax_micro, 6),
            overdue_after_minutes: Some(overdue),
            lost_vehicle_fee_minor,
            ..free(code)
        }
    }
}

prop_compose! {
    fn any_ride()(millis in 0..20 * 86_400_000_i64, distance_meters in 0..2_000_000_i64, lost: bool) -> Ride {
        Ride { duration: Duration::milliseconds(millis), distance_meters, lost }
    }
}

/// Rates that no currency refuses, up to the largest.
fn big_rate() -> impl Strategy<Value = Decimal> {
    let mantissa = prop_oneof![0..=Terms::MAX_RATE_MINOR, Just(Terms::MAX_RATE_MINOR)];
    (mantissa, 4..=6_u32).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn big_amount() -> impl Strategy<Value = i64> {
    prop_oneof![0..=Terms::MAX_AMOUNT_MINOR, Just(0), Just(Terms::MAX_AMOUNT_MINOR)]
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    (any::<i128>(), 0..=28_u32)
        .prop_map(|(bits, scale)| Decimal::from_i128_with_scale(bits >> 32, scale))
}

prop_compose! {
    /// Terms with numbers of the given kinds, which the check may refuse.
    fn terms_of(
        amount: impl Strategy<Value = i64> + Clone,
        rate: impl Strategy<Value = Decimal>,
        most_units: u32,
    )(
        mut terms in any_terms(),
        segments in prop::collection::vec((any_segment(), rate, 0..=most_units), 0..=20),
        amounts in prop::collection::vec(amount, 4),
        included_minutes in 0..=most_units,
    ) -> Terms {
        let segments = segments.into_iter().map(|(segment, rate, interval)| {
            let start = interval / 2;
            Segment { rate, start, end: segment.end.map(|_| interval.max(1)), interval }
        });
        terms.per_minute.extend(segments.clone().take(15));
        terms.per_kilometre.extend(segments.take(15));
        if let Some(penalty) = &mut terms.penalty {
            penalty.amount_minor = amounts[0];
        }
        Terms {
            unlock_minor: amounts[1],
            daily_cap_minor: terms.daily_cap_minor.map(|_| amounts[2]),
            lost_vehicle_fee_minor: amounts[3],
            included_minutes: included_minutes / 1000,
            ..terms
        }
    }
}

proptest! {
    #[test]
    fn generated_terms_pass_the_check(terms in any_terms()) {
        prop_assert_eq!(terms.check(), Ok(()));
    }

    #[test]
    fn the_parts_sum_to_the_whole(terms in any_terms(), ride in any_ride()) {
        let price = price(&terms, &ride).unwrap();
        let parts: i64 = price.lines().iter().map(|line| line.amount_minor).sum();
        prop_assert_eq!(parts, price.total().minor());
        prop_assert!(price.lines().is_sorted_by(|a, b| a.kind < b.kind));
        for line in price.lines() {
            prop_assert!(line.amount_minor != 0 && (line.amount_minor < 0) == (line.kind == Cap));
        }
    }

    #[test]
    fn a_longer_ride_is_never_cheaper(terms in any_terms(), ride in any_ride(), more in 0..10 * 86_400_i64) {
        let longer = Ride { duration: ride.duration + Duration::seconds(more), ..ride };
        let [short, long] = [ride, longer].map(|ride| price(&terms, &ride).unwrap());
        prop_assert!(short.total().minor() <= long.total().minor());
        let penalty = |price: &Price| price.lines().iter().find(|l| l.kind == LineKind::Penalty).map_or(0, |l| l.amount_minor);
        prop_assert!(penalty(&short) <= penalty(&long));
    }

    #[test]
    fn a_farther_ride_is_never_cheaper(terms in any_terms(), ride in any_ride(), more in 0..2_000_000_i64) {
        let farther = Ride { distance_meters: ride.distance_meters + more, ..ride };
        let [near, far] = [ride, farther].map(|ride| price(&terms, &ride).unwrap().total().minor());
        prop_assert!(near <= far);
    }

    #[test]
    fn the_cap_is_respected(terms in any_terms(), cap in 0..20_000_i64, ride in any_ride()) {
        let terms = Terms { daily_cap_minor: Some(cap), ..terms };
        let price = price(&terms, &ride).unwrap();
        let capped = price.lines().iter().filter(|line| matches!(line.kind, Unlock | Minutes | Cap));
        let sum: i64 = capped.map(|line| line.amount_minor).sum();
        let days = (ride.duration.num_milliseconds() as u64).div_ceil(86_400_000).max(1);
        prop_assert!(0 <= sum && sum <= cap * days as i64);
    }

    #[test]
    fn a_cap_out_of_reach_changes_nothing(terms in any_terms(), ride in any_ride()) {
        let uncapped = Terms { daily_cap_minor: None, ..terms.clone() };
        let high = Terms { daily_cap_minor: Some(Terms::MAX_AMOUNT_MINOR), ..terms };
        prop_assert_eq!(price(&high, &ride), price(&uncapped, &ride));
    }

    #[test]
    fn checked_terms_have_a_price_for_ten_years(
        terms in terms_of(big_amount().boxed(), big_rate(), Terms::MAX_UNITS),
        millis in 0..=MAX_DAYS * 86_400_000,
        distance_meters in 0..10_000_000_000_i64,
        lost: bool,
    ) {
        prop_assert_eq!(terms.check(), Ok(()));
        let ride = Ride { duration: Duration::milliseconds(millis), distance_meters, lost };
        prop_assert!(price(&terms, &ride).is_ok());
    }

    #[test]
    fn nothing_panics(
        terms in terms_of(any::<i64>().boxed(), any_decimal(), u32::MAX),
        tax_rate in any_decimal(),
        millis in prop_oneof![-i64::MAX..=i64::MAX, 0..=MAX_DAYS * 86_400_000],
        distance_meters: i64,
        lost: bool,
    ) {
        let terms = Terms { tax_rate, ..terms };
        let ride = Ride { duration: Duration::milliseconds(millis), distance_meters, lost };
        let _ = (terms.check(), price(&terms, &ride));
    }
}
