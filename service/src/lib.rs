#![doc = include_str!("../README.md")]

pub mod audit;
pub mod bayarea;
pub mod clock;
pub mod config;
pub mod ctx;
pub mod customer;
pub mod db;
pub mod error;
pub mod event;
mod idempotency;
mod ids;
pub mod import;
pub mod invariant;
pub mod job;
pub mod keys;
pub mod limit;
pub mod notify;
pub mod origin;
pub mod page;
pub mod permission;
mod place;
pub mod records;
pub mod refusal;
pub mod rental;
pub mod replay;
pub mod seed;
pub mod station;
pub mod tariff;
pub mod tenant;
mod text;
pub mod user;
pub mod vehicle;
pub mod vehicle_type;
pub mod write;

pub use entity;
pub use error::{Error, Result};
