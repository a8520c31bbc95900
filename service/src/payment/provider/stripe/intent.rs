//! A PaymentIntent: how a payment stands at Stripe.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    super::{Answer, NextAction, Outcome, ProviderError, Result},
    currency,
    wire::{Expandable, Metadata, Next, Problem, next_action},
};

/// The payer chooses the method.
pub const OPEN: &str = "open";
/// Why we close what was declined.
pub const CLOSED: &str = "abandoned";

/// Whether the payer may try again with the same payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// By us, who have chosen the method: a no is the end.
    Here,
    /// As the payment itself says.
    There,
}

#[derive(Debug, Deserialize)]
pub struct Intent {
    pub id: String,
    #[serde(default)]
    pub status: String,
    amount: i64,
    currency: String,
    amount_received: Option<i64>,
    client_secret: Option<String>,
    latest_charge: Option<Expandable<Charge>>,
    last_payment_error: Option<Problem>,
    next_action: Option<Next>,
    cancellation_reason: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
pub struct Charge {
    pub id: String,
    pub amount_captured: Option<i64>,
    pub currency: Option<String>,
    pub payment_intent: Option<String>,
    #[serde(default)]
    disputed: bool,
    payment_method_details: Option<MethodDetails>,
}

#[derive(Debug, Deserialize)]
struct MethodDetails {
    card: Option<CardDetails>,
}

#[derive(Debug, Deserialize)]
struct CardDetails {
    capture_before: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub struct Dispute {
    #[serde(default)]
    status: String,
}

impl Intent {
    pub fn answer(&self, decided: Decided) -> Result<Answer> {
        let said = |amount| {
            currency::read(amount, &self.currency).ok_or_else(|| {
                ProviderError::Nonsense(format!("{amount} {}", self.currency).into())
            })
        };
        let captured = self.amount_received.map(said).transpose()?;
        let charge = self.latest_charge.as_ref();
        Ok(Answer {
            reference: Some(self.id.clone()),
            transaction: charge.map(|charge| match charge {
                Expandable::Id(id) => id.clone(),
                Expandable::Whole(charge) => charge.id.clone(),
            }),
            outcome: self.outcome(decided)?,
            amount: Some(said(self.amount)?),
            captured_minor: captured.map(|money| money.minor()),
            expires_at: self.hold_lapses_at(),
        })
    }

    /// Nobody has chosen the method yet, and the payer can try one after the other.
    fn is_open(&self) -> bool {
        let method = self.metadata.as_ref().and_then(|metadata| metadata.method.as_deref());
        method == Some(OPEN)
    }

    fn outcome(&self, decided: Decided) -> Result<Outcome> {
        let problem = self.last_payment_error.as_ref();
        Ok(match self.status.as_str() {
            "requires_payment_method" => match problem {
                Some(problem) if self.is_final(problem, decided) => {
                    Outcome::Declined(problem.decline())
                }
                _ => Outcome::ActionRequired(self.next_action()?),
            },
            "requires_confirmation" | "requires_action" => {
                Outcome::ActionRequired(self.next_action()?)
            }
            "requires_capture" => Outcome::Authorized,
            "succeeded" => Outcome::Completed,
            "canceled" => match (self.cancellation_reason.as_deref(), problem) {
                (Some("automatic" | "expired"), _) => Outcome::Expired,
                // What we have closed after a no.
                (Some(CLOSED), Some(problem)) => Outcome::Declined(problem.decline()),
                _ => Outcome::Canceled,
            },
            // A word we do not know may mean that money is under way: it is asked for until we do.
            _ => Outcome::Processing,
        })
    }

    /// A card that is declined while its holder is there can be replaced; what fails days later cannot.
    fn is_final(&self, problem: &Problem, decided: Decided) -> bool {
        let method = problem.payment_method.as_ref().and_then(|method| method.get("type"));
        decided == Decided::Here || !self.is_open() || method.is_some_and(|kind| kind != "card")
    }

    fn next_action(&self) -> Result<NextAction> {
        next_action(self.next_action.as_ref(), self.client_secret.as_deref())
    }

