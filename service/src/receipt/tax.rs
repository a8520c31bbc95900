//! The tax in a part of an amount, so that the parts' taxes sum to the whole's exactly: pure.

/// An amount with the tax in it, in minor units, neither negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taxed {
    pub total_minor: i64,
    pub tax_minor: i64,
}

impl Taxed {
    /// The tax in the next part, after parts that came to `so_far`.
    ///
    /// What all parts together should hold is rounded, half away from zero, and what the earlier ones hold is taken off: so
    /// no part is off by more than one minor unit, and the last one takes what is left. What goes beyond the whole has none.
    pub fn next(self, so_far: Self, part_minor: i64) -> i64 {
        let together = so_far.total_minor.saturating_add(part_minor);
        let due = if together >= self.total_minor {
            self.tax_minor
        } else {
            let (tax, whole) = (i128::from(self.tax_minor), i128::from(self.total_minor.max(1)));
            let rounded = (2 * tax * i128::from(together) + whole).div_euclid(2 * whole);
            // Not more than the whole's tax.
            i64::try_from(rounded).unwrap_or(self.tax_minor)
        };
        due.saturating_sub(so_far.tax_minor).clamp(0, part_minor.max(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(whole: (i64, i64), so_far: (i64, i64), part: i64) -> i64 {
        let taxed = |(total_minor, tax_minor)| Taxed { total_minor, tax_minor };
        taxed(whole).next(taxed(so_far), part)
    }

    #[test]
    fn a_part_has_its_share_and_the_last_takes_the_rest() {
        assert_eq!(next((1_000, 200), (0, 0), 250), 50);
        // A third of a cent each: the parts are 33, 34 and 33.
        assert_eq!(next((300, 100), (0, 0), 100), 33);
        assert_eq!(next((300, 100), (100, 33), 100), 34);
        assert_eq!(next((300, 100), (200, 67), 100), 33);
        assert_eq!(next((1, 0), (0, 0), 1), 0);
        assert_eq!(next((i64::MAX, i64::MAX / 2), (0, 0), i64::MAX), i64::MAX / 2);
    }

    #[test]
    fn what_goes_beyond_the_whole_has_no_tax() {
        assert_eq!(next((1_000, 200), (0, 0), 1_500), 200);
        assert_eq!(next((1_000, 200), (1_000, 200), 500), 0);
    }

    /// A whole with at most as much tax as the tariff's rates can make, and where it is cut.
    fn cut() -> impl Strategy<Value = (Taxed, Vec<i64>)> {
        (2..=1_000_000_000_000_i64).prop_flat_map(|total_minor| {
            let cuts = prop::collection::vec(1..total_minor, 0..8);
            (0..=total_minor / 2, cuts).prop_map(move |(tax_minor, mut cuts)| {
                cuts.extend([0, total_minor]);
                cuts.sort_unstable();
                cuts.dedup();
                let parts = cuts.windows(2).map(|edge| edge[1] - edge[0]).collect();
                (Taxed { total_minor, tax_minor }, parts)
            })
        })
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole((whole, parts) in cut()) {
            let mut so_far = Taxed { total_minor: 0, tax_minor: 0 };
            for part in parts {
                let tax = whole.next(so_far, part);
                prop_assert!((0..=part).contains(&tax));
                let exact = whole.tax_minor as f64 * part as f64 / whole.total_minor as f64;
                prop_assert!((tax as f64 - exact).abs() <= 1.001, "{tax} of {part}: {exact}");
                so_far.total_minor += part;
                so_far.tax_minor += tax;
            }
            prop_assert_eq!(so_far, whole);
        }

        #[test]
        fn a_cent_at_a_time(total_minor in 2..400_i64, share in 0..=100_i64) {
            let whole = Taxed { total_minor, tax_minor: total_minor * share / 200 };
            let mut so_far = Taxed { total_minor: 0, tax_minor: 0 };
            for _ in 0..total_minor {
                so_far.tax_minor += whole.next(so_far, 1);
                so_far.total_minor += 1;
            }
            prop_assert_eq!(so_far, whole);
        }
    }
}
