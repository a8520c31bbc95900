//! What can be asked of the stand-in: every parameter is known, every amount and state is checked.

use serde_json::{Map, Value, json};

use super::{
    books::{Books, Method},
    problem::Problem,
};

type Form = Map<String, Value>;
type Done = Result<String, Problem>;

const ZERO_DECIMAL: &[&str] = &["jpy", "krw", "rwf", "xaf", "xof", "vnd", "mga"];
const TWO_DECIMAL: &[&str] = &["chf", "eur", "gbp", "kes", "usd"];
const THREE_DECIMAL: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
const ALWAYS_00: &[&str] = &["isk", "ugx"];

impl Books {
    pub fn create_intent(&mut self, form: &Form) -> Done {
        known(
            form,
            &[
                "amount",
                "currency",
                "capture_method",
                "description",
                "customer",
                "payment_method",
                "confirm",
                "off_session",
                "return_url",
                "automatic_payment_methods[enabled]",
                "automatic_payment_methods[allow_redirects]",
            ],
        )?;
        let (amount, currency) = (number(form, "amount")?, text(form, "currency")?);
        check_amount(amount, currency)?;
        let confirm = flag(form, "confirm")?;
        for name in ["off_session", "return_url"] {
            if !confirm && form.contains_key(name) {
                return Err(Problem::invalid(name, "can only be used with confirm"));
            }
        }
        one_of(form, "capture_method", &["automatic", "automatic_async", "manual"])?;
        let redirects = form.get("automatic_payment_methods[allow_redirects]");
        if confirm && redirects != Some(&json!("never")) && !form.contains_key("return_url") {
            return Err(Problem::invalid("return_url", "A `return_url` must be specified"));
        }
        let method = form.get("payment_method").and_then(Value::as_str);
        if confirm && method.is_none() {
            return Err(Problem::coded("parameter_missing", "payment_method", "is missing"));
        }
        if let Some(method) = method {
            self.check_method(method, form.get("customer").and_then(Value::as_str))?;
            if form["capture_method"] == "manual" && self.method(method) == Some(Method::TakesTime)
            {
                return Err(Problem::invalid("capture_method", "this method cannot be held"));
            }
        }
        let fields = json!({
            "amount": amount, "currency": currency, "status": "requires_payment_method",
            "capture_method": form.get("capture_method").unwrap_or(&json!("automatic_async")),
            "description": form.get("description"), "customer": form.get("customer"),
            "metadata": metadata(form), "return_url": form.get("return_url"),
            "automatic_payment_methods": { "enabled": true, "allow_redirects": redirects },
            "amount_received": 0, "last_payment_error": null, "next_action": null,
            "canceled_at": null, "latest_charge": null,
        });
        let intent = self.make("payment_intent", "pi", fields);
        self.set(&intent, json!({ "client_secret": format!("{intent}_secret_of_the_payer") }));
        self.tell("payment_intent.created", &intent);
        if let Some(method) = method.filter(|_| confirm) {
            self.pay(&intent, method, flag(form, "off_session")?)?;
        }
        Ok(intent)
    }

    fn check_method(&self, method: &str, customer: Option<&str>) -> Result<(), Problem> {
        self.method(method).ok_or_else(|| Problem::missing("payment_method", method))?;
        if self.owner(method).is_some_and(|owner| customer != Some(owner)) {
            return Err(Problem::invalid("payment_method", "It belongs to a Customer"));
        }
        Ok(())
    }

