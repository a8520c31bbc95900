//! How nodes tell each other what was committed. A hint: it may lose, repeat and reorder.

use std::sync::Arc;

use async_trait::async_trait;
use entity::tenant::TenantId;

use crate::{error::Result, event::Recorded};

#[async_trait]
pub trait Bus: Send + Sync {
    /// Tells the other nodes; never waits, and what cannot be told now is dropped.
    fn publish(&self, tenant: TenantId, events: &[Arc<Recorded>]);

    /// This node has listeners for this tenant from now on.
    fn listen(&self, tenant: TenantId);

    /// Tells whoever listens to a channel of their own, outside of the platform; fails when nobody could be told.
    async fn tell(&self, _channel: &str, _message: String) -> Result<()> {
        Ok(())
    }

    /// Whether it works right now.
    async fn ping(&self) -> Result<()>;
}
