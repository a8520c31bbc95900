//! From where a call comes.

use std::{net::IpAddr, sync::Arc};

/// What is known of the way that a call took; nothing for jobs and commands. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address, not that of a proxy which is trusted.
    pub address: Option<IpAddr>,
    /// What the client calls itself; it may say anything.
    pub user_agent: Option<Arc<str>>,
    pub request_id: Option<Arc<str>>,
    /// The site whose page calls, such as `https://app.example`, where a browser says so.
    pub page: Option<Arc<str>>,
}
