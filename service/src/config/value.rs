//! One value as the file or a variable wrote it, and the types that keys read from it.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::job::queue::Queues;

/// Which promises hold: `Production` refuses what is convenient but not safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    Text,
    Json,
}

/// A value before its key has read it. Has no `Debug`: it may be the secret.
pub(super) enum Value {
    File(toml::Value),
    Variable(String),
}

impl Value {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::File(toml::Value::String(text)) | Self::Variable(text) => text.trim().is_empty(),
            Self::File(toml::Value::Array(items)) => items.is_empty(),
            Self::File(_) => false,
        }
    }

    /// The text without spaces around it; not empty.
    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Self::File(toml::Value::String(text)) | Self::Variable(text)
                if !text.trim().is_empty() =>
            {
                Ok(text.trim())
            }
            _ => Err(self.kind()),
        }
    }

    /// The texts of a list, or those between a variable's commas.
    pub(super) fn list(&self) -> Result<Vec<&str>, String> {
        match self {
            Self::File(toml::Value::Array(items)) => items
                .iter()
                .map(|item| {
                    item.as_str()
                        .map(str::trim)
                        .ok_or_else(|| "a list with other things than text".to_owned())
                })
                .collect(),
            Self::File(_) => Err(self.kind()),
            Self::Variable(text) => {
                Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
            }
        }
    }

    fn number(&self, range: RangeInclusive<i64>) -> Result<i64, String> {
        let number = match self {
            Self::File(toml::Value::Integer(number)) => *number,
            Self::File(_) => return Err(self.kind()),
            Self::Variable(text) => text.trim().parse().map_err(|_| self.kind())?,
        };
        if range.contains(&number) { Ok(number) } else { Err(format!("the number {number}")) }
    }

    /// What sort of value this is, without the value.
    pub(super) fn kind(&self) -> String {
        let kind = match self {
            Self::File(toml::Value::String(text)) | Self::Variable(text) => {
                match text.chars().count() {
                    0 => "empty",
                    1 => return "a text of 1 character".to_owned(),
                    count => return format!("a text of {count} characters"),
                }
            }
            Self::File(toml::Value::Integer(_)) => "a whole number",
            Self::File(toml::Value::Float(_)) => "a number with a fraction",
            Self::File(toml::Value::Boolean(_)) => "true or false",
            Self::File(toml::Value::Datetime(_)) => "a date or time",
            Self::File(toml::Value::Array(_)) => "a list",
            Self::File(toml::Value::Table(_)) => "a table",
        };
        kind.to_owned()
    }
}

pub(super) fn environment(value: &Value) -> Result<Environment, String> {
    match value.text()? {
        "development" => Ok(Environment::Development),
        "production" => Ok(Environment::Production),
        _ => Err(value.kind()),
    }
}

pub(super) fn log_format(value: &Value) -> Result<LogFormat, String> {
    match value.text()? {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(value.kind()),
    }
}

pub(super) fn host(value: &Value) -> Result<IpAddr, String> {
    value.text()?.parse().map_err(|_| value.kind())
}

pub(super) fn port(value: &Value) -> Result<u16, String> {
    let port = value.number(0..=i64::from(u16::MAX))?;
    u16::try_from(port).map_err(|_| value.kind())
}

pub(super) fn pool(value: &Value) -> Result<u32, String> {
    let connections = value.number(1..=1000)?;
    u32::try_from(connections).map_err(|_| value.kind())
}

pub(super) fn grace(value: &Value) -> Result<u64, String> {
    Ok(value.number(0..=3600)?.unsigned_abs())
}

pub(super) fn retention(value: &Value) -> Result<u64, String> {
    Ok(value.number(1..=8760)?.unsigned_abs())
}

pub(super) fn sockets(value: &Value) -> Result<u32, String> {
    Ok(u32::try_from(value.number(1..=1_000_000)?).unwrap_or(u32::MAX))
}

/// An address alone is a network of one.
pub(super) fn networks(value: &Value) -> Result<Vec<IpNet>, String> {
    let network = |text: &str| {
        let alone = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| alone()).map_err(|_| "not a list of networks".to_owned())
    };
    value.list()?.into_iter().map(network).collect()
}

pub(super) fn count(value: &Value, range: RangeInclusive<i64>) -> Result<usize, String> {
    Ok(usize::try_from(value.number(range)?).unwrap_or_default())
}

/// Names of queues, or one word for all or none of them.
pub(super) fn queues(value: &Value) -> Result<Queues, String> {
    match value.text() {
        Ok("all") => Ok(Queues::every()),
        Ok("off") => Ok(Queues::none()),
        Ok(names) => names.parse().map_err(|_| value.kind()),
        Err(_) => Queues::of(value.list()?).map_err(|_| "a list with an unknown queue".to_owned()),
    }
}

pub(super) fn path(value: &Value) -> Result<PathBuf, String> {
    value.text().map(PathBuf::from)
}

pub(super) fn line(value: &Value) -> Result<String, String> {
    value.text().map(str::to_owned)
}

pub(super) fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::File(toml::Value::Boolean(flag)) => Ok(*flag),
        Value::Variable(text) => text.trim().parse().map_err(|_| value.kind()),
        Value::File(_) => Err(value.kind()),
    }
}

pub(super) fn slug(value: &Value) -> Result<String, String> {
    let slug = value.text()?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.len() <= 63 && slug.chars().all(allowed) {
        Ok(slug.to_owned())
    } else {
        Err(value.kind())
    }
}
