//! What the stand-in keeps, and how a payment goes on in it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::problem::Problem;

const OBJECTS: &str = include_str!("../../../../service/fixtures/stripe/objects.json");
const HOLD_SECONDS: i64 = 7 * 24 * 60 * 60;
pub const VERSION: &str = "2026-10-28.endive";

/// Stripe's objects in its own shape, in the order in which they were made.
pub struct Books {
    shapes: Value,
    pub objects: Vec<Value>,
    /// Events that nobody was told of yet.
    pub news: Vec<Value>,
    pub events: Vec<Value>,
    /// The idempotency key that made an object.
    pub keys: HashMap<String, String>,
    methods: HashMap<String, Method>,
    pub search_is_late: bool,
    pub now: i64,
}

/// What a payment method does when it is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Pays,
    Declines(&'static str),
    AsksForAction,
    TakesTime,
}

impl Method {
    /// Stripe's own names for its test methods.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "pm_card_visa" => Self::Pays,
            "pm_card_visa_chargeDeclined" => Self::Declines("generic_decline"),
            "pm_card_visa_chargeDeclinedInsufficientFunds" => Self::Declines("insufficient_funds"),
            "pm_card_visa_chargeDeclinedStolenCard" => Self::Declines("stolen_card"),
            "pm_card_authenticationRequired" => Self::AsksForAction,
            "pm_usBankAccount" => Self::TakesTime,
            _ => return None,
        })
    }

    fn kind(self) -> &'static str {
        if self == Self::TakesTime { "us_bank_account" } else { "card" }
    }
}

impl Books {
    pub fn new() -> Self {
        Self {
            shapes: serde_json::from_str(OBJECTS).unwrap(),
            objects: Vec::new(),
            news: Vec::new(),
            events: Vec::new(),
            keys: HashMap::new(),
            methods: HashMap::new(),
            search_is_late: false,
            now: 0,
        }
    }

    /// A new object in Stripe's shape, with these fields in place of the example's.
    pub fn make(&mut self, shape: &str, prefix: &str, fields: Value) -> String {
        let id = format!("{prefix}_{:06}", self.objects.len() + 1);
        let mut object = self.shapes[shape].clone();
        let Value::Object(fields) = fields else { unreachable!("fields") };
        object.as_object_mut().unwrap().extend(fields);
        object["id"] = json!(id);
        object["created"] = json!(self.now);
        self.objects.push(object);
        id
    }

    pub fn find(&self, id: &str) -> Option<&Value> {
        self.objects.iter().find(|object| object["id"] == id)
    }

    pub fn get(&self, id: &str) -> Value {
        self.find(id).unwrap_or_else(|| panic!("no {id} in the books")).clone()
    }

    pub fn set(&mut self, id: &str, fields: Value) {
        let object = self.objects.iter_mut().find(|object| object["id"] == id).unwrap();
        let Value::Object(fields) = fields else { unreachable!("fields") };
        object.as_object_mut().unwrap().extend(fields);
    }

