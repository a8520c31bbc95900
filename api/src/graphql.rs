//! In front of execution: the guard, registered operations, what a call costs, and what errors are called.

mod absent;
pub mod cost;
pub mod errors;
pub mod guard;
mod introspection;
pub mod operation;
pub mod progress;
pub mod request_id;
mod rules;
