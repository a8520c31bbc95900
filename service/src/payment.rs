//! Payments: asking for money, giving it back, and knowing what became of either.

pub mod provider;
