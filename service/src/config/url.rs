//! Addresses: of the database, of Redis, of this installation, and of browsers' pages.

use std::fmt;
use std::path::Path;

use super::value::Value;

/// Where the data is kept. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// A SQLite file, created when it does not exist.
    pub fn sqlite(file: &Path) -> Self {
        // `%` and `?` mean something in the address.
        let file = file.display().to_string().replace('%', "%25").replace('?', "%3F");
        Self(format!("sqlite://{file}?mode=rwc"))
    }

    pub fn is_sqlite(&self) -> bool {
        self.0.starts_with("sqlite:")
    }

    /// The whole address, password included: for the driver, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The Redis that carries events. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The whole address, password included: for the driver, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn database(value: &Value) -> Result<DatabaseUrl, String> {
    let text = value.text()?;
    match split(text) {
        // Each connection to a memory database would see a database of its own.
        Some(("sqlite", rest)) if rest.starts_with(":memory:") || rest.contains("mode=memory") => {
            Err("a database in memory".to_owned())
        }
        Some(("sqlite", rest)) if rest.contains("mode=") => Ok(DatabaseUrl(text.to_owned())),
        Some(("sqlite", rest)) => {
            let separator = if rest.contains('?') { '&' } else { '?' };
            Ok(DatabaseUrl(format!("{text}{separator}mode=rwc")))
        }
        Some(("postgres" | "postgresql", _)) => Ok(DatabaseUrl(text.to_owned())),
        _ => Err(value.kind()),
    }
}

/// A role of a PostgreSQL.
pub(super) fn postgres(value: &Value) -> Result<DatabaseUrl, String> {
    match split(value.text()?) {
        Some(("postgres" | "postgresql", _)) => database(value),
        _ => Err(value.kind()),
    }
}

pub(super) fn redis(value: &Value) -> Result<RedisUrl, String> {
    let text = value.text()?;
    match split(text) {
        Some(("redis" | "rediss", _)) => Ok(RedisUrl(text.to_owned())),
        _ => Err(value.kind()),
    }
}

pub(super) fn public(value: &Value) -> Result<String, String> {
    let text = value.text()?;
    match split(text) {
        Some(("http" | "https", rest))
            if !rest.starts_with('/') && !rest.contains(['?', '#', '@']) =>
        {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(value.kind()),
    }
}

/// Origins as browsers send them: lower case, nothing after the host and port.
pub(super) fn origins(value: &Value) -> Result<Vec<String>, String> {
    value.list()?.into_iter().map(origin).collect()
}

fn origin(text: &str) -> Result<String, String> {
    match split(text) {
        Some(("http" | "https", host)) if !host.contains(['/', '?', '#', '@', '*']) => {
            Ok(text.to_lowercase())
        }
        _ => Err("not a list of origins".to_owned()),
    }
}

/// Scheme and the rest, which is not empty and has no spaces.
fn split(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    (!rest.is_empty() && !rest.contains(char::is_whitespace)).then_some((scheme, rest))
}

/// The address without credentials: neither before the `@` nor among the parameters.
fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (prefix, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("***@", rest),
        None => ("", rest),
    };
    let rest = rest.split('?').next().unwrap_or_default();
    format!("{scheme}://{prefix}{rest}")
}
