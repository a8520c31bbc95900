//! Why the configuration was refused, in words that an operator can act on.

use std::{fmt, io};

/// Why the configuration was refused. No message repeats a value: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not exist or may not be read.
    #[error("cannot read the configuration file {file}")]
    Unreadable { file: String, source: io::Error },
    /// The file is not TOML.
    #[error("{file}, line {line}: {message}")]
    Syntax { file: String, line: usize, message: String },
    /// A key or variable that does not exist.
    #[error("{place} is not known; did you mean {nearest}? allowed: {allowed}")]
    Unknown { place: Place, nearest: String, allowed: String },
    /// A value that its key cannot take; `found` is its kind.
    #[error("{place} is {found}; allowed: {allowed}")]
    Malformed { place: Place, found: String, allowed: String },
    /// A value that is not safe with `env` production.
    #[error("{place} is {problem}; allowed in production: {allowed}")]
    Insecure { place: Place, problem: &'static str, allowed: String },
}

/// Where a setting was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A key of the file.
    File { key: String, file: String },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { key, file } => write!(f, "{key} in {file}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
