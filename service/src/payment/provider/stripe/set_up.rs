//! A SetupIntent: a customer agrees once to be charged later.

use serde::Deserialize;

use super::{
    super::{Decline, ProviderError, Result, SetUpAnswer, SetUpOutcome},
    wire::{Next, Problem, next_action},
};

#[derive(Debug, Deserialize)]
pub struct SetupIntent {
    id: String,
    #[serde(default)]
    status: String,
    client_secret: Option<String>,
    customer: Option<String>,
    payment_method: Option<String>,
    last_setup_error: Option<Problem>,
    next_action: Option<Next>,
}

#[derive(Debug, Deserialize)]
pub struct Customer {
    pub id: String,
}

impl SetupIntent {
    pub fn answer(&self) -> Result<SetUpAnswer> {
        let failed = |problem: Option<&Problem>| {
            SetUpOutcome::Failed(problem.map_or_else(
                || Decline { code: "canceled".into(), message: "It was called off.".into() },
                Problem::decline,
            ))
        };
        let outcome = match self.status.as_str() {
            "succeeded" => match (&self.customer, &self.payment_method) {
                (Some(customer), Some(method)) => SetUpOutcome::Ready(saved(customer, method)),
                _ => return Err(ProviderError::Nonsense("a method of nobody".into())),
            },
            "canceled" => failed(self.last_setup_error.as_ref()),
            "requires_payment_method" | "requires_confirmation" | "requires_action" => {
                let secret = self.client_secret.as_deref();
                SetUpOutcome::ActionRequired(next_action(self.next_action.as_ref(), secret)?)
            }
            _ => SetUpOutcome::Processing,
        };
        Ok(SetUpAnswer { reference: self.id.clone(), outcome })
    }
}

/// A saved method works only together with its customer, so both are one token of ours.
fn saved(customer: &str, method: &str) -> String {
    format!("{customer}/{method}")
}

/// The customer, if the token names one, and the method.
pub fn parts(token: &str) -> (Option<&str>, &str) {
    token.split_once('/').map_or((None, token), |(customer, method)| (Some(customer), method))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{super::NextAction, example},
        *,
    };

    fn outcome(fields: serde_json::Value) -> SetUpOutcome {
        example::<SetupIntent>("setup_intent", fields).answer().unwrap().outcome
    }

    #[test]
    fn the_customer_goes_on_in_stripes_library() {
        let expected =
            |outcome| matches!(outcome, SetUpOutcome::ActionRequired(NextAction::UseSdk { .. }));
        assert!(expected(outcome(json!({}))));
        assert!(expected(outcome(json!({ "status": "requires_action" }))));
        assert_eq!(outcome(json!({ "status": "processing" })), SetUpOutcome::Processing);
    }

    #[test]
    fn what_is_saved_names_its_customer() {
        let fields =
            json!({ "status": "succeeded", "customer": "cus_1", "payment_method": "pm_1" });
        let SetUpOutcome::Ready(token) = outcome(fields) else { panic!() };
        assert_eq!(parts(&token), (Some("cus_1"), "pm_1"));
        assert_eq!(parts("pm_1"), (None, "pm_1"));
    }

    #[test]
    fn a_no_says_why() {
        let error = json!({ "code": "card_declined", "decline_code": "expired_card" });
        let fields = json!({ "status": "canceled", "last_setup_error": error });
        let SetUpOutcome::Failed(decline) = outcome(fields) else { panic!() };
        assert_eq!(decline.code, "expired_card");
    }
}
