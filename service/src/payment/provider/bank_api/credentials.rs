//! What a tenant enters for its account.

use serde_json::{Map, Value};

use crate::error::Invalid;

pub(super) struct Credentials {
    pub access_token: String,
    /// One, or two while one replaces the other.
    pub webhook_secrets: Vec<String>,
}

const FIELDS: [&str; 2] = ["accessToken", "webhookSecrets"];

impl Credentials {
    /// Says which field is wrong and what is expected there, never what was entered.
    pub fn read(credentials: &Value) -> Result<Self, Invalid> {
        let fields = credentials.as_object().ok_or_else(|| {
            Invalid::new("credentials", "must be an object with accessToken and webhookSecrets")
        })?;
        if let Some(other) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(wrong(other, "is not known; expected are accessToken and webhookSecrets"));
        }
        Ok(Self { access_token: access_token(fields)?, webhook_secrets: webhook_secrets(fields)? })
    }
}

fn access_token(fields: &Map<String, Value>) -> Result<String, Invalid> {
    fields.get("accessToken").and_then(secret).ok_or_else(|| {
        wrong("accessToken", "must be an access token from GoCardless, with read and write access")
    })
}

fn webhook_secrets(fields: &Map<String, Value>) -> Result<Vec<String>, Invalid> {
    let secrets = fields.get("webhookSecrets").and_then(Value::as_array);
    let secrets: Option<Vec<_>> = secrets.and_then(|secrets| secrets.iter().map(secret).collect());
    secrets.filter(|secrets| (1..=2).contains(&secrets.len())).ok_or_else(|| {
        wrong("webhookSecrets", "must be a list of one or two secrets of webhook endpoints")
    })
}

/// It goes into a header, or keys a signature.
fn secret(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| text.to_owned())
}

fn wrong(field: &str, message: &str) -> Invalid {
    Invalid::at(vec!["credentials".to_owned(), field.to_owned()], message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Credentials;

    fn path(credentials: Value) -> String {
        Credentials::read(&credentials).err().unwrap().field.join(".")
    }

    #[test]
    fn what_is_wrong_is_named_and_never_repeated() {
        let good = json!({"accessToken": "one", "webhookSecrets": ["two", "three"]});
        let read = Credentials::read(&good).ok().unwrap();
        assert_eq!((read.access_token.as_str(), read.webhook_secrets.len()), ("one", 2));

        assert_eq!(path(json!("hush")), "credentials");
        assert_eq!(path(json!({"webhookSecrets": ["two"]})), "credentials.accessToken");
        for token in [json!(""), json!("a b"), json!("a\nb"), json!(5), Value::Null] {
            let wrong = json!({"accessToken": token, "webhookSecrets": ["two"]});
            assert_eq!(path(wrong), "credentials.accessToken");
        }
        for secrets in [json!([]), json!("two"), json!(["1", "2", "3"]), json!([""]), json!([5])] {
            let wrong = json!({"accessToken": "one", "webhookSecrets": secrets});
            assert_eq!(path(wrong), "credentials.webhookSecrets");
        }
        let more = json!({"accessToken": "hush", "webhookSecrets": ["hush"], "key": "hush"});
        let error = Credentials::read(&more).err().unwrap();
        assert_eq!(error.field.join("."), "credentials.key");
        assert!(!error.message.contains("hush"), "{error}");
    }
}
