//! What GoCardless may be sent; anything else is refused, so that a misspelt field is seen.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::refusal::Refusal;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    pub amount: i64,
    pub currency: String,
    pub charge_date: Option<NaiveDate>,
    pub description: Option<String>,
    pub reference: Option<String>,
    pub retry_if_possible: Option<bool>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    pub links: Mandate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mandate {
    pub mandate: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    pub amount: i64,
    pub total_amount_confirmation: i64,
    pub reference: Option<String>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    pub links: OfPayment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfPayment {
    pub payment: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillingRequest {
    pub payment_request: Option<PaymentRequest>,
    pub mandate_request: Option<MandateRequest>,
    pub fallback_enabled: Option<bool>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentRequest {
    pub amount: i64,
    pub currency: String,
    pub description: Option<String>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MandateRequest {
    pub currency: Option<String>,
    pub scheme: Option<String>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    pub links: OfBillingRequest,
    pub redirect_uri: Option<String>,
    pub exit_uri: Option<String>,
    pub prefilled_customer: Option<Customer>,
    pub auto_fulfil: Option<bool>,
    pub lock_currency: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfBillingRequest {
    pub billing_request: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub company_name: Option<String>,
    pub email: Option<String>,
    pub country_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalmentSchedule {
    pub name: String,
    pub currency: String,
    pub total_amount: i64,
    pub instalments: Vec<Instalment>,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    pub links: Mandate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instalment {
    pub charge_date: NaiveDate,
    pub amount: i64,
}

/// Of `{"scenario_simulators": …}` and of actions, `{"data": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub links: Option<OfResource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfResource {
    pub resource: String,
}

/// What is wrapped in the name of its kind, and in nothing else.
pub fn unwrap<T: DeserializeOwned>(name: &str, body: &[u8]) -> Result<T, Refusal> {
    let body: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| Refusal::usage(400, "bad_request"))?;
    let mut fields = body.into_iter();
    match (fields.next(), fields.next()) {
        (Some((wrapper, inner)), None) if wrapper == name => {
            serde_json::from_value(inner).map_err(|error| Refusal::field(name, &error.to_string()))
        }
        _ => Err(Refusal::usage(400, "invalid_document_structure")),
    }
}

pub fn check_metadata(metadata: &HashMap<String, String>) -> Result<(), Refusal> {
    let fits = metadata.len() <= 3
        && metadata.iter().all(|(key, value)| key.len() <= 50 && value.len() <= 500);
    if fits { Ok(()) } else { Err(Refusal::field("metadata", "is too much")) }
}

pub fn check_amount(amount: i64) -> Result<(), Refusal> {
    if amount > 0 { Ok(()) } else { Err(Refusal::field("amount", "must be greater than 0")) }
}

pub fn check_description(description: Option<&String>) -> Result<(), Refusal> {
    let fits = description.is_none_or(|text| text.chars().count() <= 100);
    if fits { Ok(()) } else { Err(Refusal::field("description", "is too long")) }
}
