#![doc = include_str!("../README.md")]

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
