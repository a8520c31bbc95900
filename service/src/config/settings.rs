//! The keys, and what the file and the variables say about each.

use std::collections::BTreeMap;

use super::FILE_VARIABLE;
use super::error::{ConfigError, Place};
use super::value::Value;

pub(super) const PREFIX: &str = "BIKELEASE_";

/// Variables of the tests, which the programs that they start inherit.
const TEST_PREFIX: &str = "BIKELEASE_TEST_";

/// Every key with what it allows, in the words of error messages.
pub const KEYS: &[(&str, &str)] = &[
    ("env", "development or production"),
    ("host", "an IP address, such as 127.0.0.1 or 0.0.0.0"),
    ("port", "a whole number from 0 to 65535; 0 takes a free port"),
    ("database_url", "sqlite://FILE, postgres://… or postgresql://…"),
    ("database_read_url", "postgres://… or postgresql://…, or nothing for database_url"),
    ("database_feed_url", "postgres://… or postgresql://…, or nothing for database_url"),
    ("database_worker_url", "postgres://… or postgresql://…, or nothing for database_url"),
    ("database_migration_url", "postgres://… or postgresql://…, or nothing for database_url"),
    ("database_rls_reads", "true or false"),
    ("database_pool", "a whole number from 1 to 1000"),
    ("redis_url", "redis://… or rediss://…"),
    ("data_dir", "the path of a directory"),
    (
        "secret",
        "at least 32 random characters, such as `openssl rand -hex 32` prints, without spaces",
    ),
    ("other_secrets", "secrets like `secret` (a list in the file, commas in the variable)"),
    ("smtp_url", "smtps://USER:PASSWORD@HOST, or smtp://HOST with ?tls=required where it has TLS"),
    ("mail_from", "an e-mail address, such as Velo Nord <rent@velo-nord.example>"),
    ("sign_ins_per_address", "a whole number from 1 to 1000000, or nothing for no limit"),
    ("requests_per_address", "a whole number from 1 to 1000000, or nothing for no limit"),
    ("requests_per_user", "a whole number from 1 to 1000000, or nothing for no limit"),
    ("requests_per_tenant", "a whole number from 1 to 1000000, or nothing for no limit"),
    ("log", "filters such as info or info,service=debug"),
    ("log_format", "auto, text or json"),
    ("public_url", "http://… or https://…, without ? and #"),
    (
        "allowed_origins",
        "origins such as https://fleet.example (a list in the file, commas in the variable)",
    ),
    (
        "trusted_proxies",
        "addresses or networks such as 10.0.0.0/8 (a list in the file, commas in the variable)",
    ),
    ("default_tenant", "a tenant's slug: at most 63 of a-z, 0-9 and -"),
    ("demo", "true or false; in production only false"),
    ("shutdown_grace_seconds", "a whole number from 0 to 3600"),
    ("shutdown_spread_seconds", "a whole number from 0 to 3600"),
    ("sockets_per_address", "a whole number from 1 to 1000000, or nothing for no limit"),
    ("sockets_per_user", "a whole number from 1 to 1000000, or nothing for no limit"),
    ("sockets_per_tenant", "a whole number from 1 to 1000000, or nothing for no limit"),
    ("event_retention_hours", "a whole number from 1 to 8760"),
    (
        "jobs",
        "all, off, or some of critical, payments, default, low (a list in the file, commas in the variable)",
    ),
    ("graphiql", "true or false"),
    ("query_bytes", "a whole number from 1000 to 1000000"),
    ("query_tokens", "a whole number from 100 to 20000"),
    ("query_nesting", "a whole number from 8 to 64"),
    ("query_selections", "a whole number from 100 to 20000"),
    ("query_aliases", "a whole number from 0 to 1000"),
    ("query_directives", "a whole number from 0 to 1000"),
    ("query_root_fields", "a whole number from 1 to 1000"),
    ("query_depth", "a whole number from 4 to 30"),
    ("query_cost", "a whole number from 100 to 10000000"),
    ("query_values", "a whole number from 100 to 100000"),
    ("query_values_nesting", "a whole number from 8 to 64"),
];

