//! What is sent to Daraja, and what its answers say.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use entity::money::{Currency, Money};
use serde::Serialize;
use serde_json::Value;

use super::{
    Charge, Credentials, Initiator, Outcome, ProviderError, Refund, Result,
    credentials::Secret,
    outcome::{of_call, of_payment},
    refused, timestamp,
};
use crate::payment::provider::http::Answered;

/// The most that one payment may move, in whole shillings.
const MOST: i64 = 250_000;
/// What may be in no address that Daraja is given.
const BANNED: &[&str] = &["mpesa", "m-pesa", "safaricom", "exe", "cmd", "sql", "query"];
/// A token's life where Daraja does not say.
const HOUR: i64 = 3_599;

/// A prompt on the payer's phone.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Push<'a> {
    business_short_code: u64,
    password: String,
    timestamp: String,
    transaction_type: &'static str,
    amount: Shillings,
    party_a: String,
    party_b: String,
    phone_number: String,
    #[serde(rename = "CallBackURL")]
    call_back_url: &'a str,
    account_reference: String,
    transaction_desc: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Query<'a> {
    business_short_code: u64,
    password: String,
    timestamp: String,
    #[serde(rename = "CheckoutRequestID")]
    checkout_request_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reversal<'a> {
    initiator: &'a str,
    security_credential: String,
    #[serde(rename = "CommandID")]
    command_id: &'static str,
    #[serde(rename = "TransactionID")]
    transaction_id: &'a str,
    amount: Shillings,
    receiver_party: String,
    /// Daraja's own spelling.
    #[serde(rename = "RecieverIdentifierType")]
    receiver_identifier_type: &'static str,
    #[serde(rename = "ResultURL")]
    result_url: &'a str,
    #[serde(rename = "QueueTimeOutURL")]
    queue_time_out_url: String,
    remarks: String,
}

/// Where Daraja asks and tells about payments that nobody asked for.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Registration {
    short_code: u64,
    /// What happens while we cannot be asked: no payment that we do not hear of.
    response_type: &'static str,
    #[serde(rename = "ConfirmationURL")]
    confirmation_url: String,
    #[serde(rename = "ValidationURL")]
    validation_url: String,
}

/// Whole shillings, as many as one payment may move; Daraja has them as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shillings(i64);