    pub fn confirm(&mut self, intent: &str, form: &Form) -> Done {
        known(form, &["payment_method", "return_url", "off_session"])?;
        let kept = self.intent(intent)?;
        let waits = ["requires_payment_method", "requires_confirmation", "requires_action"];
        self.check_state(intent, &waits)?;
        let method = form.get("payment_method").unwrap_or(&kept["payment_method"]);
        let Some(method) = method.as_str().map(str::to_owned) else {
            return Err(Problem::unexpected_state(intent, "requires_payment_method"));
        };
        if kept["automatic_payment_methods"]["allow_redirects"] != "never"
            && !form.contains_key("return_url")
        {
            return Err(Problem::invalid("return_url", "A `return_url` must be specified"));
        }
        self.check_method(&method, kept["customer"].as_str())?;
        self.set(intent, json!({ "return_url": form.get("return_url") }));
        self.pay(intent, &method, flag(form, "off_session")?)?;
        Ok(intent.to_owned())
    }

    pub fn capture(&mut self, intent: &str, form: &Form) -> Done {
        known(form, &["amount_to_capture", "final_capture"])?;
        let kept = self.intent(intent)?;
        self.check_state(intent, &["requires_capture"])?;
        let held = kept["amount_capturable"].as_i64().unwrap();
        let amount = number(form, "amount_to_capture").unwrap_or(held);
        if amount < 1 || amount > held {
            let message = "greater than the amount that can be captured";
            return Err(Problem::coded("amount_too_large", "amount_to_capture", message));
        }
        let charge = kept["latest_charge"].as_str().unwrap().to_owned();
        self.set(&charge, json!({ "captured": true, "amount_captured": amount }));
        self.set(
            intent,
            json!({ "status": "succeeded", "amount_received": amount, "amount_capturable": 0 }),
        );
        self.book("charge", &charge);
        self.tell("charge.captured", &charge);
        self.tell("payment_intent.succeeded", intent);
        Ok(intent.to_owned())
    }

    pub fn cancel_intent(&mut self, intent: &str, form: &Form) -> Done {
        known(form, &["cancellation_reason"])?;
        let reasons = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];
        one_of(form, "cancellation_reason", &reasons)?;
        self.intent(intent)?;
        self.check_state(
            intent,
            &[
                "requires_payment_method",
                "requires_confirmation",
                "requires_action",
                "requires_capture",
            ],
        )?;
        let reason = form.get("cancellation_reason").and_then(Value::as_str).unwrap_or_default();
        self.cancel(intent, reason);
        Ok(intent.to_owned())
    }

    pub fn create_refund(&mut self, form: &Form) -> Done {
        known(form, &["payment_intent", "charge", "amount", "reason"])?;
        one_of(form, "reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
        let id = text(form, "payment_intent")?;
        let intent = self.intent(id)?;
        let left = intent["amount_received"].as_i64().unwrap() - self.refunded(id);
        let amount = number(form, "amount").unwrap_or(left);
        if intent["status"] != "succeeded" {
            return Err(Problem::invalid("payment_intent", "This PaymentIntent has no charge"));
        }
        if left == 0 {
            let message = "Charge has already been refunded.";
            return Err(Problem::coded("charge_already_refunded", "payment_intent", message));
        }
        if amount < 1 || amount > left {
            let message = "Refund amount is greater than unrefunded amount on charge";
            return Err(Problem::invalid("amount", message));
        }
        let slow = intent["payment_method"] == "pm_usBankAccount";
        let fields = json!({
            "amount": amount, "currency": intent["currency"], "payment_intent": id,
            "charge": intent["latest_charge"], "metadata": metadata(form),
            "status": if slow { "pending" } else { "succeeded" },
        });
        let refund = self.make("refund", "re", fields);
        let charge = intent["latest_charge"].as_str().unwrap().to_owned();
        self.set(&charge, json!({ "amount_refunded": self.refunded(id) }));
        self.book("refund", &refund);
        self.tell("refund.created", &refund);
        self.tell("charge.refunded", &charge);
        Ok(refund)
    }

    pub fn create_customer(&mut self, form: &Form) -> Done {
        known(form, &["name", "email"])?;
        let fields = json!({
            "name": form.get("name"), "email": form.get("email"), "metadata": metadata(form),
        });
        Ok(self.make("customer", "cus", fields))
    }

    pub fn create_set_up(&mut self, form: &Form) -> Done {
        known(
            form,
            &[
                "customer",
                "usage",
                "automatic_payment_methods[enabled]",
                "automatic_payment_methods[allow_redirects]",
            ],
        )?;
        one_of(form, "usage", &["off_session", "on_session"])?;
        let customer = text(form, "customer")?;
        self.find(customer).ok_or_else(|| Problem::missing("customer", customer))?;
        let fields = json!({
            "customer": customer, "status": "requires_payment_method", "metadata": metadata(form),
            "last_setup_error": null, "next_action": null, "payment_method": null,
        });
        let setup = self.make("setup_intent", "seti", fields);
        self.set(&setup, json!({ "client_secret": format!("{setup}_secret_of_the_payer") }));
        Ok(setup)
    }

    fn intent(&self, id: &str) -> Result<Value, Problem> {
        let intent = self.find(id).filter(|intent| intent["object"] == "payment_intent");
        intent.cloned().ok_or_else(|| Problem::missing("payment_intent", id))
    }

    fn check_state(&self, intent: &str, allowed: &[&str]) -> Result<(), Problem> {
        let kept = self.get(intent);
        let status = kept["status"].as_str().unwrap();
        if allowed.contains(&status) {
            Ok(())
        } else {
            Err(Problem::unexpected_state(intent, status))
        }
    }
}