/// What was set, by key; variables have replaced the file.
pub(super) struct Settings(BTreeMap<&'static str, (Place, Value)>);

impl Settings {
    pub(super) fn collect(
        file: Option<(&str, &str)>,
        vars: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = BTreeMap::new();
        if let Some((name, text)) = file {
            for (key, value) in parse(name, text)? {
                let place = Place::File { key: key.clone(), file: name.to_owned() };
                let Some(known) = known(&key) else {
                    return Err(unknown(place, &key, str::to_owned));
                };
                settings.insert(known, (place, Value::File(value)));
            }
        }
        for (name, value) in vars {
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            if name == FILE_VARIABLE || name.starts_with(TEST_PREFIX) {
                continue;
            }
            match KEYS.iter().find(|(known, _)| variable(known) == name) {
                Some((known, _)) => {
                    settings.insert(known, (Place::Variable(name), Value::Variable(value)))
                }
                None => {
                    return Err(unknown(
                        Place::Variable(name.clone()),
                        &key.to_lowercase(),
                        variable,
                    ));
                }
            };
        }
        Ok(Self(settings))
    }

    /// What was set for `key`, read by `parser`, which answers a bad value with its kind.
    pub(super) fn get<T>(
        &self,
        key: &'static str,
        parser: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((place, value)) = self.0.get(key) else { return Ok(None) };
        parser(value).map(Some).map_err(|found| ConfigError::Malformed {
            place: place.clone(),
            found,
            allowed: allowed(key),
        })
    }

    /// Like `get`, for keys whose empty value means none.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        default: Option<T>,
        parser: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        match self.0.get(key) {
            None => Ok(default),
            Some((_, value)) if value.is_empty() => Ok(None),
            Some(_) => self.get(key, parser),
        }
    }

    pub(super) fn insecure(&self, key: &'static str, problem: &'static str) -> ConfigError {
        let place = match self.0.get(key) {
            Some((place, _)) => place.clone(),
            None => Place::Variable(variable(key)),
        };
        ConfigError::Insecure { place, problem, allowed: allowed(key) }
    }
}

/// The error for a variable whose value is not UTF-8.
pub(super) fn not_unicode(name: &str) -> ConfigError {
    let key = KEYS.iter().find(|(known, _)| variable(known) == name);
    ConfigError::Malformed {
        place: Place::Variable(name.to_owned()),
        found: "not UTF-8".to_owned(),
        allowed: key.map_or_else(|| "UTF-8".to_owned(), |(_, allowed)| (*allowed).to_owned()),
    }
}

fn parse(name: &str, text: &str) -> Result<toml::Table, ConfigError> {
    // Only the message: the error's own display quotes the line, and with it a secret.
    text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        file: name.to_owned(),
        line: line(text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })
}

/// The number of the line that the byte at `offset` is on.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn known(key: &str) -> Option<&'static str> {
    KEYS.iter().map(|(known, _)| *known).find(|known| *known == key)
}

fn allowed(key: &str) -> String {
    KEYS.iter().find(|(known, _)| *known == key).map_or("", |(_, allowed)| allowed).to_owned()
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase())
}

/// The error for `place`, with the nearest key and all keys, as `spelled` writes them there.
fn unknown(place: Place, key: &str, spelled: impl Fn(&str) -> String) -> ConfigError {
    let keys = || KEYS.iter().map(|(known, _)| *known);
    let nearest = keys().min_by_key(|known| distance(key, known)).unwrap_or_default();
    let allowed: Vec<_> = keys().map(&spelled).collect();
    ConfigError::Unknown { place, nearest: spelled(nearest), allowed: allowed.join(", ") }
}

/// How many characters to insert, remove or replace to get from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
