//! An amount of money: whole minor units of one ISO 4217 currency, never a float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// An ISO 4217 currency that has a minor unit, in serde its three capital letters.
///
/// Codes in which nobody can be charged (`XAU`, `XXX`) are refused; currencies that another one
/// has replaced stay readable, because closed rentals keep theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

/// The text is not the code of a currency that people pay with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an iso 4217 currency code")]
pub struct UnknownCurrency;

impl Currency {
    /// The three capital letters, as in `EUR`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals the minor unit has: 0 for JPY, 2 for EUR, 3 for KWD, at most 4.
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// How many minor units make one major unit: 1 for JPY, 100 for EUR, 1000 for KWD.
    pub fn minor_per_major(self) -> i64 {
        10_i64.saturating_pow(self.exponent())
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or(UnknownCurrency)
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

// A currency is kept as its code.
impl From<Currency> for sea_orm::Value {
    fn from(currency: Currency) -> Self {
        currency.code().into()
    }
}

impl sea_orm::TryGetable for Currency {
    fn try_get_by<I: sea_orm::ColIdx>(
        row: &sea_orm::QueryResult,
        index: I,
    ) -> Result<Self, sea_orm::TryGetError> {
        let code = String::try_get_by(row, index)?;
        code.parse()
            .map_err(|error: UnknownCurrency| sea_orm::DbErr::Type(error.to_string()).into())
    }
}

impl sea_orm::sea_query::ValueType for Currency {
    fn try_from(value: sea_orm::Value) -> Result<Self, sea_orm::sea_query::ValueTypeErr> {
        let code = <String as sea_orm::sea_query::ValueType>::try_from(value)?;
        code.parse().map_err(|_| sea_orm::sea_query::ValueTypeErr)
    }

    fn type_name() -> String {
        "Currency".to_owned()
    }

    fn array_type() -> sea_orm::sea_query::ArrayType {
        sea_orm::sea_query::ArrayType::String
    }

    fn column_type() -> sea_orm::sea_query::ColumnType {
        sea_orm::sea_query::ColumnType::Text
    }
}

/// Why an amount of money cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amount is finer than the currency's minor unit; it is refused, not rounded.
    #[error("more decimals than the currency has")]
    TooManyDecimals,
    #[error("amount out of range")]
    OutOfRange,
    #[error("amounts in different currencies")]
    OtherCurrency,
}

/// An amount of minor units (cents, yen, fils) in one currency; negative for a refund or rebate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn minor(self) -> i64 {
        self.minor
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in major units with all decimals of the currency: 5 euros print as `5.00`.
    pub fn amount(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    /// Reads an amount in major units; zeros beyond the currency's decimals do not matter.
    pub fn from_amount(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        // Checked before the product, which drops digits that do not fit its 96 bits.
        let amount = amount.normalize();
        if amount.scale() > currency.exponent() {
            return Err(MoneyError::TooManyDecimals);
        }
        amount
            .checked_mul(Decimal::from(currency.minor_per_major()))
            .and_then(|minor| minor.to_i64())
            .map(|minor| Self::new(minor, currency))
            .ok_or(MoneyError::OutOfRange)
    }

    /// The sum, unless it is out of range or the currencies differ.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::OtherCurrency);
        }
        self.minor
            .checked_add(other.minor)
            .map(|minor| Self::new(minor, self.currency))
            .ok_or(MoneyError::OutOfRange)
    }
}

