//! A Refund, and the balance transactions by which payments and refunds are reconciled.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use super::{
    super::{Decline, Movement, MovementKind, ProviderError, RefundAnswer, RefundOutcome, Result},
    currency,
    intent::Charge,
    wire::Metadata,
};

#[derive(Debug, Deserialize)]
pub struct Refund {
    pub id: String,
    status: Option<String>,
    failure_reason: Option<String>,
    amount: i64,
    currency: String,
    metadata: Option<Metadata>,
}

/// Money that came to the account, or left it.
#[derive(Debug, Deserialize)]
pub struct BalanceTransaction {
    pub id: String,
    created: i64,
    #[serde(rename = "type")]
    kind: String,
    source: Option<Value>,
}

impl Refund {
    /// Whether we have asked for it under this name.
    pub fn is(&self, id: &str) -> bool {
        let metadata = self.metadata.as_ref();
        metadata.and_then(|metadata| metadata.refund_id.as_deref()) == Some(id)
    }

    pub fn answer(&self) -> RefundAnswer {
        RefundAnswer { reference: Some(self.id.clone()), outcome: self.outcome() }
    }

    fn outcome(&self) -> RefundOutcome {
        let failed = |code: &str, message: &str| {
            RefundOutcome::Failed(Decline { code: code.to_owned(), message: message.to_owned() })
        };
        match self.status.as_deref() {
            Some("succeeded") => RefundOutcome::Completed,
            Some("failed") => failed(
                self.failure_reason.as_deref().unwrap_or("failed"),
                "The refund could not be paid out.",
            ),
            Some("canceled") => failed("canceled", "The refund was called off."),
            _ => RefundOutcome::Processing,
        }
    }
}

impl BalanceTransaction {
    /// None for what is neither a payment nor a refund: fees, payouts, disputes.
    pub fn movement(self) -> Result<Option<Movement>> {
        let source = self.source.unwrap_or_default();
        let unreadable = |error: serde_json::Error| ProviderError::Nonsense(error.into());
        let (kind, reference, amount, code) = match self.kind.as_str() {
            "charge" | "payment" => {
                let charge: Charge = serde_json::from_value(source).map_err(unreadable)?;
                let reference = charge.payment_intent.unwrap_or(charge.id);
                (MovementKind::Charge, reference, charge.amount_captured, charge.currency)
            }
            "refund" | "payment_refund" => {
                let refund: Refund = serde_json::from_value(source).map_err(unreadable)?;
                if matches!(refund.outcome(), RefundOutcome::Failed(_)) {
                    return Ok(None);
                }
                (MovementKind::Refund, refund.id, Some(refund.amount), Some(refund.currency))
            }
            _ => return Ok(None),
        };
        let amount = amount.zip(code).and_then(|(amount, code)| currency::read(amount, &code));
        let at = DateTime::from_timestamp(self.created, 0);
        match (amount, at) {
            (Some(amount), Some(at)) => Ok(Some(Movement { kind, reference, amount, at })),
            _ => Err(ProviderError::Nonsense(format!("the amount of {}", self.id).into())),
        }
    }
}