fn check_amount(amount: i64, currency: &str) -> Result<(), Problem> {
    let least = match currency {
        code if ZERO_DECIMAL.contains(&code) || TWO_DECIMAL.contains(&code) => 50,
        code if THREE_DECIMAL.contains(&code) && amount % 10 == 0 => 500,
        code if ALWAYS_00.contains(&code) && amount % 100 == 0 => 5000,
        code if THREE_DECIMAL.contains(&code) || ALWAYS_00.contains(&code) => {
            return Err(Problem::invalid("amount", "The last digits must be 0."));
        }
        code => return Err(Problem::invalid("currency", &format!("Invalid currency: {code}"))),
    };
    match amount {
        100_000_000.. => Err(Problem::coded(
            "amount_too_large",
            "amount",
            "Amount must be no more than 99999999",
        )),
        amount if amount < least => {
            Err(Problem::coded("amount_too_small", "amount", "Amount must be at least 50 cents"))
        }
        _ => Ok(()),
    }
}

/// Every parameter but `metadata[…]` and `expand[]`, which all calls take.
pub fn known(form: &Form, names: &[&str]) -> Result<(), Problem> {
    let other = form.iter().find(|(name, value)| match name.strip_prefix("metadata[") {
        Some(key) => {
            key.len() > 41 || value.as_str().is_none_or(|value| value.chars().count() > 500)
        }
        None => *name != "expand[]" && !names.contains(&name.as_str()),
    });
    other.map_or(Ok(()), |(name, _)| Err(Problem::unknown(name)))
}

fn metadata(form: &Form) -> Value {
    let entries = form.iter().filter_map(|(name, value)| {
        let key = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((key.to_owned(), value.clone()))
    });
    Value::Object(entries.collect())
}

fn text<'a>(form: &'a Form, name: &str) -> Result<&'a str, Problem> {
    form.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Problem::coded("parameter_missing", name, "Missing required param"))
}

fn number(form: &Form, name: &str) -> Result<i64, Problem> {
    text(form, name)?
        .parse()
        .map_err(|_| Problem::coded("parameter_invalid_integer", name, "Invalid integer"))
}

fn flag(form: &Form, name: &str) -> Result<bool, Problem> {
    match form.get(name).and_then(Value::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::invalid(name, "Invalid boolean")),
    }
}

fn one_of(form: &Form, name: &str, words: &[&str]) -> Result<(), Problem> {
    match form.get(name).and_then(Value::as_str) {
        Some(word) if !words.contains(&word) => Err(Problem::invalid(name, "must be one of those")),
        _ => Ok(()),
    }
}