/// Divides an amount by weights, to the minor unit: the parts sum to the whole.
///
/// By the largest remainder: each gets its share rounded towards zero, and the units that are left go to those that lost most,
/// of equals to the first. None without a positive weight, which could get it.
pub fn allocate(whole: Money, weights: &[u64]) -> Option<Vec<Money>> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let amount = u128::from(whole.minor.unsigned_abs());
    // Both factors are below 2^64.
    let shares: Vec<(u128, u128)> = weights
        .iter()
        .map(|weight| amount * u128::from(*weight))
        .map(|product| Some((product.checked_div(total)?, product.checked_rem(total)?)))
        .collect::<Option<_>>()
        .filter(|shares: &Vec<_>| !shares.is_empty())?;
    let given: u128 = shares.iter().map(|(share, _)| share).sum();
    let left = usize::try_from(amount - given).ok()?;
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|index| shares.get(*index).map(|(_, lost)| std::cmp::Reverse(*lost)));
    let lucky: std::collections::HashSet<usize> = order.into_iter().take(left).collect();
    let part = |(index, (share, _)): (usize, &(u128, u128))| {
        let share = share + u128::from(lucky.contains(&index));
        let minor = i128::try_from(share).ok()? * i128::from(whole.minor.signum());
        Some(Money::new(i64::try_from(minor).ok()?, whole.currency))
    };
    shares.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn read(amount: &str, code: &str) -> Result<i64, MoneyError> {
        Money::from_amount(amount.parse().unwrap(), currency(code)).map(Money::minor)
    }

    #[test]
    fn a_currency_is_a_code_one_can_pay_with() {
        for code in ["AAA", "eur", "", "EURO", "XXX", "XAU", "XDR"] {
            assert_eq!(code.parse::<Currency>(), Err(UnknownCurrency), "{code}");
        }
        let exponents = ["JPY", "EUR", "KWD", "CLF"].map(|code| currency(code).exponent());
        assert_eq!(exponents, [0, 2, 3, 4]);
        assert_eq!(currency("BGN").to_string(), "BGN");
    }

    #[test]
    fn a_currency_is_its_code_in_json() {
        assert_eq!(serde_json::to_string(&currency("EUR")).unwrap(), "\"EUR\"");
        let read: Currency = serde_json::from_str("\"JPY\"").unwrap();
        assert_eq!(read, currency("JPY"));
        assert!(serde_json::from_str::<Currency>("\"AAA\"").is_err());
    }

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        let print = |minor, code| Money::new(minor, currency(code)).amount().to_string();
        assert_eq!(print(500, "EUR"), "5.00");
        assert_eq!(print(500, "JPY"), "500");
        assert_eq!(print(-5, "KWD"), "-0.005");
        assert_eq!(print(i64::MIN, "EUR"), "-92233720368547758.08");
    }

    #[test]
    fn an_amount_is_read_exactly_or_not_at_all() {
        assert_eq!(read("5", "EUR"), Ok(500));
        assert_eq!(read("-5.0100", "EUR"), Ok(-501));
        assert_eq!(read("5.001", "EUR"), Err(MoneyError::TooManyDecimals));
        assert_eq!(read("0.5", "JPY"), Err(MoneyError::TooManyDecimals));
        let nearly_one = "1.0000000000000000000000000001";
        assert_eq!(read(nearly_one, "EUR"), Err(MoneyError::TooManyDecimals));
        assert_eq!(read("92233720368547758.07", "EUR"), Ok(i64::MAX));
        assert_eq!(read("92233720368547758.08", "EUR"), Err(MoneyError::OutOfRange));
        let most = Decimal::MAX.to_string();
        assert_eq!(read(&most, "EUR"), Err(MoneyError::OutOfRange));
    }

    fn parts(minor: i64, code: &str, weights: &[u64]) -> Option<Vec<i64>> {
        let parts = allocate(Money::new(minor, currency(code)), weights)?;
        Some(parts.into_iter().map(Money::minor).collect())
    }

    #[test]
    fn an_amount_is_divided_to_the_last_unit() {
        assert_eq!(parts(100, "JPY", &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(parts(-100, "JPY", &[1, 1, 1]), Some(vec![-34, -33, -33]));
        assert_eq!(parts(1_001, "KWD", &[1, 0, 2]), Some(vec![334, 0, 667]));
        // Of equals the first; but the last one here lost more.
        assert_eq!(parts(5, "EUR", &[10, 10, 14]), Some(vec![2, 1, 2]));
        assert_eq!(parts(1, "EUR", &[1, 2]), Some(vec![0, 1]));
        assert_eq!(parts(0, "EUR", &[3]), Some(vec![0]));
        assert_eq!(parts(i64::MIN, "EUR", &[u64::MAX]), Some(vec![i64::MIN]));
        assert_eq!(parts(5, "EUR", &[0, 0]), None);
        assert_eq!(parts(0, "EUR", &[]), None);
    }

    #[test]
    fn a_sum_stays_in_one_currency_and_in_range() {
        let euros = |minor| Money::new(minor, currency("EUR"));
        assert_eq!(euros(1).checked_add(euros(2)), Ok(euros(3)));
        assert_eq!(euros(i64::MAX).checked_add(euros(1)), Err(MoneyError::OutOfRange));
        let yen = Money::new(1, currency("JPY"));
        assert_eq!(euros(1).checked_add(yen), Err(MoneyError::OtherCurrency));
    }

    proptest::proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_are_fair(
            minor: i64,
            code in proptest::sample::select(vec!["JPY", "EUR", "KWD"]),
            weights in proptest::collection::vec(0..1_000_000_u64, 1..12),
        ) {
            let total: u64 = weights.iter().sum();
            let parts = parts(minor, code, &weights);
            assert_eq!(parts.is_some(), total > 0);
            let Some(parts) = parts else { return Ok(()) };
            assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(minor));
            for (part, weight) in parts.iter().zip(&weights) {
                // Less than one unit from the exact share.
                let off = i128::from(*part) * i128::from(total) - i128::from(minor) * i128::from(*weight);
                assert!(off.abs() < i128::from(total));
            }
            for (one, other) in (0..weights.len()).flat_map(|one| (0..one).map(move |other| (one, other))) {
                // Of equals the first gets what is left.
                if weights[one] == weights[other] {
                    assert!(parts[other].unsigned_abs() >= parts[one].unsigned_abs());
                }
            }
        }
    }
}
