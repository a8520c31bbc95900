#![doc = include_str!("../README.md")]

#[macro_use]
mod id;
mod place;

pub mod api_client;
pub mod api_key;
pub mod audit;
pub mod consumer;
pub mod customer;
pub mod event;
pub mod idempotency;
pub mod invitation;
pub mod manifest;
pub mod money;
pub mod one_time_code;
pub mod operation;
pub mod payment;
pub mod payment_attempt;
pub mod price_line;
pub mod provider_account;
pub mod receipt;
pub mod receipt_counter;
pub mod refund;
pub mod rental;
pub mod scope;
pub mod session;
pub mod station;
pub mod stream_head;
pub mod tariff;
pub mod tenant;
pub mod user;
pub mod vehicle;
pub mod vehicle_event;
pub mod vehicle_type;
pub mod webhook;

pub use id::{Id, IdError};
pub use place::{Area, Position, PositionError};
