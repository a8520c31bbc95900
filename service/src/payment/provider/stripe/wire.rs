//! What Stripe says, as far as we listen. Fields and words that come later change nothing.

use serde::Deserialize;
use serde_json::Value;

use super::{
    super::{Decline, NextAction, ProviderError, Result},
    intent::Intent,
};

/// An object, or only its name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    Id(String),
    Whole(Box<T>),
}

/// What we have written on an object of theirs.
#[derive(Debug, Default, Deserialize)]
pub struct Metadata {
    pub method: Option<String>,
    pub refund_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Next {
    redirect_to_url: Option<Redirect>,
}

#[derive(Debug, Deserialize)]
struct Redirect {
    url: Option<String>,
}

/// Stripe's errors and declines.
#[derive(Debug, Default, Deserialize)]
pub struct Problem {
    /// The payer's bank says no, to what we have asked for rightly.
    #[serde(skip)]
    pub is_decline: bool,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
    pub payment_method: Option<Value>,
    /// The payment that it is about.
    pub payment_intent: Option<Box<Intent>>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Failure {
    #[serde(default)]
    pub error: Problem,
}

#[derive(Debug, Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// What the payer has to do.
pub fn next_action(next: Option<&Next>, client_secret: Option<&str>) -> Result<NextAction> {
    let redirect = next.and_then(|next| next.redirect_to_url.as_ref());
    if let Some(url) = redirect.and_then(|redirect| redirect.url.clone()) {
        return Ok(NextAction::Redirect { url });
    }
    // Whatever else there is to do, Stripe's own library knows.
    client_secret
        .map(|secret| NextAction::UseSdk { client_secret: secret.to_owned() })
        .ok_or_else(|| ProviderError::Nonsense("a payment without a client secret".into()))
}

impl Problem {
    pub fn decline(&self) -> Decline {
        // Stripe asks not to tell a payer these: they would help a thief.
        const UNTOLD: &[&str] = &[
            "fraudulent",
            "lost_card",
            "merchant_blacklist",
            "pickup_card",
            "restricted_card",
            "stolen_card",
        ];
        let code = match self.decline_code.as_deref() {
            Some(code) if UNTOLD.contains(&code) => "generic_decline",
            Some(code) => code,
            None => self.code.as_deref().or(self.kind.as_deref()).unwrap_or("declined"),
        };
        let message = self.message.as_deref().unwrap_or("The payment was declined.");
        Decline { code: code.to_lowercase(), message: message.to_owned() }
    }

    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decline(fields: Value) -> Decline {
        serde_json::from_value::<Problem>(fields).unwrap().decline()
    }

    #[test]
    fn the_most_exact_code_is_told_unless_it_helps_a_thief() {
        let code = |fields| decline(fields).code;
        let declined = |why: &str| json!({ "code": "card_declined", "decline_code": why });
        assert_eq!(code(declined("insufficient_funds")), "insufficient_funds");
        assert_eq!(code(declined("stolen_card")), "generic_decline");
        assert_eq!(code(json!({ "code": "expired_card" })), "expired_card");
        assert_eq!(code(json!({ "type": "api_error" })), "api_error");
        assert_eq!(code(json!({})), "declined");
    }
}
