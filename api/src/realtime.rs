//! The websocket: graphql-transport-ws.

pub mod bell;
pub mod limits;
pub mod protocol;
pub mod revocation;
pub mod session;
pub mod share;
pub mod socket;
