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

#[cfg(test)]
mod tests {
    use entity::{Id, money::Money};
    use uuid::Uuid;

    use super::*;

    fn example() -> Charge {
        Charge {
            payment: Id::from_uuid(Uuid::from_u128(1)),
            attempt: Id::from_uuid(Uuid::from_u128(2)),
            customer: Id::from_uuid(Uuid::from_u128(3)),
            amount: Money::new(1099, "EUR".parse().unwrap()),
            manual_capture: false,
            method: Some("pm_1".into()),
            off_session: false,
            return_url: None,
            callback_url: String::new(),
            description: "Ride".into(),
            account_reference: "RIDE1".into(),
            asked_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn asked(asked: Charge) -> impl Fn(&str) -> Option<String> {
        let form = charge(&asked).unwrap();
        move |name| form.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    fn is(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_charge_with_a_method_is_confirmed_at_once() {
        let field = asked(example());
        assert_eq!((field("amount"), field("currency")), (is("1099"), is("eur")));
        assert_eq!((field("payment_method"), field("confirm")), (is("pm_1"), is("true")));
        assert_eq!(field("capture_method"), is("automatic"));
        assert_eq!(field("automatic_payment_methods[allow_redirects]"), is("never"));
        assert_eq!(
            (field("customer"), field("off_session"), field("return_url")),
            (None, None, None)
        );
        // Removed by the version that we ask for.
        assert_eq!(field("payment_method_types"), None);
    }

    #[test]
    fn a_saved_card_is_charged_without_a_way_back() {
        let method = is("cus_1/pm_1");
        let return_url = is("https://bikes.example/paid");
        let saved = Charge { method, off_session: true, return_url, ..example() };
        let field = asked(saved);
        assert_eq!((field("customer"), field("payment_method")), (is("cus_1"), is("pm_1")));
        assert_eq!((field("off_session"), field("return_url")), (is("true"), None));
    }

    #[test]
    fn who_comes_back_may_be_sent_away() {
        let there = Charge { return_url: is("https://bikes.example/paid"), ..example() };
        let field = asked(there.clone());
        assert_eq!(field("return_url"), there.return_url);
        assert_eq!(field("automatic_payment_methods[allow_redirects]"), is("always"));
        // Until it is confirmed, Stripe takes no address.
        let field = asked(Charge { method: None, manual_capture: true, ..there });
        assert_eq!((field("return_url"), field("confirm")), (None, None));
        assert_eq!(field("capture_method"), is("manual"));
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_utc() {
        let form = day(NaiveDate::from_ymd_opt(2026, 2, 28).unwrap(), Some("txn_1"));
        let field = |name: &str| form.iter().find(|(other, _)| other == name).unwrap().1.clone();
        assert_eq!(field("created[gte]"), "1772236800");
        assert_eq!(field("created[lt]"), "1772323200");
        assert_eq!((field("limit"), field("starting_after")), ("100".into(), "txn_1".into()));
    }
}
