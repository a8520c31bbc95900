//! Amounts as Stripe counts them, which is nearly as ISO 4217 does.
//!
//! After <https://docs.stripe.com/currencies>: zero-decimal and three-decimal currencies, and the special cases.

use entity::money::{Currency, Money};

use super::super::{Decline, ProviderError, Result};

/// Counted in whole units, whatever ISO says.
const WHOLE: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// Have lost their cents, and are still counted in them.
const WHOLE_IN_CENTS: &[&str] = &["ISK", "UGX"];
/// Counted in thousandths of which the last digit is 0.
const THOUSANDTHS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

/// What is asked for, or a no before anybody is asked.
pub fn write(money: Money) -> Result<i64> {
    let code = money.currency().code();
    if money.minor() <= 0 {
        return Err(refused("amount_too_small", "The amount must be more than nothing."));
    }
    let Some(decimals) = decimals(money.currency()) else {
        return Err(refused("invalid_currency", &format!("Stripe does not take {code}.")));
    };
    scaled(money.minor(), money.currency().exponent(), decimals)
        .filter(|amount| !THOUSANDTHS.contains(&code) || amount % 10 == 0)
        .ok_or_else(|| {
            refused("invalid_amount", &format!("Stripe takes no such small parts of {code}."))
        })
}

/// What Stripe says; None when it cannot be kept.
pub fn read(amount: i64, code: &str) -> Option<Money> {
    let currency: Currency = code.to_ascii_uppercase().parse().ok()?;
    let minor = scaled(amount, decimals(currency)?, currency.exponent())?;
    Some(Money::new(minor, currency))
}

fn decimals(currency: Currency) -> Option<u32> {
    let code = currency.code();
    match currency.exponent() {
        _ if WHOLE.contains(&code) => Some(0),
        _ if WHOLE_IN_CENTS.contains(&code) => Some(2),
        3 if THOUSANDTHS.contains(&code) => Some(3),
        2 => Some(2),
        _ => None,
    }
}

/// Exactly, or not at all.
fn scaled(amount: i64, from: u32, to: u32) -> Option<i64> {
    let factor = 10_i64.checked_pow(from.abs_diff(to))?;
    if to >= from {
        amount.checked_mul(factor)
    } else {
        (amount % factor == 0).then_some(amount / factor)
    }
}

fn refused(code: &str, message: &str) -> ProviderError {
    ProviderError::Refused(Decline { code: code.to_owned(), message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    fn refusal(minor: i64, code: &str) -> String {
        match write(money(minor, code)) {
            Err(ProviderError::Refused(decline)) => decline.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_amount_goes_in_the_units_that_stripe_counts() {
        let pairs = [
            (1099, "EUR", 1099),
            (500, "JPY", 500),
            (700, "RWF", 700),
            (5, "UGX", 500),
            (5, "ISK", 500),
            (5120, "KWD", 5120),
            (500, "MGA", 5),
        ];
        for (minor, code, amount) in pairs {
            assert_eq!(write(money(minor, code)).unwrap(), amount, "{code}");
            assert_eq!(read(amount, &code.to_lowercase()), Some(money(minor, code)), "{code}");
        }
    }

    #[test]
    fn what_stripe_cannot_take_is_refused_before_it_is_asked() {
        assert_eq!(refusal(0, "EUR"), "amount_too_small");
        assert_eq!(refusal(-1, "EUR"), "amount_too_small");
        assert_eq!(refusal(5124, "KWD"), "invalid_amount");
        assert_eq!(refusal(550, "MGA"), "invalid_amount");
        assert_eq!(refusal(i64::MAX, "UGX"), "invalid_amount");
        for code in ["LYD", "IQD", "CLF", "UYI"] {
            assert_eq!(refusal(1000, code), "invalid_currency", "{code}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_not_read() {
        assert_eq!(read(550, "isk"), None);
        assert_eq!(read(100, "btc"), None);
    }
}
