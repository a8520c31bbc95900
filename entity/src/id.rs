//! Typed ids: a UUIDv7 in the database, a prefixed string such as `rental_…` at the edge.

/// What every typed id can do.
pub trait Id:
    Copy + Send + Sync + Sized + std::fmt::Display + std::str::FromStr<Err = IdError> + 'static
{
    const PREFIX: &'static str;
    fn from_uuid(uuid: uuid::Uuid) -> Self;
    fn uuid(self) -> uuid::Uuid;
}

/// The text is not an id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an id that starts with `{expected}_`")]
pub struct IdError {
    pub expected: &'static str,
}

/// Reads `prefix_` and 32 lower-case hexadecimal digits; nothing else is the same id.
pub(crate) fn parse(text: &str, prefix: &'static str) -> Result<uuid::Uuid, IdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|hex| {
            hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
        .and_then(|hex| uuid::Uuid::try_parse(hex).ok())
        .ok_or(IdError { expected: prefix })
}

macro_rules! id_type {
    ($name:ident, $prefix:literal) => {
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::DeriveValueType)]
        pub struct $name(uuid::Uuid);

        impl $crate::Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::IdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::parse(text, $prefix).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        // A primary key must say how it would come from a number; ours never does.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

/// The empty relations and the tenant's finder, the same for every tenant table.
macro_rules! of_tenant {
    () => {
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}

        impl Entity {
            /// The rows of one tenant. Every query starts here.
            #[expect(clippy::disallowed_methods, reason = "the one finder that is allowed")]
            pub fn of(tenant: $crate::tenant::TenantId) -> sea_orm::Select<Self> {
                Self::find().filter(Column::TenantId.eq(tenant))
            }

            /// An update of rows of one tenant.
            #[expect(clippy::disallowed_methods, reason = "scoped to the tenant")]
            pub fn update_of(tenant: $crate::tenant::TenantId) -> sea_orm::UpdateMany<Self> {
                Self::update_many().filter(Column::TenantId.eq(tenant))
            }

            /// A deletion of rows of one tenant.
            #[expect(clippy::disallowed_methods, reason = "scoped to the tenant")]
            pub fn delete_of(tenant: $crate::tenant::TenantId) -> sea_orm::DeleteMany<Self> {
                Self::delete_many().filter(Column::TenantId.eq(tenant))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::vehicle::VehicleId;

    #[test]
    fn an_id_reads_back_and_refuses_everything_else() {
        let text = "vehicle_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f";
        assert_eq!(text.parse::<VehicleId>().unwrap().to_string(), text);
        for wrong in [
            "rental_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f",
            "vehicle_018F3C5E7A6B7C8D9E0F1A2B3C4D5E6F",
            "vehicle_018f3c5e-7a6b-7c8d-9e0f-1a2b3c4d5e6f",
            "vehicle_",
            "vehicle",
            "",
            "vehicle_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6é",
        ] {
            assert!(wrong.parse::<VehicleId>().is_err(), "{wrong}");
        }
    }
}
