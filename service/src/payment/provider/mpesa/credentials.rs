//! What a tenant has from Safaricom to use Daraja with.

use serde_json::{Map, Value};

use super::certificate;
use crate::error::Invalid;

pub const PRODUCTION_URL: &str = "https://api.safaricom.co.ke";
pub const SANDBOX_URL: &str = "https://sandbox.safaricom.co.ke";

const KNOWN: &[&str] = &[
    "consumerKey",
    "consumerSecret",
    "shortCode",
    "passkey",
    "tillNumber",
    "initiator",
    "securityCredential",
    "certificate",
    "initiatorPassword",
    "environment",
];

/// All of it is secret, or as good as: it has no `Debug`.
pub struct Credentials {
    pub consumer_key: String,
    pub consumer_secret: String,
    /// The paybill, or the head office of a till.
    pub short_code: u64,
    pub passkey: String,
    pub till: Option<u64>,
    /// Who may reverse, where anybody may.
    pub initiator: Option<Initiator>,
}

pub struct Initiator {
    pub name: String,
    pub secret: Secret,
}

/// How the initiator shows who it is.
pub enum Secret {
    /// Encrypted beforehand, in Safaricom's portal.
    Ready(String),
    /// To be encrypted each time, with Safaricom's certificate.
    Password { key: certificate::Key, password: String },
}

/// Where Daraja is for these credentials, unless it is configured otherwise.
pub fn default_url(credentials: &Value) -> Result<&'static str, Invalid> {
    let environment = credentials.get("environment").and_then(Value::as_str);
    match environment {
        Some("production") => Ok(PRODUCTION_URL),
        Some("sandbox") => Ok(SANDBOX_URL),
        _ => Err(invalid("environment", "must be production or sandbox")),
    }
}

impl Credentials {
    pub fn read(json: &Value) -> Result<Self, Invalid> {
        let Value::Object(fields) = json else {
            return Err(Invalid::new("credentials", format!("must be {}", expected())));
        };
        if let Some(unknown) = fields.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(invalid(unknown, format!("is not known; expected {}", expected())));
        }
        default_url(json)?;
        Ok(Self {
            consumer_key: required(fields, "consumerKey")?,
            consumer_secret: required(fields, "consumerSecret")?,
            short_code: digits(fields, "shortCode")?
                .ok_or_else(|| invalid("shortCode", SHORT_CODE))?,
            passkey: required(fields, "passkey")?,
            till: digits(fields, "tillNumber")?,
            initiator: Initiator::read(fields)?,
        })
    }

    /// Who gets the money: the till where there is one.
    pub fn receiver(&self) -> u64 {
        self.till.unwrap_or(self.short_code)
    }

    pub fn is_ours(&self, number: &str) -> bool {
        number
            .parse()
            .is_ok_and(|number: u64| number == self.short_code || Some(number) == self.till)
    }
}

impl Initiator {
    fn read(fields: &Map<String, Value>) -> Result<Option<Self>, Invalid> {
        let ready = optional(fields, "securityCredential")?;
        let pem = optional(fields, "certificate")?;
        let password = optional(fields, "initiatorPassword")?;
        let Some(name) = optional(fields, "initiator")? else {
            return match ready.or(pem).or(password) {
                Some(_) => Err(invalid("initiator", "is missing: it names whose secret this is")),
                None => Ok(None),
            };
        };
        let secret = match (ready, pem, password) {
            (Some(ready), None, None) => Secret::Ready(ready),
            (None, Some(pem), Some(password)) => {
                let key = certificate::Key::of(&pem, &password)?;
                Secret::Password { key, password }
            }
            _ => {
                let message = "needs securityCredential, or certificate and initiatorPassword";
                return Err(invalid("initiator", message));
            }
        };
        Ok(Some(Self { name, secret }))
    }
}

const SHORT_CODE: &str = "must be 5 to 7 digits";

fn required(fields: &Map<String, Value>, name: &str) -> Result<String, Invalid> {
    optional(fields, name)?.ok_or_else(|| invalid(name, "is missing"))
}

fn optional(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, Invalid> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(invalid(name, "must be text")),
    }
}

fn digits(fields: &Map<String, Value>, name: &str) -> Result<Option<u64>, Invalid> {
    let text = match fields.get(name) {
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => optional(fields, name)?,
    };
    let Some(text) = text else { return Ok(None) };
    let whole = (5..=7).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if whole { text.parse().ok() } else { None };
    number.map(Some).ok_or_else(|| invalid(name, SHORT_CODE))
}

fn expected() -> String {
    format!("an object with {}", KNOWN.join(", "))
}

pub(super) fn invalid(name: &str, message: impl std::fmt::Display) -> Invalid {
    Invalid::at(vec!["credentials".to_owned(), name.to_owned()], message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entered() -> Value {
        json!({
            "consumerKey": "key", "consumerSecret": "secret", "shortCode": "174379",
            "passkey": "pass", "environment": "sandbox"
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut entered = entered();
        entered[name] = value;
        entered
    }

    #[test]
    fn credentials_are_read_and_the_environment_says_where() {
        let read = Credentials::read(&entered()).unwrap();
        assert_eq!((read.short_code, read.receiver()), (174_379, 174_379));
        assert!(read.initiator.is_none());
        let till = Credentials::read(&with("tillNumber", json!(5_678_901))).unwrap();
        assert_eq!(till.receiver(), 5_678_901);
        assert!(till.is_ours("174379") && till.is_ours("5678901") && !till.is_ours("174378"));
        assert_eq!(default_url(&entered()), Ok(SANDBOX_URL));
        assert_eq!(default_url(&with("environment", json!("production"))), Ok(PRODUCTION_URL));
    }

    #[test]
    fn what_is_wrong_is_named_and_its_value_is_not_told() {
        for (name, value) in [
            ("consumerKey", json!(null)),
            ("consumerSecret", json!(" ")),
            ("shortCode", json!("secret")),
            ("shortCode", json!(12)),
            ("passkey", json!(["secret"])),
            ("tillNumber", json!("12-34")),
            ("environment", json!("secret")),
            ("secretKey", json!("secret")),
            ("initiator", json!("api")),
        ] {
            let Err(error) = Credentials::read(&with(name, value)) else { panic!("{name}") };
            assert_eq!(error.field, ["credentials", name]);
            assert!(!error.message.contains("secret\""), "{error}");
        }
        let orphan = Credentials::read(&with("securityCredential", json!("abc"))).err().unwrap();
        assert_eq!(orphan.field, ["credentials", "initiator"]);
        assert!(Credentials::read(&json!("text")).is_err());
    }
}
