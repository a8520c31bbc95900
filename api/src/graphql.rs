//! In front of execution: the guard, and what errors are called.

pub mod errors;
pub mod guard;
pub mod progress;
pub mod request_id;
