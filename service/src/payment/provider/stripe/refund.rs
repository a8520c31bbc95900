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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::example, *};

    fn outcome(fields: Value) -> RefundOutcome {
        example::<Refund>("refund", fields).answer().outcome
    }

    #[test]
    fn every_status_has_its_outcome() {
        assert_eq!(outcome(json!({})), RefundOutcome::Completed);
        for status in [json!("pending"), json!("requires_action"), json!("tomorrow"), json!(null)] {
            assert_eq!(outcome(json!({ "status": status })), RefundOutcome::Processing);
        }
        let fields = json!({ "status": "failed", "failure_reason": "lost_or_stolen_card" });
        let RefundOutcome::Failed(decline) = outcome(fields) else { panic!() };
        assert_eq!(decline.code, "lost_or_stolen_card");
        assert!(matches!(outcome(json!({ "status": "canceled" })), RefundOutcome::Failed(_)));
    }

    #[test]
    fn a_refund_is_ours_by_what_we_have_written_on_it() {
        let refund: Refund = example("refund", json!({ "metadata": { "refund_id": "refund_1" } }));
        assert!(refund.is("refund_1") && !refund.is("refund_2"));
        assert!(!example::<Refund>("refund", json!({ "metadata": null })).is("refund_1"));
    }

    fn movement(kind: &str, source: Value) -> Option<Movement> {
        let fields = json!({ "type": kind, "source": source });
        example::<BalanceTransaction>("balance_transaction", fields).movement().unwrap()
    }

    #[test]
    fn payments_and_refunds_are_movements_and_fees_are_not() {
        let charge = json!({
            "id": "ch_1", "payment_intent": "pi_1", "amount_captured": 400, "currency": "eur",
        });
        let paid = movement("charge", charge).unwrap();
        assert_eq!((paid.kind, paid.reference.as_str()), (MovementKind::Charge, "pi_1"));
        assert_eq!((paid.amount.minor(), paid.at.timestamp()), (400, 1_234_567_890));
        let refund = |status: &str| json!({ "id": "re_1", "amount": 100, "currency": "eur", "status": status });
        let back = movement("payment_refund", refund("succeeded")).unwrap();
        assert_eq!((back.kind, back.reference.as_str()), (MovementKind::Refund, "re_1"));
        assert_eq!(movement("refund", refund("failed")), None);
        assert_eq!(movement("stripe_fee", Value::Null), None);
    }
}
