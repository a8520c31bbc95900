//! The harness: a whole node in the test's process, its clients, and the databases behind it.

mod app;
pub mod attack;
pub mod bench;
mod fleet;
mod graphql;
mod partner;
pub mod pdf;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod receipt;
mod shape;
mod socket;

pub use app::TestApp;
pub use fleet::{Fleet, Rider, key, text};
pub use graphql::{Answer, Client};
pub use partner::{Partner, document_id, manifest};
pub use serde_json::{Value, json};
pub use shape::{Place, Shape};
pub use socket::{Frame, Socket};
