//! x
pub mod graphql;
