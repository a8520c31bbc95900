//! What Daraja tells and asks. It signs nothing: the address is the secret, and a query confirms.

use entity::money::Money;
use serde_json::{Value, json};

use super::{
    Credentials, Delivery, Notice, Reply, Verdict, WebhookError,
    outcome::of_reversal,
    wire::{shilling, text},
};
use crate::{
    keys::sha256,
    payment::provider::{About, Claims, RefundOutcome, Unasked, Why},
};

/// Results come to a payment's own address, and what nobody asked for to the tenant's: another way round it is forged.
pub fn read(credentials: &Credentials, delivery: &Delivery<'_>) -> Result<Notice, WebhookError> {
    let body: Value = serde_json::from_slice(delivery.body)
        .map_err(|error| WebhookError::Unreadable(error.into()))?;
    let prompt = body.get("Body").and_then(|body| body.get("stkCallback"));
    match (prompt, body.get("Result"), delivery.payment) {
        (Some(prompt), None, Some(_)) => of_prompt(prompt),
        (None, Some(result), Some(_)) => of_reversed(result, topic(delivery) == "timeout"),
        (None, None, None) if body.get("TransID").is_some() => {
            unasked(credentials, &body, delivery)
        }
        (Some(_), _, _) | (_, Some(_), _) => Err(WebhookError::Forged),
        (None, None, _) => Err(unreadable("neither a result nor a payment")),
    }
}

/// In Daraja's own words. It reads them where it asks, and wants to see a zero where it tells.
pub fn reply(verdict: &Verdict) -> Reply {
    let said = |status, code: Value, text| Reply {
        status,
        body: Some(json!({ "ResultCode": code, "ResultDesc": text })),
    };
    match verdict {
        Verdict::Kept => said(200, json!(0), "Accepted"),
        Verdict::Allowed => said(200, json!("0"), "Accepted"),
        Verdict::Refused(Why::UnknownAccount) => said(200, json!("C2B00012"), "Rejected"),
        Verdict::Refused(Why::WrongAmount) => said(200, json!("C2B00013"), "Rejected"),
        Verdict::Refused(Why::Forged | Why::Unreadable) => said(400, json!("C2B00016"), "Rejected"),
    }
}

/// Of a prompt that has ended. Only a success claims anything, in items of no fixed order.
fn of_prompt(prompt: &Value) -> Result<Notice, WebhookError> {
    let reference = needed(prompt, "CheckoutRequestID")?;
    let code = needed(prompt, "ResultCode")?;
    let items = prompt.get("CallbackMetadata").and_then(|metadata| metadata.get("Item"));
    let items = items.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let item = |name: &str| {
        let named = |item: &&Value| item.get("Name").and_then(Value::as_str) == Some(name);
        items.iter().find(named).and_then(|item| text(item, "Value"))
    };
    let (receipt, amount, payer) =
        (item("MpesaReceiptNumber"), item("Amount"), item("PhoneNumber"));
    let event_id = event_id(
        "prompt",
        &[Some(&reference), Some(&code), receipt.as_ref(), amount.as_ref(), payer.as_ref()],
    );
    let amount = amount.map(|amount| money(&amount)).transpose()?;
    let claims = Claims { transaction: receipt, amount, payer: payer.and_then(phone) };
    let about = About::Payment { reference, claims };
    Ok(Notice { event_id, event_type: format!("stkCallback.{code}"), about })
}

/// Of a reversal. A time-out in Daraja's queue decides nothing.
fn of_reversed(result: &Value, timed_out: bool) -> Result<Notice, WebhookError> {
    let reference = needed(result, "OriginatorConversationID")?;
    let code = needed(result, "ResultCode")?;
    let more_will_come = text(result, "ResultType").as_deref() == Some("1");
    let outcome = if timed_out || more_will_come {
        RefundOutcome::Processing
    } else {
        of_reversal(&code, &text(result, "ResultDesc").unwrap_or_default())
    };
    let kind = if timed_out { "timeout" } else { "result" };
    let event_id = event_id(kind, &[Some(&reference), Some(&code)]);
    let about = About::Refund { reference, outcome: Some(outcome) };
    Ok(Notice { event_id, event_type: format!("{kind}.{code}"), about })
}

/// Question and statement look the same; where they come to tells them apart.
fn unasked(
    credentials: &Credentials,
    body: &Value,
    delivery: &Delivery<'_>,
) -> Result<Notice, WebhookError> {
    if !text(body, "BusinessShortCode").is_some_and(|number| credentials.is_ours(&number)) {
        return Err(WebhookError::Forged);
    }
    let transaction = needed(body, "TransID")?;
    let payment = Unasked {
        amount: money(&needed(body, "TransAmount")?)?,
        account_reference: text(body, "BillRefNumber").unwrap_or_default(),
        payer: text(body, "MSISDN"),
        transaction: transaction.clone(),
    };
    let (kind, about) = match topic(delivery) {
        "validation" => ("validation", About::Question(payment)),
        "confirmation" => ("confirmation", About::Unasked(payment)),
        _ => return Err(unreadable("neither asked nor told")),
    };
    let event_id = format!("{kind}-{transaction}");
    Ok(Notice { event_id, event_type: kind.to_owned(), about })
}

/// What the address ends with.
fn topic<'a>(delivery: &'a Delivery<'_>) -> &'a str {
    let path = delivery.header(":path").unwrap_or_default();
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Daraja gives its messages no names: what they say is their name. Hashed, because it holds the payer's phone.
fn event_id(kind: &str, parts: &[Option<&String>]) -> String {
    let content = serde_json::to_vec(parts).unwrap_or_default();
    format!("{kind}-{}", hex(&sha256(&content)[..16]))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Shillings with or without decimals.
fn money(amount: &str) -> Result<Money, WebhookError> {
    let amount = amount.parse().map_err(|_| unreadable("an amount that is no number"))?;
    let currency = shilling().ok_or_else(|| unreadable("no such currency"))?;
    Money::from_amount(amount, currency).map_err(|error| WebhookError::Unreadable(error.into()))
}

/// In E.164. A number that is masked or hashed claims nothing.
fn phone(number: String) -> Option<String> {
    let whole = number.len() >= 7 && number.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| format!("+{number}"))
}

fn needed(body: &Value, field: &'static str) -> Result<String, WebhookError> {
    text(body, field).ok_or_else(|| WebhookError::Unreadable(format!("no {field}").into()))
}

fn unreadable(why: &'static str) -> WebhookError {
    WebhookError::Unreadable(why.into())
}

#[cfg(test)]
mod tests;
