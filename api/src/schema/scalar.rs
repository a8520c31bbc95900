//! Scalars that the standard library of GraphQL has not: decimals that never pass through a float, currencies, cursors, and typed ids.

use std::borrow::Cow;

use async_graphql::{
    ID, InputType, InputValueError, InputValueResult, Scalar, ScalarType, Value, registry::Registry,
};
use chrono::{NaiveDate, SecondsFormat, SubsecRound, Utc};
use entity::{Id, money};
use rust_decimal::Decimal as Exact;

/// An exact decimal number as a string, such as `"12.50"`. A JSON number is refused, because it may have lost digits on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decimal(pub Exact);

/// An exact decimal number as a string, such as `"12.50"`. A JSON number is refused, because it may have lost digits on its way.
#[Scalar(specified_by_url = "https://www.w3.org/TR/xmlschema11-2/#decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::custom("a decimal is a string, such as \"12.50\""));
        };
        let plain = !text.is_empty()
            && text.len() <= 30
            && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        match Exact::from_str_exact(text) {
            Ok(exact) if plain => Ok(Self(exact)),
            _ => Err(InputValueError::custom("is not a decimal number, such as \"12.50\"")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An ISO 4217 currency code, such as `KES`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurrencyCode(pub money::Currency);

/// An ISO 4217 currency code, such as `KES`.
#[Scalar(specified_by_url = "https://www.iso.org/iso-4217-currency-codes.html")]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(code) => code.parse().map(Self).map_err(InputValueError::custom),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.code().to_owned())
    }
}

/// A place in the stream of a tenant's events: everything up to it is known to whoever holds it.
///
/// Opaque and signed. Give the newest one that you have as `after` to go on from there.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor(pub String);

/// A place in the stream of a tenant's events: everything up to it is known to whoever holds it.
///
/// Opaque and signed. Give the newest one that you have as `after` to go on from there.
#[Scalar(specified_by_url = "https://relay.dev/graphql/connections.htm#sec-Cursor")]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= 200 => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A moment in UTC, RFC 3339, to the microsecond at most: `2035-01-01T12:00:00Z`. Another offset is read and turned into UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// A moment in UTC, RFC 3339, to the microsecond at most: `2035-01-01T12:00:00Z`. Another offset is read and turned into UTC.
#[Scalar(specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        match chrono::DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Self(time.with_timezone(&Utc).trunc_subsecs(6))),
            Err(_) => Err(InputValueError::custom("is not a time in RFC 3339")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// A day of a calendar, `2035-01-31`, without a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Date(pub NaiveDate);

/// A day of a calendar, `2035-01-31`, without a time.
#[Scalar(specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        read_day(text)
            .map(Self)
            .ok_or_else(|| InputValueError::custom("is not a day, such as 2035-01-31"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// In exactly this form.
pub fn read_day(text: &str) -> Option<NaiveDate> {
    text.parse::<NaiveDate>().ok().filter(|day| day.to_string() == text)
}

/// An `ID` argument that must be of one kind. One of another kind is a fault of the client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gid<I>(pub I);

impl<I: Id> InputType for Gid<I> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => text.parse().map(Self).map_err(InputValueError::custom),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Typed ids as the service wants them.
pub fn ids<I: Id>(ids: Option<Vec<Gid<I>>>) -> Vec<I> {
    ids.unwrap_or_default().into_iter().map(|Gid(id)| id).collect()
}