    pub fn of_kind(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Value> {
        self.objects.iter().filter(move |object| object["object"] == kind)
    }

    pub fn tell(&mut self, kind: &str, about: &str) {
        let mut event = self.shapes["event"].clone();
        event["id"] = json!(format!("evt_{:06}", self.events.len() + self.news.len() + 1));
        event["type"] = json!(kind);
        event["created"] = json!(self.now);
        event["api_version"] = json!(VERSION);
        event["data"] = json!({ "object": self.get(about) });
        self.news.push(event);
    }

    pub fn method(&self, name: &str) -> Option<Method> {
        Method::named(name).or_else(|| self.methods.get(name).copied())
    }

    /// The payer's card is tried.
    pub fn pay(&mut self, intent: &str, name: &str, off_session: bool) -> Result<(), Problem> {
        let method = self.method(name).ok_or_else(|| Problem::missing("payment_method", name))?;
        let manual = self.get(intent)["capture_method"] == "manual";
        if manual && method == Method::TakesTime {
            return Err(Problem::invalid("capture_method", "this method cannot be held"));
        }
        self.set(
            intent,
            json!({ "payment_method": name, "last_payment_error": null, "next_action": null }),
        );
        match method {
            Method::Pays => self.charge(intent),
            Method::Declines(code) => {
                return Err(self.decline(intent, "card_declined", code, method));
            }
            Method::AsksForAction if off_session => {
                let code = "authentication_required";
                return Err(self.decline(intent, code, code, method));
            }
            Method::AsksForAction => self.ask_payer(intent),
            Method::TakesTime => {
                self.set(intent, json!({ "status": "processing" }));
                self.tell("payment_intent.processing", intent);
            }
        }
        Ok(())
    }

    fn ask_payer(&mut self, intent: &str) {
        let back = self.get(intent)["return_url"].clone();
        let next = if back.is_string() {
            let url = format!("https://hooks.stripe.example/3d_secure/{intent}");
            json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": back } })
        } else {
            json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } })
        };
        self.set(intent, json!({ "status": "requires_action", "next_action": next }));
        self.tell("payment_intent.requires_action", intent);
    }

    /// The money is there, or held.
    pub fn charge(&mut self, intent: &str) {
        let held = self.get(intent);
        let manual = held["capture_method"] == "manual";
        let charge = self.make(
            "charge",
            "ch",
            json!({
                "amount": held["amount"], "currency": held["currency"], "payment_intent": intent,
                "status": "succeeded", "captured": !manual,
                "amount_captured": if manual { json!(0) } else { held["amount"].clone() },
                "balance_transaction": null,
            }),
        );
        if manual {
            let lapses = self.now + HOLD_SECONDS;
            let mut details = self.get(&charge)["payment_method_details"].clone();
            details["card"]["capture_before"] = json!(lapses);
            self.set(&charge, json!({ "payment_method_details": details }));
        }
        let taken = if manual { json!(0) } else { held["amount"].clone() };
        let capturable = if manual { held["amount"].clone() } else { json!(0) };
        self.set(
            intent,
            json!({
                "status": if manual { "requires_capture" } else { "succeeded" },
                "latest_charge": charge, "next_action": null, "last_payment_error": null,
                "amount_received": taken, "amount_capturable": capturable,
            }),
        );
        if manual {
            self.tell("payment_intent.amount_capturable_updated", intent);
        } else {
            self.book("charge", &charge);
            self.tell("charge.succeeded", &charge);
            self.tell("payment_intent.succeeded", intent);
        }
    }

    /// Money comes to the account, or leaves it.
    pub fn book(&mut self, kind: &str, source: &str) {
        let object = self.get(source);
        let (amount, currency) = (&object["amount"], &object["currency"]);
        let amount = if kind == "charge" { &object["amount_captured"] } else { amount };
        let fields = json!({
            "type": kind, "reporting_category": kind, "amount": amount, "currency": currency,
            "source": source,
        });
        self.make("balance_transaction", "txn", fields);
    }

    /// The payment waits for another method; the answer is the bank's no.
    pub fn decline(
        &mut self,
        intent: &str,
        code: &'static str,
        why: &'static str,
        method: Method,
    ) -> Problem {
        let name = self.get(intent)["payment_method"].clone();
        let problem = Problem::declined(code, why, intent);
        let mut error = problem.json(None);
        error["payment_method"] = json!({ "id": name, "type": method.kind() });
        self.set(
            intent,
            json!({
                "status": "requires_payment_method", "payment_method": null, "next_action": null,
                "last_payment_error": error,
            }),
        );
        self.tell("payment_intent.payment_failed", intent);
        problem
    }

    pub fn cancel(&mut self, intent: &str, reason: &str) {
        self.set(
            intent,
            json!({
                "status": "canceled", "cancellation_reason": reason, "canceled_at": self.now,
                "amount_capturable": 0, "next_action": null,
            }),
        );
        self.tell("payment_intent.canceled", intent);
    }

    /// What was given back of a payment, or is about to be.
    pub fn refunded(&self, intent: &str) -> i64 {
        let refunds = self.of_kind("refund").filter(|refund| {
            refund["payment_intent"] == intent
                && !["failed", "canceled"].contains(&refund["status"].as_str().unwrap())
        });
        refunds.map(|refund| refund["amount"].as_i64().unwrap()).sum()
    }

    /// The customer's own library has a method for later.
    pub fn save(&mut self, setup: &str) {
        let name = format!("pm_saved_{:03}", self.methods.len() + 1);
        self.methods.insert(name.clone(), Method::Pays);
        self.set(
            setup,
            json!({ "status": "succeeded", "payment_method": name, "next_action": null }),
        );
        self.tell("setup_intent.succeeded", setup);
    }

    /// Whose a saved method is.
    pub fn owner(&self, method: &str) -> Option<&str> {
        let setup = self.of_kind("setup_intent").find(|setup| setup["payment_method"] == method);
        setup.and_then(|setup| setup["customer"].as_str())
    }

    /// As it is shown: with the charge in it where that was asked for.
    pub fn show(&self, id: &str, expanded: bool) -> Value {
        let mut object = self.get(id);
        for field in ["latest_charge", "source"] {
            if let Some(whole) =
                object[field].as_str().and_then(|id| self.find(id)).filter(|_| expanded)
            {
                object[field] = whole.clone();
            }
        }
        object
    }

    /// One page, newest first.
    pub fn page(&self, url: &str, found: Vec<&Value>, query: &Map<String, Value>) -> Value {
        let limit: usize =
            query.get("limit").map_or(10, |limit| limit.as_str().unwrap().parse().unwrap());
        let after = query.get("starting_after");
        let skipped = after.map_or(0, |after| {
            1 + found.iter().position(|object| object["id"] == *after).expect("the page before")
        });
        let expanded = query.contains_key("expand[]");
        let rest = found.len() - skipped;
        let ids =
            found.iter().skip(skipped).take(limit).map(|object| object["id"].as_str().unwrap());
        let data: Vec<_> = ids.map(|id| self.show(id, expanded)).collect();
        json!({ "object": "list", "url": url, "has_more": rest > limit, "data": data })
    }
}
