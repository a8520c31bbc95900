//! What GoCardless is asked, as it wants to read it.

#[cfg(test)]
mod tests;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::money::{Currency, Money};
use serde_json::{Map, Value, json};

use super::super::{Charge, Decline, ProviderError, Refund, Result, Schedule, SetUp};

/// The schemes by which banks collect, one for each currency that GoCardless takes. All of them have cents.
const SCHEMES: [(&str, &str); 8] = [
    ("AUD", "becs"),
    ("CAD", "pad"),
    ("DKK", "betalingsservice"),
    ("EUR", "sepa_core"),
    ("GBP", "bacs"),
    ("NZD", "becs_nz"),
    ("SEK", "autogiro"),
    ("USD", "ach"),
];
const DESCRIPTION: usize = 100;
/// Of a value in metadata, of which there are at most three.
const METADATA: usize = 500;

/// In which a payer can be asked for one payment, without a mandate.
pub(super) fn is_instant(currency: Currency) -> bool {
    matches!(currency.code(), "EUR" | "GBP")
}

/// What is certainly in vain is not asked.
pub(super) fn check(charge: &Charge) -> Result<()> {
    if charge.manual_capture {
        return Err(ProviderError::Unsupported);
    }
    scheme(charge.amount.currency())?;
    positive(charge.amount)
}

/// A bank account is charged under a mandate only.
pub(super) fn mandate_required() -> ProviderError {
    refused("mandate_required", "the customer has to agree to a mandate first")
}

pub(super) fn payment(charge: &Charge, mandate: &str) -> Value {
    json!({"payments": {
        "amount": charge.amount.minor(),
        "currency": charge.amount.currency(),
        "description": cut(&charge.description, DESCRIPTION),
        "metadata": names(charge),
        "links": {"mandate": mandate},
    }})
}

/// Asks for this payment alone: a mandate is asked for where the customer wants one, by `mandate`.
pub(super) fn billing_request(charge: &Charge) -> Value {
    json!({"billing_requests": {
        "payment_request": {
            "amount": charge.amount.minor(),
            "currency": charge.amount.currency(),
            "description": cut(&charge.description, DESCRIPTION),
            "metadata": names(charge),
        },
        "metadata": names(charge),
    }})
}

pub(super) fn mandate(set_up: &SetUp) -> Result<Value> {
    let mut metadata = Map::new();
    metadata.insert("customer".into(), set_up.customer.to_string().into());
    metadata.insert("attempt".into(), set_up.attempt.to_string().into());
    // So that the page can be made again.
    if let Some(url) = set_up.return_url.as_ref().filter(|url| url.len() <= METADATA) {
        metadata.insert("return_url".into(), url.as_str().into());
    }
    Ok(json!({"billing_requests": {
        "mandate_request": {
            "currency": set_up.currency,
            "scheme": scheme(set_up.currency)?,
        },
        "metadata": metadata,
    }}))
}

/// The page on which the payer agrees.
pub(super) fn flow(
    billing_request: &str,
    return_url: Option<&str>,
    payer: Option<&SetUp>,
) -> Value {
    let mut flow = Map::new();
    flow.insert("links".into(), json!({"billing_request": billing_request}));
    flow.insert("lock_currency".into(), true.into());
    if let Some(url) = return_url {
        flow.insert("redirect_uri".into(), url.into());
        flow.insert("exit_uri".into(), url.into());
    }
    if let Some(payer) = payer {
        flow.insert("prefilled_customer".into(), known(payer));
    }
    json!({"billing_request_flows": flow})
}

/// What the payer need not type, and may correct.
fn known(payer: &SetUp) -> Value {
    let name = payer.name.trim();
    let (given, family) = name.rsplit_once(' ').unwrap_or((name, ""));
    let fields = [
        ("given_name", Some(given.trim_end())),
        ("family_name", Some(family)),
        ("email", payer.email.as_deref()),
    ];
    let said = fields.into_iter().filter_map(|(name, value)| {
        value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value.into()))
    });
    Value::Object(said.collect())
}

pub(super) fn refund(refund: &Refund, payment: &str) -> Result<Value> {
    positive(refund.amount)?;
    Ok(json!({"refunds": {
        "amount": refund.amount.minor(),
        "total_amount_confirmation": refund.total.minor(),
        "metadata": {"refund": refund.refund, "payment": refund.payment},
        "links": {"payment": payment},
    }}))
}

pub(super) fn schedule(schedule: &Schedule) -> Result<Value> {
    let total = total(schedule)?;
    scheme(total.currency())?;
    let instalments: Vec<_> = schedule
        .instalments
        .iter()
        .map(|(on, amount)| json!({"charge_date": on, "amount": amount.minor()}))
        .collect();
    Ok(json!({"instalment_schedules": {
        "name": cut(&schedule.name, DESCRIPTION),
        "currency": total.currency(),
        "total_amount": total.minor(),
        "instalments": instalments,
        "metadata": {"attempt": schedule.attempt},
        "links": {"mandate": schedule.method},
    }}))
}

/// Of all instalments, which are positive and of one currency.
pub(super) fn total(schedule: &Schedule) -> Result<Money> {
    let mut amounts = schedule.instalments.iter().map(|(_, amount)| *amount);
    let first =
        amounts.next().ok_or_else(|| refused("no_instalments", "there is no instalment"))?;
    positive(first)?;
    amounts.try_fold(first, |sum, amount| {
        positive(amount)?;
        sum.checked_add(amount).map_err(|error| refused("instalments_invalid", &error.to_string()))
    })
}

/// As GoCardless writes time.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// At most three; whoever looks at it in the dashboard finds it here.
fn names(charge: &Charge) -> Value {
    json!({
        "payment": charge.payment,
        "attempt": charge.attempt,
        "reference": charge.account_reference,
    })
}

fn scheme(currency: Currency) -> Result<&'static str> {
    let known = SCHEMES.iter().find(|(code, _)| *code == currency.code());
    known.map(|(_, scheme)| *scheme).ok_or_else(|| {
        refused("currency_not_supported", &format!("{currency} cannot be collected from banks"))
    })
}

fn positive(amount: Money) -> Result<()> {
    if amount.minor() > 0 {
        Ok(())
    } else {
        Err(refused("amount_too_small", "the amount must be more than nothing"))
    }
}

fn refused(code: &str, message: &str) -> ProviderError {
    ProviderError::Refused(Decline { code: code.to_owned(), message: message.to_owned() })
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
