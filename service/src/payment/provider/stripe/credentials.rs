//! What a tenant enters for Stripe.

use aws_lc_rs::hmac;
use serde_json::Value;

use crate::error::Invalid;

const MOST_SECRETS: usize = 2;

pub struct Credentials {
    pub secret_key: String,
    /// Two while one replaces the other.
    pub webhook_secrets: Vec<hmac::Key>,
}

impl Credentials {
    /// Never repeats what was given: it may be a secret in the wrong place.
    pub fn read(given: &Value) -> Result<Self, Invalid> {
        let Some(fields) = given.as_object() else {
            return Err(Invalid::new("credentials", "must be an object with secretKey"));
        };
        let other = |name: &&String| !["secretKey", "webhookSecrets"].contains(&name.as_str());
        if let Some(name) = fields.keys().find(other) {
            return Err(invalid(name, "is not known; there are secretKey and webhookSecrets"));
        }
        let secret_key = fields.get("secretKey").and_then(Value::as_str).unwrap_or_default();
        if !is_key(secret_key, &["sk_", "rk_"]) {
            return Err(invalid("secretKey", "must be a secret or restricted key: sk_… or rk_…"));
        }
        Ok(Self {
            secret_key: secret_key.to_owned(),
            webhook_secrets: secrets(fields.get("webhookSecrets"))?,
        })
    }
}

fn secrets(given: Option<&Value>) -> Result<Vec<hmac::Key>, Invalid> {
    let wrong = || invalid("webhookSecrets", "must be a list of at most two secrets: whsec_…");
    let Some(given) = given else { return Ok(Vec::new()) };
    let given = given.as_array().filter(|given| given.len() <= MOST_SECRETS).ok_or_else(wrong)?;
    let secrets = given.iter().map(|secret| {
        let secret = secret.as_str().filter(|secret| is_key(secret, &["whsec_"]));
        Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.ok_or_else(wrong)?.as_bytes()))
    });
    secrets.collect()
}

fn is_key(text: &str, prefixes: &[&str]) -> bool {
    let rest = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn invalid(field: &str, message: &str) -> Invalid {
    Invalid::at(vec!["credentials".to_owned(), field.to_owned()], message)
}
