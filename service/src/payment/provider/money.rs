//! An amount as the two fields that it is kept in.

use entity::money::{Currency, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Fields {
    minor: i64,
    currency: Currency,
}

pub fn serialize<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    Fields { minor: money.minor(), currency: money.currency() }.serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
    Fields::deserialize(deserializer).map(|Fields { minor, currency }| Money::new(minor, currency))
}

pub mod optional {
    use super::{Deserialize, Deserializer, Fields, Money, Serialize, Serializer};

    pub fn serialize<S: Serializer>(
        money: &Option<Money>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        money
            .map(|money| Fields { minor: money.minor(), currency: money.currency() })
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Money>, D::Error> {
        let fields = Option::<Fields>::deserialize(deserializer)?;
        Ok(fields.map(|Fields { minor, currency }| Money::new(minor, currency)))
    }
}