    fn hold_lapses_at(&self) -> Option<DateTime<Utc>> {
        let Some(Expandable::Whole(charge)) = &self.latest_charge else { return None };
        let card = charge.payment_method_details.as_ref()?.card.as_ref()?;
        card.capture_before
            .filter(|_| self.status == "requires_capture")
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
    }

    pub fn is_declined(&self) -> bool {
        self.status == "requires_payment_method"
    }

    pub fn is_disputed(&self) -> bool {
        matches!(&self.latest_charge, Some(Expandable::Whole(charge)) if charge.disputed)
    }
}

impl Dispute {
    /// The bank has taken the money, at least until it decides.
    pub fn takes_money(&self) -> bool {
        matches!(self.status.as_str(), "needs_response" | "under_review" | "lost")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{super::Decline, example},
        *,
    };

    fn answer(fields: Value) -> Answer {
        let intent: Intent = example("payment_intent", fields);
        intent.answer(Decided::There).unwrap()
    }

    #[test]
    fn stripes_own_example_waits_for_a_method() {
        let answer = answer(json!({ "last_payment_error": null }));
        assert_eq!(answer.reference.as_deref(), Some("pi_1PgafyB7WZ01zgkWSjxsAJo3"));
        assert!(matches!(
            answer.outcome,
            Outcome::ActionRequired(NextAction::UseSdk { client_secret }) if client_secret.starts_with("pi_")
        ));
        let amount = answer.amount.unwrap();
        assert_eq!((amount.minor(), amount.currency().code()), (1099, "USD"));
        assert_eq!((answer.captured_minor, answer.transaction), (Some(0), None));
    }

    #[test]
    fn every_status_has_its_outcome() {
        let outcome = |status: &str| answer(json!({ "status": status })).outcome;
        assert_eq!(outcome("processing"), Outcome::Processing);
        assert_eq!(outcome("requires_capture"), Outcome::Authorized);
        assert_eq!(outcome("succeeded"), Outcome::Completed);
        assert_eq!(outcome("canceled"), Outcome::Canceled);
        assert!(matches!(outcome("requires_action"), Outcome::ActionRequired(_)));
        assert!(matches!(outcome("requires_confirmation"), Outcome::ActionRequired(_)));
        assert_eq!(outcome("a_word_of_tomorrow"), Outcome::Processing);
    }

    #[test]
    fn why_it_was_canceled_matters() {
        let outcome = |reason: &str, error: Value| {
            let fields = json!({
                "status": "canceled", "cancellation_reason": reason, "last_payment_error": error,
            });
            answer(fields).outcome
        };
        assert_eq!(outcome("automatic", Value::Null), Outcome::Expired);
        assert_eq!(outcome("abandoned", Value::Null), Outcome::Canceled);
        assert_eq!(outcome("duplicate", json!({ "code": "card_declined" })), Outcome::Canceled);
        let closed = outcome("abandoned", json!({ "code": "card_declined", "message": "No." }));
        let decline = Decline { code: "card_declined".into(), message: "No.".into() };
        assert_eq!(closed, Outcome::Declined(decline));
    }

    #[test]
    fn a_charge_is_a_name_or_an_object() {
        let name = answer(json!({ "latest_charge": "ch_1" }));
        let charge = json!({
            "id": "ch_1", "payment_method_details": { "card": { "capture_before": 2_000_000_000 } },
        });
        let fields = json!({ "latest_charge": charge, "status": "requires_capture" });
        let object = answer(fields);
        assert_eq!(name.transaction, object.transaction);
        assert_eq!(
            (name.expires_at, object.expires_at.unwrap().timestamp()),
            (None, 2_000_000_000)
        );
    }

    #[test]
    fn an_amount_that_cannot_be_kept_makes_no_sense() {
        let intent: Intent = example("payment_intent", json!({ "currency": "btc" }));
        assert!(matches!(intent.answer(Decided::There), Err(ProviderError::Nonsense(_))));
    }

    #[test]
    fn only_some_disputes_take_money() {
        let takes = |status: &str| {
            let dispute: Dispute = example("dispute", json!({ "status": status }));
            dispute.takes_money()
        };
        assert!(takes("needs_response") && takes("under_review") && takes("lost"));
        assert!(!takes("won") && !takes("warning_needs_response") && !takes("prevented"));
    }
}
