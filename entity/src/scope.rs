//! What an API client was given: words such as `fleet:read`.

use std::{fmt, str::FromStr};

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    BoardRead,
    TariffsRead,
    TariffsWrite,
    VehiclesRead,
    FleetRead,
    FleetWrite,
    CustomersRead,
    CustomersWrite,
    RentalsRead,
    RentalsWrite,
    MoneyRead,
}

impl Scope {
    pub const ALL: &[Self] = &[
        Self::BoardRead,
        Self::TariffsRead,
        Self::TariffsWrite,
        Self::VehiclesRead,
        Self::FleetRead,
        Self::FleetWrite,
        Self::CustomersRead,
        Self::CustomersWrite,
        Self::RentalsRead,
        Self::RentalsWrite,
        Self::MoneyRead,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::BoardRead => "board:read",
            Self::TariffsRead => "tariffs:read",
            Self::TariffsWrite => "tariffs:write",
            Self::VehiclesRead => "vehicles:read",
            Self::FleetRead => "fleet:read",
            Self::FleetWrite => "fleet:write",
            Self::CustomersRead => "customers:read",
            Self::CustomersWrite => "customers:write",
            Self::RentalsRead => "rentals:read",
            Self::RentalsWrite => "rentals:write",
            Self::MoneyRead => "money:read",
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of them, written with spaces between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, sea_orm::DeriveValueType)]
#[sea_orm(value_type = "String", column_type = "Text")]
pub struct Scopes(u32);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope")]
pub struct UnknownScope(String);

impl Scopes {
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What both have.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl serde::Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let scope = |word: &str| {
            let known = Scope::ALL.iter().find(|scope| scope.as_str() == word);
            known.copied().ok_or_else(|| UnknownScope(word.to_owned()))
        };
        text.split_whitespace().map(scope).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = Scope::ALL.iter().filter(|scope| self.contains(**scope));
        let words: Vec<_> = given.map(|scope| scope.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_and_unknown_words_are_named() {
        let scopes: Scopes = "rentals:write board:read".parse().unwrap();
        assert_eq!(scopes.to_string(), "board:read rentals:write");
        assert!(scopes.contains(Scope::BoardRead) && !scopes.contains(Scope::FleetRead));
        assert_eq!("board:read all".parse::<Scopes>(), Err(UnknownScope("all".to_owned())));
    }
}