impl Serialize for Shillings {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Shillings {
    pub fn of(money: Money) -> Result<Self> {
        if Some(money.currency()) != shilling() {
            return Err(refused("currency_not_supported", "M-Pesa takes Kenyan shillings only"));
        }
        if money.minor() % money.currency().minor_per_major() != 0 {
            return Err(refused("whole_shillings_only", "M-Pesa takes whole shillings only"));
        }
        match money.minor() / money.currency().minor_per_major() {
            ..=0 => Err(refused("amount_too_small", "M-Pesa takes one shilling or more")),
            whole @ 1..=MOST => Ok(Self(whole)),
            _ => Err(refused("amount_too_large", "M-Pesa takes 250000 shillings at most")),
        }
    }
}

pub fn shilling() -> Option<Currency> {
    "KES".parse().ok()
}

impl<'a> Push<'a> {
    pub fn new(credentials: &Credentials, charge: &'a Charge, now: DateTime<Utc>) -> Result<Self> {
        let phone = phone(charge.method.as_deref())?;
        let (password, timestamp) = password(credentials, now);
        let (transaction_type, receiver) = match credentials.till {
            Some(till) => ("CustomerBuyGoodsOnline", till),
            None => ("CustomerPayBillOnline", credentials.short_code),
        };
        Ok(Self {
            business_short_code: credentials.short_code,
            password,
            timestamp,
            transaction_type,
            amount: Shillings::of(charge.amount)?,
            party_a: phone.to_owned(),
            party_b: receiver.to_string(),
            phone_number: phone.to_owned(),
            call_back_url: address(&charge.callback_url)?,
            account_reference: plain(&charge.account_reference, 12, "Payment"),
            transaction_desc: plain(&charge.description, 13, "Payment"),
        })
    }
}

impl<'a> Query<'a> {
    pub fn new(credentials: &Credentials, reference: &'a str, now: DateTime<Utc>) -> Self {
        let (password, timestamp) = password(credentials, now);
        let business_short_code = credentials.short_code;
        Self { business_short_code, password, timestamp, checkout_request_id: reference }
    }
}

impl<'a> Reversal<'a> {
    pub fn new(
        credentials: &Credentials,
        initiator: &'a Initiator,
        refund: &'a Refund,
    ) -> Result<Self> {
        let transaction_id = refund.transaction.as_deref().ok_or_else(|| {
            refused("receipt_unknown", "a reversal needs the receipt number, which was not told")
        })?;
        let security_credential = match &initiator.secret {
            Secret::Ready(ready) => ready.clone(),
            Secret::Password { key, password } => {
                key.encrypt(password).ok_or(ProviderError::Credentials)?
            }
        };
        let result_url = address(&refund.callback_url)?;
        Ok(Self {
            initiator: &initiator.name,
            security_credential,
            command_id: "TransactionReversal",
            transaction_id,
            amount: Shillings::of(refund.amount)?,
            receiver_party: credentials.receiver().to_string(),
            receiver_identifier_type: "11",
            result_url,
            queue_time_out_url: format!("{result_url}/timeout"),
            remarks: plain(refund.reason.as_deref().unwrap_or_default(), 100, "Refund"),
        })
    }
}

impl Registration {
    pub fn new(credentials: &Credentials, webhook_url: &str) -> Result<Self> {
        let url = address(webhook_url)?.trim_end_matches('/');
        Ok(Self {
            short_code: credentials.receiver(),
            response_type: "Cancelled",
            confirmation_url: format!("{url}/confirmation"),
            validation_url: format!("{url}/validation"),
        })
    }
}

/// A token that Daraja has issued.
pub struct Issued {
    pub token: String,
    pub seconds: i64,
}

pub fn issued(answered: &Answered) -> Result<Issued> {
    let status = answered.status;
    if !status.is_success() {
        return Err(match status.as_u16() {
            400 | 401 | 403 => ProviderError::Credentials,
            status => ProviderError::Unavailable(format!("no token: {status}").into()),
        });
    }
    let body: Value = answered.json().unwrap_or_default();
    let token = text(&body, "access_token")
        .ok_or_else(|| ProviderError::Nonsense("an answer without a token".into()))?;
    let seconds = text(&body, "expires_in").and_then(|seconds| seconds.parse().ok());
    Ok(Issued { token, seconds: seconds.unwrap_or(HOUR) })
}

/// The token is not good, or not any more; nothing was done.
pub fn is_not_let_in(answered: &Answered) -> bool {
    let code = problem(answered).0;
    answered.status.as_u16() == 401
        || matches!(code.as_str(), "404.001.03" | "401.003.01" | "400.003.01")
}

/// The prompt's name.
pub fn pushed(answered: &Answered) -> Result<String> {
    let body = taken(answered)?;
    text(&body, "CheckoutRequestID")
        .ok_or_else(|| ProviderError::Lost("an answer without CheckoutRequestID".into()))
}

/// The reversal's name.
pub fn reversing(answered: &Answered) -> Result<String> {
    let body = taken(answered)?;
    text(&body, "OriginatorConversationID")
        .ok_or_else(|| ProviderError::Lost("an answer without OriginatorConversationID".into()))
}

pub fn accepted(answered: &Answered) -> Result<()> {
    taken(answered).map(drop)
}

/// The body of a call that Daraja has taken.
fn taken(answered: &Answered) -> Result<Value> {
    if !answered.status.is_success() {
        let (code, message) = problem(answered);
        return Err(of_call(answered, &code, &message));
    }
    let body: Value = answered.json()?;
    match text(&body, "ResponseCode").as_deref() {
        Some("0" | "00000000") => Ok(body),
        Some(code) => {
            let message = text(&body, "ResponseDescription").unwrap_or_default();
            Err(refused(&format!("response_{}", code.to_ascii_lowercase()), &message))
        }
        None => Err(ProviderError::Lost("an answer without ResponseCode".into())),
    }
}

/// What has become of the prompt of this name.
pub fn queried(answered: &Answered, reference: &str) -> Result<Outcome> {
    if !answered.status.is_success() {
        let (code, message) = problem(answered);
        return match code.as_str() {
            // The prompt is open; or Daraja has no answer just now, which it says in the same words.
            "500.001.1001" => Ok(Outcome::Processing),
            "400.002.02" if message.contains("CheckoutRequestID") => Ok(Outcome::Expired),
            _ => Err(of_call(answered, &code, &message)),
        };
    }
    let body: Value = answered.json()?;
    if text(&body, "CheckoutRequestID").as_deref() != Some(reference) {
        return Err(ProviderError::Nonsense("an answer about another prompt".into()));
    }
    match (text(&body, "ResponseCode").as_deref(), text(&body, "ResultCode")) {
        (Some("0"), Some(code)) => {
            Ok(of_payment(&code, &text(&body, "ResultDesc").unwrap_or_default()))
        }
        _ => Err(ProviderError::Nonsense("an answer without a result".into())),
    }
}

/// Code and message of an answer that is not a success, in Daraja's own words or those of the gate in front of it.
fn problem(answered: &Answered) -> (String, String) {
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let fault = body.get("fault").unwrap_or(&Value::Null);
    let detail = fault.get("detail").unwrap_or(&Value::Null);
    let code = text(&body, "errorCode").or_else(|| text(detail, "errorcode"));
    let message = text(&body, "errorMessage").or_else(|| text(fault, "faultstring"));
    (code.unwrap_or_default(), message.unwrap_or_default())
}

/// A field as text, whether it is written as text or as a number.
pub fn text(body: &Value, field: &str) -> Option<String> {
    match body.get(field)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn password(credentials: &Credentials, now: DateTime<Utc>) -> (String, String) {
    let timestamp = timestamp(now);
    let Credentials { short_code, passkey, .. } = credentials;
    (STANDARD.encode(format!("{short_code}{passkey}{timestamp}")), timestamp)
}

/// A Kenyan mobile number, without its plus.
fn phone(method: Option<&str>) -> Result<&str> {
    let method =
        method.ok_or_else(|| refused("phone_missing", "M-Pesa needs the payer's phone"))?;
    let digits = method.strip_prefix('+').unwrap_or_default();
    let mobile = digits.strip_prefix("254").is_some_and(|rest| {
        rest.len() == 9
            && rest.starts_with(['1', '7'])
            && rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    if mobile { Ok(digits) } else { Err(refused("phone_not_supported", "not a Kenyan mobile")) }
}

fn address(url: &str) -> Result<&str> {
    let small = url.to_ascii_lowercase();
    match BANNED.iter().find(|word| small.contains(**word)) {
        Some(word) => {
            let message = format!("Daraja takes no address with {word} in it");
            Err(refused("callback_url_not_allowed", &message))
        }
        None => Ok(url),
    }
}

/// Letters, digits and spaces only, and not too many.
fn plain(text: &str, most: usize, otherwise: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
    let short: String = text.chars().filter(kept).take(most).collect();
    match short.trim() {
        "" => otherwise.to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests;
