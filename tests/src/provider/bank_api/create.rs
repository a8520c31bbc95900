//! What can be made, and when it is refused. A key that has made something is looked at first.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    Script,
    body::{self, check_amount, check_description, check_metadata, unwrap},
    books::{Books, currency_of, scheme},
    refusal::Refusal,
    scenario,
};

const MOST_REFUNDS: usize = 25;

type Made = Result<Value, Refusal>;

pub fn payment(books: &mut Books, key: Option<&str>, body: &[u8]) -> Made {
    books.fresh_first("payments", key)?;
    let asked: body::Payment = unwrap("payments", body)?;
    check_amount(asked.amount)?;
    check_metadata(&asked.metadata)?;
    check_description(asked.description.as_ref())?;
    if asked.reference.is_some() {
        return Err(Refusal::field("reference", "is not available on your plan"));
    }
    let (currency, script) = collectable(books, &asked.links.mandate)?;
    if currency != asked.currency {
        return Err(Refusal::field("currency", "must be the mandate's"));
    }
    let first = books.first_charge_date();
    let charge_date = asked.charge_date.unwrap_or(first);
    if charge_date < first {
        return Err(Refusal::field(
            "charge_date",
            "must be on or after mandate's next_possible_charge_date",
        ));
    }
    let fields = json!({
        "amount": asked.amount,
        "amount_refunded": 0,
        "charge_date": charge_date,
        "currency": currency,
        "description": asked.description,
        "reference": null,
        "retry_if_possible": asked.retry_if_possible.unwrap_or(false),
        "status": "pending_submission",
        "metadata": asked.metadata,
        "links": {"mandate": asked.links.mandate, "creditor": "CR000001"},
    });
    books.fresh("payments", key)?;
    let id = books.add("payments", key, fields);
    books.tell(&id, "created", json!({}), json!({"origin": "api", "cause": "payment_created"}));
    let made = json!({"payments": books.of(&id).fields});
    // After it was answered.
    scenario::go_on(books, &id, script);
    Ok(made)
}

/// The mandate's currency and script, if it can be charged.
fn collectable(books: &Books, mandate: &str) -> Result<(&'static str, Script), Refusal> {
    let mandate = books.find("mandates", mandate)?;
    match mandate.fields["status"].as_str() {
        Some("pending_submission" | "submitted" | "active") => {
            let scheme = mandate.fields["scheme"].as_str().unwrap();
            Ok((currency_of(scheme).unwrap(), mandate.script))
        }
        _ => Err(Refusal::state("mandate_is_inactive")),
    }
}

pub fn refund(books: &mut Books, key: Option<&str>, body: &[u8]) -> Made {
    books.fresh_first("refunds", key)?;
    let asked: body::Refund = unwrap("refunds", body)?;
    check_amount(asked.amount)?;
    check_metadata(&asked.metadata)?;
    let payment = books.find("payments", &asked.links.payment)?.clone();
    let number = |name: &str| payment.fields[name].as_i64().unwrap();
    let total = number("amount_refunded") + asked.amount;
    if !matches!(payment.fields["status"].as_str(), Some("confirmed" | "paid_out")) {
        return Err(Refusal::state("refund_payment_invalid_state"));
    }
    if total > number("amount") {
        return Err(Refusal::field("amount", "exceeds what is left of the payment"));
    }
    if total != asked.total_amount_confirmation {
        return Err(Refusal::state("total_amount_confirmation_invalid"));
    }
    if books.refunds(&payment.id).len() >= MOST_REFUNDS {
        return Err(Refusal::state("number_of_refunds_exceeded"));
    }
    let fields = json!({
        "amount": asked.amount,
        "currency": payment.fields["currency"],
        "reference": asked.reference,
        "status": "created",
        "metadata": asked.metadata,
        "links": {"payment": payment.id},
    });
    books.fresh("refunds", key)?;
    let id = books.add("refunds", key, fields);
    books.of(&payment.id).fields["amount_refunded"] = json!(total);
    books.tell(&id, "created", json!({}), json!({"origin": "api", "cause": "refund_created"}));
    let made = json!({"refunds": books.of(&id).fields});
    if payment.script == Script::Succeeds {
        books.step(&id, "paid", "paid");
    }
    Ok(made)
}

pub fn billing_request(books: &mut Books, key: Option<&str>, body: &[u8]) -> Made {
    books.fresh_first("billing_requests", key)?;
    let asked: body::BillingRequest = unwrap("billing_requests", body)?;
    check_metadata(&asked.metadata)?;
    let payment = asked.payment_request.map(payment_request).transpose()?;
    let mandate = asked.mandate_request.map(mandate_request).transpose()?;
    if payment.is_none() && mandate.is_none() {
        return Err(Refusal::field("payment_request", "or mandate_request is required"));
    }
    let fields = json!({
        "status": "pending",
        "payment_request": payment,
        "mandate_request": mandate,
        "fallback_enabled": asked.fallback_enabled.unwrap_or(false),
        "metadata": asked.metadata,
        "actions": [],
        "resources": {},
        "links": {"creditor": "CR000001"},
    });
    books.fresh("billing_requests", key)?;
    let id = books.add("billing_requests", key, fields);
    books.tell(
        &id,
        "created",
        json!({}),
        json!({"origin": "api", "cause": "billing_request_created"}),
    );
    Ok(json!({"billing_requests": books.of(&id).fields}))
}

