#![doc = include_str!("../README.md")]
// The futures of the merged schema nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

pub mod cli;
pub mod context;
pub mod error;
pub mod graphql;
pub mod http;
pub mod log;
pub mod metrics;
pub mod node;
pub mod realtime;
pub mod schema;
pub mod session;
