//! What one GraphQL request may ask for at most.

use super::error::ConfigError;
use super::settings::Settings;
use super::value;

/// The limits of the guard. What exceeds one is answered with `QUERY_REJECTED`, at every door
/// alike. Each but the last has a key of its name after `query_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// Bytes of the document.
    pub bytes: usize,
    /// Tokens of the document, without commas and comments.
    pub tokens: usize,
    /// How deep brackets of any kind stand in each other, and selections with fragments expanded.
    pub nesting: usize,
    /// Fields and fragments that are selected, with fragments expanded.
    pub selections: usize,
    /// Aliases, with fragments expanded.
    pub aliases: usize,
    /// Directives, with fragments expanded.
    pub directives: usize,
    /// Root fields of one operation, with fragments expanded.
    pub root_fields: usize,
    /// How deep fields stand in each other.
    pub depth: usize,
    /// One for each field, times the page size of the lists that it is in.
    pub cost: usize,
    /// Values in the JSON of a request, variables for the most part.
    pub values: usize,
    /// How deep lists and objects stand in each other in the JSON of a request.
    pub values_nesting: usize,
    /// What an introspection may come to, about twice what tools ask for. Not configurable.
    pub introspection: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024,
            tokens: 4_000,
            nesting: 48,
            selections: 5_000,
            aliases: 30,
            directives: 30,
            root_fields: 20,
            depth: 16,
            cost: 25_000,
            values: 10_000,
            values_nesting: 32,
            introspection: 1_000_000,
        }
    }
}

impl QueryLimits {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let default = Self::default();
        let read = |key, range, default| {
            let limit = settings.get(key, |value| value::count(value, range))?;
            Ok::<usize, ConfigError>(limit.unwrap_or(default))
        };
        Ok(Self {
            bytes: read("query_bytes", 1_000..=1_000_000, default.bytes)?,
            tokens: read("query_tokens", 100..=20_000, default.tokens)?,
            nesting: read("query_nesting", 8..=64, default.nesting)?,
            selections: read("query_selections", 100..=20_000, default.selections)?,
            aliases: read("query_aliases", 0..=1_000, default.aliases)?,
            directives: read("query_directives", 0..=1_000, default.directives)?,
            root_fields: read("query_root_fields", 1..=1_000, default.root_fields)?,
            depth: read("query_depth", 4..=30, default.depth)?,
            cost: read("query_cost", 100..=10_000_000, default.cost)?,
            values: read("query_values", 100..=100_000, default.values)?,
            values_nesting: read("query_values_nesting", 8..=64, default.values_nesting)?,
            introspection: default.introspection,
        })
    }
}
