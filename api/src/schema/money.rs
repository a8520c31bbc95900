//! Money as clients see it.

use async_graphql::SimpleObject;
use entity::money;

use super::scalar::{CurrencyCode, Decimal};

/// An amount of money in one currency.
#[derive(Clone, SimpleObject)]
pub struct Money {
    /// Major units with as many decimals as the currency has: `"5.00"` for USD, `"5"` for JPY.
    amount: Decimal,
    /// ISO 4217.
    currency: CurrencyCode,
}

impl From<money::Money> for Money {
    fn from(money: money::Money) -> Self {
        Self { amount: Decimal(money.amount()), currency: CurrencyCode(money.currency()) }
    }
}
