//! In front of execution: the guard, and what errors are called.

pub mod errors;
pub mod guard;
pub mod request_id;
