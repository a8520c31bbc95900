//! How the stand-in says no.

use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Problem {
    pub status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    decline_code: Option<&'static str>,
    message: String,
    param: Option<Box<str>>,
    /// The payment that it is about.
    pub intent: Option<String>,
}

impl Problem {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: None,
            decline_code: None,
            message: message.into(),
            param: None,
            intent: None,
        }
    }

    fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    fn param(self, param: &str) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    fn about(self, intent: &str) -> Self {
        Self { intent: Some(intent.to_owned()), ..self }
    }

    pub fn invalid(param: &str, message: &str) -> Self {
        Self::new(400, "invalid_request_error", message).param(param)
    }

    pub fn coded(code: &'static str, param: &str, message: &str) -> Self {
        Self::invalid(param, message).code(code)
    }

    pub fn unknown(param: &str) -> Self {
        Self::coded("parameter_unknown", param, &format!("Received unknown parameter: {param}"))
    }

    pub fn missing(param: &str, id: &str) -> Self {
        let no = Self::new(404, "invalid_request_error", format!("No such {param}: '{id}'"));
        let status = if param == "payment_method" { 400 } else { 404 };
        Self { status, ..no.code("resource_missing").param(param) }
    }

    pub fn unexpected_state(intent: &str, status: &str) -> Self {
        let message = format!("This PaymentIntent has a status of {status}.");
        let no = Self::new(400, "invalid_request_error", message);
        no.code("payment_intent_unexpected_state").about(intent)
    }

    pub fn declined(code: &'static str, decline_code: &'static str, intent: &str) -> Self {
        let no = Self::new(402, "card_error", "Your card was declined.").code(code).about(intent);
        let decline_code = Some(decline_code).filter(|code| !code.is_empty());
        Self { decline_code, ..no }
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "invalid_request_error", "Invalid API Key provided")
    }

    pub fn other_parameters() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Self::new(400, "idempotency_error", message)
    }

    pub fn key_in_use() -> Self {
        let message = "There is currently another in-progress request using this Idempotent Key.";
        Self::new(409, "idempotency_error", message).code("idempotency_key_in_use")
    }

    pub fn busy() -> Self {
        Self::new(429, "invalid_request_error", "Request rate limit exceeded.").code("rate_limit")
    }

    pub fn internal() -> Self {
        Self::new(500, "api_error", "An unknown error occurred")
    }

    /// Validation leaves no trace under the key.
    pub fn is_kept(&self) -> bool {
        self.status == 402 || self.status >= 500
    }

    pub fn json(&self, intent: Option<Value>) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        let param = self.param.as_deref();
        for (name, value) in
            [("code", self.code), ("decline_code", self.decline_code), ("param", param)]
        {
            if let Some(value) = value {
                error[name] = json!(value);
            }
        }
        if let Some(intent) = intent {
            error["payment_intent"] = intent;
        }
        error
    }
}
