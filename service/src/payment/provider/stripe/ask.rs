//! What Stripe is asked, parameter by parameter.

use chrono::{Days, NaiveDate, NaiveTime};

use super::{call::Form, currency, intent, set_up};
use crate::payment::provider::{Capture, Charge, Confirm, Refund, Result, SetUp};

/// As many as a page may have.
const PAGE: &str = "100";
/// What a value in `metadata` may have.
const METADATA_CHARS: usize = 500;

pub fn charge(charge: &Charge) -> Result<Form> {
    let mut form = vec![
        pair("amount", currency::write(charge.amount)?),
        pair("currency", charge.amount.currency().code().to_ascii_lowercase()),
        pair("capture_method", if charge.manual_capture { "manual" } else { "automatic" }),
        pair("description", &charge.description),
        pair("metadata[payment_id]", charge.payment),
        pair("metadata[attempt_id]", charge.attempt),
        pair("metadata[customer_id]", charge.customer),
        pair("metadata[reference]", &charge.account_reference),
    ];
    let there = charge.return_url.as_ref().filter(|_| !charge.off_session);
    form.extend(methods(there.is_some()));
    match &charge.method {
        Some(token) => {
            let (customer, method) = set_up::parts(token);
            form.extend(customer.map(|customer| pair("customer", customer)));
            form.push(pair("payment_method", method));
            form.push(pair("confirm", true));
            form.extend(charge.off_session.then(|| pair("off_session", true)));
            form.extend(there.map(|url| pair("return_url", url)));
        }
        None => form.push(pair("metadata[method]", intent::OPEN)),
    }
    form.push(whole());
    Ok(form)
}

/// Pages that a payer is sent to need a way back.
fn methods(redirects: bool) -> [(String, String); 2] {
    [
        pair("automatic_payment_methods[enabled]", true),
        pair(
            "automatic_payment_methods[allow_redirects]",
            if redirects { "always" } else { "never" },
        ),
    ]
}

pub fn confirm(confirm: &Confirm) -> Form {
    let method = confirm.method.as_deref().map(|token| set_up::parts(token).1);
    let mut form: Form = method.map(|method| pair("payment_method", method)).into_iter().collect();
    form.extend(confirm.return_url.as_ref().map(|url| pair("return_url", url)));
    form.push(whole());
    form
}

pub fn capture(capture: &Capture) -> Result<Form> {
    Ok(vec![pair("amount_to_capture", currency::write(capture.amount)?), whole()])
}

pub fn cancel(reason: &str) -> Form {
    vec![pair("cancellation_reason", reason), whole()]
}

pub fn refund(refund: &Refund) -> Result<Form> {
    let mut form = vec![
        pair("payment_intent", &refund.reference),
        pair("amount", currency::write(refund.amount)?),
        pair("metadata[refund_id]", refund.refund),
        pair("metadata[payment_id]", refund.payment),
    ];
    let reason = refund.reason.as_ref();
    form.extend(reason.map(|reason| {
        pair("metadata[reason]", reason.chars().take(METADATA_CHARS).collect::<String>())
    }));
    Ok(form)
}

pub fn refunds_of(intent: &str, after: Option<&str>) -> Form {
    page(vec![pair("payment_intent", intent)], after)
}

/// What was asked for by this attempt. Our ids have nothing in them that would need quoting.
pub fn search(charge: &Charge) -> Form {
    vec![
        pair("query", format!("metadata['attempt_id']:'{}'", charge.attempt)),
        pair("expand[]", "data.latest_charge"),
    ]
}

pub fn disputes_of(intent: &str) -> Form {
    page(vec![pair("payment_intent", intent)], None)
}

pub fn day(day: NaiveDate, after: Option<&str>) -> Form {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc().timestamp();
    let next = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    let day = vec![
        pair("created[gte]", midnight(day)),
        pair("created[lt]", midnight(next)),
        pair("expand[]", "data.source"),
    ];
    page(day, after)
}

pub fn customer(set_up: &SetUp) -> Form {
    let mut form = vec![pair("name", &set_up.name), pair("metadata[customer_id]", set_up.customer)];
    form.extend(set_up.email.as_ref().map(|email| pair("email", email)));
    form
}

pub fn set_up(set_up: &SetUp, customer: &str) -> Form {
    let mut form = vec![
        pair("customer", customer),
        pair("usage", "off_session"),
        pair("metadata[customer_id]", set_up.customer),
        pair("metadata[attempt_id]", set_up.attempt),
    ];
    form.extend(methods(set_up.return_url.is_some()));
    form
}

/// With the charge in it, and not its name only.
pub fn whole() -> (String, String) {
    pair("expand[]", "latest_charge")
}

fn page(mut form: Form, after: Option<&str>) -> Form {
    form.push(pair("limit", PAGE));
    form.extend(after.map(|after| pair("starting_after", after)));
    form
}

fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}
