//! Why a document is not admitted.

use std::fmt;

use async_graphql::{Pos, ServerError};

pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
pub const QUERY_REJECTED: &str = "QUERY_REJECTED";
pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

/// Which limit a document or its request exceeds, with that limit; or that it is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    Bytes(usize),
    Tokens(usize),
    Nesting(usize),
    OpenBlockString,
    Selections(usize),
    Aliases(usize),
    Directives(usize),
    RootFields(usize),
    /// More than one of `guard::SENSITIVE`.
    Sensitive,
    FragmentCycle,
    Introspection,
    Values(usize),
    ValuesNesting(usize),
    /// The parser would keep the second one.
    InputFieldTwice(String),
    /// What is wrong, and where, from the most important place to the least.
    Syntax(String, Vec<Pos>),
}

impl Rejected {
    /// What `extensions.code` says.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(..) => PARSE_FAILED,
            Self::InputFieldTwice(_) => VALIDATION_FAILED,
            _ => QUERY_REJECTED,
        }
    }

    /// Where in the document.
    pub fn positions(&self) -> &[Pos] {
        match self {
            Self::Syntax(_, positions) => positions,
            _ => &[],
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(most) => write!(f, "document is longer than {most} bytes"),
            Self::Tokens(most) => write!(f, "document has more than {most} tokens"),
            Self::Nesting(most) => write!(f, "document is nested deeper than {most} levels"),
            Self::OpenBlockString => f.write_str("document has a block string without an end"),
            Self::Selections(most) => write!(f, "document selects more than {most} fields"),
            Self::Aliases(most) => write!(f, "document has more than {most} aliases"),
            Self::Directives(most) => write!(f, "document has more than {most} directives"),
            Self::RootFields(most) => write!(f, "document has more than {most} root fields"),
            Self::Sensitive => f.write_str("document tries more than one secret or payment"),
            Self::FragmentCycle => f.write_str("document has a fragment that spreads itself"),
            Self::Introspection => f.write_str("introspection asks for too much"),
            Self::Values(most) => write!(f, "request has more than {most} values"),
            Self::ValuesNesting(most) => write!(f, "request is nested deeper than {most} levels"),
            Self::InputFieldTwice(name) => write!(f, "input field \"{name}\" is given twice"),
            Self::Syntax(message, _) => f.write_str(message),
        }
    }
}

impl std::error::Error for Rejected {}

impl From<Rejected> for ServerError {
    fn from(rejected: Rejected) -> Self {
        let mut error = Self::new(rejected.to_string(), None);
        error.locations = rejected.positions().to_vec();
        error.extensions.get_or_insert_default().set("code", rejected.code());
        error
    }
}

/// What the parser says.
impl From<ServerError> for Rejected {
    fn from(error: ServerError) -> Self {
        Self::Syntax(error.message, error.locations)
    }
}
