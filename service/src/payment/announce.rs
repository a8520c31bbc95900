//! Tells who listens on Redis what became of a payment, in the form of an older system that others still read.

use entity::{
    payment::{PaymentId, State},
    tenant::TenantId,
};

use crate::{ctx::App, error::Result};

/// The channel, as it always was.
pub const CHANNEL: &str = "payments";

/// As a job, so it may be told twice, and is never forgotten. Without Redis nobody listens.
pub async fn announce(app: &App, tenant: TenantId, id: PaymentId, state: State) -> Result<()> {
    let payment = super::by_id(&app.system(tenant, "announce_payment"), id).await?;
    let status = super::refund::name(state);
    let message = serde_json::json!({
        "event": format!("payment.{}", status.to_lowercase()),
        "payment_id": payment.id.to_string(),
        "provider_tx": payment.provider_transaction.or(payment.provider_reference),
        "status": status,
    });
    crate::fail::point("payment.before_announcement");
    app.bus.tell(CHANNEL, message.to_string()).await
}
