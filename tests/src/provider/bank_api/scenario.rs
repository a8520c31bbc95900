//! What happens without us: banks answer, payers agree. Each has the name of the sandbox's scenario, or one like it.

use serde_json::json;

use super::{Script, books::Books, refusal::Refusal};

/// From where a step may be taken, where it leads, and what its event is called.
struct Step {
    scenario: &'static str,
    kind: &'static str,
    from: &'static [&'static str],
    to: &'static str,
    action: &'static str,
}

const PENDING: &[&str] = &["pending_submission", "submitted"];
const HERE: &[&str] = &["confirmed", "paid_out"];

const fn step(
    scenario: &'static str,
    kind: &'static str,
    from: &'static [&'static str],
    to: &'static str,
    action: &'static str,
) -> Step {
    Step { scenario, kind, from, to, action }
}

const STEPS: [Step; 13] = [
    step("mandate_activated", "mandates", PENDING, "active", "active"),
    step("mandate_failed", "mandates", PENDING, "failed", "failed"),
    step(
        "mandate_cancelled",
        "mandates",
        &["pending_submission", "submitted", "active"],
        "cancelled",
        "cancelled",
    ),
    step("payment_submitted", "payments", &["pending_submission"], "submitted", "submitted"),
    step("payment_confirmed", "payments", PENDING, "confirmed", "confirmed"),
    step("payment_paid_out", "payments", &["confirmed"], "paid_out", "paid_out"),
    step("payment_failed", "payments", PENDING, "failed", "failed"),
    step("payment_late_failure", "payments", HERE, "failed", "failed"),
    step("payment_charged_back", "payments", HERE, "charged_back", "charged_back"),
    step(
        "payment_chargeback_cancelled",
        "payments",
        &["charged_back"],
        "paid_out",
        "chargeback_cancelled",
    ),
    step("refund_paid", "refunds", &["created", "pending_submission", "submitted"], "paid", "paid"),
    step(
        "refund_bounced",
        "refunds",
        &["created", "pending_submission", "submitted", "paid"],
        "bounced",
        "failed",
    ),
    step("refund_returned", "refunds", &["pending_submission"], "funds_returned", "funds_returned"),
];

pub fn run(books: &mut Books, scenario: &str, id: &str) -> Result<(), Refusal> {
    if let Some(step) = STEPS.iter().find(|step| step.scenario == scenario) {
        return take(books, step, id);
    }
    match scenario {
        "billing_request_fulfilled" => fulfil(books, id).map(|_| ()),
        // Instant payments are confirmed within seconds.
        "billing_request_fulfilled_and_paid" => {
            if let Some(payment) = fulfil(books, id)? {
                run(books, "payment_confirmed", &payment)?;
            }
            Ok(())
        }
        "billing_request_fulfilled_and_payment_failed" => and_then(books, id, &["payment_failed"]),
        "billing_request_fulfilled_and_payment_confirmed_to_failed" => {
            and_then(books, id, &["payment_confirmed", "payment_late_failure"])
        }
        "billing_request_fulfilled_and_payment_paid_out" => {
            and_then(books, id, &["payment_confirmed", "payment_paid_out"])
        }
        "bank_authorisation_denied" => {
            pending(books, id)?;
            books.tell(id, "bank_authorisation_denied", json!({}), json!({}));
            Ok(())
        }
        _ => Err(Refusal::unknown()),
    }
}

/// What a mandate's payments do by themselves.
pub fn go_on(books: &mut Books, payment: &str, script: Script) {
    books.of(payment).script = script;
    let steps: &[&str] = match script {
        Script::Succeeds => &["payment_submitted", "payment_confirmed"],
        Script::Declines => &["payment_submitted", "payment_failed"],
        Script::TakesTime | Script::AsksForAction => &[],
    };
    for step in steps {
        run(books, step, payment).unwrap();
    }
}

fn take(books: &mut Books, step: &Step, id: &str) -> Result<(), Refusal> {
    let found = books.find(step.kind, id)?;
    let status = found.fields["status"].as_str().unwrap();
    if !step.from.contains(&status) {
        return Err(Refusal::state("scenario_not_possible"));
    }
    let details = match step.scenario {
        "payment_failed" | "payment_late_failure" => json!({
            "origin": "bank",
            "cause": "insufficient_funds",
            "description": "The customer's account had insufficient funds to make this payment.",
            "scheme": "bacs",
            "reason_code": "ARUDD-0",
            "will_attempt_retry": false,
        }),
        _ => json!({}),
    };
    if step.scenario == "refund_bounced" {
        give_back(books, id);
    }
    books.of(id).fields["status"] = json!(step.to);
    books.tell(id, step.action, json!({}), details);
    Ok(())
}

/// A refund that did not arrive may be made again.
fn give_back(books: &mut Books, refund: &str) {
    let fields = books.of(refund).fields.clone();
    let payment = books.of(fields["links"]["payment"].as_str().unwrap());
    let refunded = payment.fields["amount_refunded"].as_i64().unwrap();
    payment.fields["amount_refunded"] = json!(refunded - fields["amount"].as_i64().unwrap());
}

fn pending(books: &Books, id: &str) -> Result<(), Refusal> {
    match books.find("billing_requests", id)?.fields["status"].as_str() {
        Some("pending") => Ok(()),
        _ => Err(Refusal::state("scenario_not_possible")),
    }
}

fn and_then(books: &mut Books, id: &str, steps: &[&str]) -> Result<(), Refusal> {
    let payment = fulfil(books, id)?.ok_or_else(Refusal::unknown)?;
    steps.iter().try_for_each(|step| run(books, step, &payment))
}

/// The payer agrees: what was asked for is made. Gives the payment, if one was asked for.
fn fulfil(books: &mut Books, id: &str) -> Result<Option<String>, Refusal> {
    pending(books, id)?;
    let request = books.of(id).clone();
    let (payment, mandate) =
        (&request.fields["payment_request"], &request.fields["mandate_request"]);
    let mut links = json!({"customer": "CU000001"});
    books.copies = request.copies;
    if let Some(currency) = mandate["currency"].as_str() {
        let made = books.mandate(currency, Script::TakesTime, "pending_submission");
        books.tell(&made, "created", json!({}), json!({}));
        books.of(id).fields["mandate_request"]["links"]["mandate"] = json!(made);
        links["mandate_request_mandate"] = json!(made);
    }
    let mut paid = None;
    if !payment.is_null() {
        let made = books.add(
            "payments",
            None,
            json!({
                "amount": payment["amount"],
                "amount_refunded": 0,
                "charge_date": books.now.date_naive(),
                "currency": payment["currency"],
                "description": payment["description"],
                "scheme": payment["scheme"],
                "status": "submitted",
                "metadata": payment["metadata"],
                "links": {"creditor": "CR000001"},
            }),
        );
        let resource = books.of(&made);
        (resource.key, resource.script) = (request.key, Script::Succeeds);
        books.tell(&made, "created", json!({}), json!({}));
        books.of(id).fields["payment_request"]["links"]["payment"] = json!(made);
        links["payment_request_payment"] = json!(made);
        paid = Some(made);
    }
    books.copies = 1;
    for (name, link) in links.as_object().unwrap() {
        books.of(id).fields["links"][name] = link.clone();
    }
    books.of(id).fields["status"] = json!("fulfilled");
    books.tell(id, "fulfilled", links, json!({}));
    Ok(paid)
}