/// Instant payments, which there are in two currencies.
fn payment_request(asked: body::PaymentRequest) -> Result<Value, Refusal> {
    check_amount(asked.amount)?;
    check_metadata(&asked.metadata)?;
    check_description(asked.description.as_ref())?;
    let scheme = match asked.currency.as_str() {
        "GBP" => "faster_payments",
        "EUR" => "sepa_instant_credit_transfer",
        _ => return Err(Refusal::field("payment_request.currency", "is not supported")),
    };
    Ok(json!({
        "amount": asked.amount,
        "currency": asked.currency,
        "description": asked.description,
        "scheme": scheme,
        "metadata": asked.metadata,
        "links": {},
    }))
}

fn mandate_request(asked: body::MandateRequest) -> Result<Value, Refusal> {
    check_metadata(&asked.metadata)?;
    let by_scheme = asked.scheme.as_deref().and_then(currency_of);
    let currency = asked.currency.as_deref().or(by_scheme);
    let scheme = currency.and_then(scheme);
    if scheme.is_none() || asked.scheme.is_some() && asked.scheme.as_deref() != scheme {
        return Err(Refusal::field("mandate_request.scheme", "does not fit the currency"));
    }
    Ok(json!({"currency": currency, "scheme": scheme, "verify": "when_available", "links": {}}))
}

pub fn flow(books: &mut Books, url: &str, body: &[u8]) -> Made {
    let asked: body::Flow = unwrap("billing_request_flows", body)?;
    let request = books.find("billing_requests", &asked.links.billing_request)?;
    if request.fields["status"] != "pending" {
        return Err(Refusal::state("billing_request_not_pending"));
    }
    let id = request.id.clone();
    for uri in asked.redirect_uri.iter().chain(&asked.exit_uri) {
        if !uri.starts_with("https://") && !uri.starts_with("http://") {
            return Err(Refusal::field("redirect_uri", "must be an absolute address"));
        }
    }
    let expires_at = books.now + TimeDelta::days(7);
    let fields = json!({
        "redirect_uri": asked.redirect_uri,
        "exit_uri": asked.exit_uri,
        "prefilled_customer": asked.prefilled_customer,
        "lock_currency": asked.lock_currency.unwrap_or(false),
        "auto_fulfil": asked.auto_fulfil.unwrap_or(true),
        "session_token": null,
        "expires_at": expires_at,
        "links": {"billing_request": id},
    });
    let flow = books.add("billing_request_flows", None, fields);
    let page = format!("{url}/billing/static/flow?id={flow}");
    books.of(&flow).fields["authorisation_url"] = json!(page);
    books.tell(&id, "flow_created", json!({"billing_request_flow": flow}), json!({}));
    Ok(json!({"billing_request_flows": books.of(&flow).fields}))
}

pub fn schedule(books: &mut Books, key: Option<&str>, body: &[u8]) -> Made {
    books.fresh_first("instalment_schedules", key)?;
    let asked: body::InstalmentSchedule = unwrap("instalment_schedules", body)?;
    check_metadata(&asked.metadata)?;
    let (currency, _) = collectable(books, &asked.links.mandate)?;
    if currency != asked.currency {
        return Err(Refusal::field("currency", "must be the mandate's"));
    }
    let first = books.first_charge_date();
    for instalment in &asked.instalments {
        check_amount(instalment.amount)?;
        if instalment.charge_date < first {
            return Err(Refusal::field("charge_date", "is too early"));
        }
    }
    if asked.total_amount != asked.instalments.iter().map(|one| one.amount).sum::<i64>() {
        return Err(Refusal::field("total_amount", "must be the sum of the instalments"));
    }
    let planned: Vec<_> = asked
        .instalments
        .iter()
        .map(|one| json!({"charge_date": one.charge_date, "amount": one.amount}))
        .collect();
    let fields = json!({
        "name": asked.name,
        "currency": currency,
        "total_amount": asked.total_amount,
        "status": "pending",
        "payment_errors": {},
        "metadata": asked.metadata,
        "links": {"mandate": asked.links.mandate, "customer": "CU000001", "payments": []},
    });
    books.fresh("instalment_schedules", key)?;
    let id = books.add("instalment_schedules", key, fields);
    books.of(&id).planned = planned;
    books.tell(&id, "created", json!({}), json!({}));
    Ok(json!({"instalment_schedules": books.of(&id).fields}))
}

/// The payments of a schedule are made some time after it was asked for: when it is first looked at.
pub fn make_instalments(books: &mut Books, id: &str) {
    let Ok(schedule) = books.find("instalment_schedules", id).cloned() else { return };
    if schedule.fields["status"] != "pending" {
        return;
    }
    let mut made = Vec::new();
    for planned in &schedule.planned {
        let links = json!({
            "mandate": schedule.fields["links"]["mandate"],
            "instalment_schedule": id,
            "creditor": "CR000001",
        });
        let payment = json!({
            "amount": planned["amount"],
            "amount_refunded": 0,
            "charge_date": planned["charge_date"],
            "currency": schedule.fields["currency"],
            "status": "pending_submission",
            "metadata": {},
            "links": links,
        });
        made.push(books.add("payments", None, payment));
    }
    books.of(id).fields["links"]["payments"] = json!(made);
    books.step(id, "active", "created");
}

pub fn cancel(books: &mut Books, kind: &str, id: &str) -> Result<(), Refusal> {
    match (kind, books.find(kind, id)?.fields["status"].as_str()) {
        ("payments", Some("pending_submission")) | ("billing_requests", Some("pending")) => {
            books.step(id, "cancelled", "cancelled");
            Ok(())
        }
        _ => Err(Refusal::state("cancellation_failed")),
    }
}
