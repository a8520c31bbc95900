//! What GoCardless has written down: mandates, payments, refunds, and an event for each change.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Script, refusal::Refusal};
use crate::provider::Booked;

/// Before the bank can be asked.
const NOTICE_DAYS: i64 = 3;

/// One of them all: its public fields, and what only GoCardless knows.
#[derive(Clone, Debug)]
pub struct Resource {
    pub kind: &'static str,
    pub id: String,
    /// As it is shown.
    pub fields: Value,
    pub script: Script,
    /// The key that it was made with.
    pub key: Option<String>,
    /// How often its messages come.
    pub copies: u8,
    /// Instalments that are still to be made.
    pub planned: Vec<Value>,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub fields: Value,
    pub copies: u8,
}

pub struct Books {
    pub now: DateTime<Utc>,
    pub calls: usize,
    /// How often the messages of what is made now come.
    pub copies: u8,
    pub resources: Vec<Resource>,
    pub events: Vec<Event>,
    /// Whether a body is judged before its key; GoCardless does not say.
    pub bodies_first: bool,
    keys: HashMap<(&'static str, String), String>,
    told: usize,
}

impl Books {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            calls: 0,
            copies: 1,
            resources: Vec::new(),
            events: Vec::new(),
            bodies_first: false,
            keys: HashMap::new(),
            told: 0,
        }
    }

    /// Before the body is looked at.
    pub fn fresh_first(&self, kind: &'static str, key: Option<&str>) -> Result<(), Refusal> {
        if self.bodies_first { Ok(()) } else { self.fresh(kind, key) }
    }

    /// Refuses a key that has made something already.
    pub fn fresh(&self, kind: &'static str, key: Option<&str>) -> Result<(), Refusal> {
        let made = key.and_then(|key| self.keys.get(&(kind, key.to_owned())));
        made.map_or(Ok(()), |id| Err(Refusal::conflict(id)))
    }

    /// Writes it down under a new id.
    pub fn add(&mut self, kind: &'static str, key: Option<&str>, mut fields: Value) -> String {
        let id = format!("{}{:010}", prefix(kind), self.resources.len() + 1);
        fields["id"] = json!(id);
        fields["created_at"] = json!(self.time());
        if let Some(key) = key {
            self.keys.insert((kind, key.to_owned()), id.clone());
        }
        self.resources.push(Resource {
            kind,
            id: id.clone(),
            fields,
            script: Script::TakesTime,
            key: key.map(str::to_owned),
            copies: self.copies,
            planned: Vec::new(),
        });
        id
    }

    pub fn find(&self, kind: &str, id: &str) -> Result<&Resource, Refusal> {
        let found = self.resources.iter().find(|one| one.kind == kind && one.id == id);
        found.ok_or_else(Refusal::unknown)
    }

    /// What is known to be there.
    pub fn of(&mut self, id: &str) -> &mut Resource {
        self.resources.iter_mut().find(|one| one.id == id).unwrap()
    }

    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(move |one| one.kind == kind)
    }

    /// Goes on to a status, with an event that is called so.
    pub fn step(&mut self, id: &str, status: &str, action: &str) {
        self.of(id).fields["status"] = json!(status);
        self.tell(id, action, json!({}), json!({}));
    }

    /// Writes an event. Its links name the resource, and what is told beside.
    pub fn tell(&mut self, id: &str, action: &str, mut links: Value, mut details: Value) {
        let (kind, copies) = (self.of(id).kind, self.of(id).copies);
        links[kind.trim_end_matches('s')] = json!(id);
        if details["origin"].is_null() {
            details["origin"] = json!("gocardless");
            details["cause"] = json!(format!("{}_{action}", kind.trim_end_matches('s')));
            details["description"] = json!(format!("It is {action}."));
        }
        let fields = json!({
            "id": format!("EV{:010}", self.events.len() + 1),
            "created_at": self.time(),
            "resource_type": kind,
            "action": action,
            "details": details,
            "metadata": {},
            "resource_metadata": self.of(id).fields["metadata"],
            "links": links,
        });
        self.events.push(Event { fields, copies });
    }

    /// What was not told yet.
    pub fn news(&mut self) -> Vec<Event> {
        let news = self.events[self.told..].to_vec();
        self.told = self.events.len();
        news
    }

    /// Everything that is ever told, once, with the newest first.
    pub fn all_news(&self) -> Vec<Event> {
        let told = self.events.iter().rev().filter(|event| event.copies > 0);
        told.map(|event| Event { copies: 1, ..event.clone() }).collect()
    }

    pub fn mandate(&mut self, currency: &str, script: Script, status: &str) -> String {
        let fields = json!({
            "status": status,
            "scheme": scheme(currency),
            "reference": "BIKELEASE-1",
            "next_possible_charge_date": self.first_charge_date(),
            "metadata": {},
            "links": {"creditor": "CR000001", "customer": "CU000001", "customer_bank_account": "BA000001"},
        });
        let id = self.add("mandates", None, fields);
        self.of(&id).script = script;
        id
    }

    pub fn first_charge_date(&self) -> NaiveDate {
        (self.now + TimeDelta::days(NOTICE_DAYS)).date_naive()
    }

    pub fn time(&self) -> String {
        self.now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }

    pub fn status(&self, id: &str) -> Option<String> {
        let found = self.resources.iter().find(|one| one.id == id);
        found.and_then(|one| Some(one.fields["status"].as_str()?.to_owned()))
    }

    /// The payment that came of a billing request; anything else is itself.
    pub fn payment_behind(&self, id: &str) -> String {
        let found = self.find("billing_requests", id).ok();
        let payment = found.and_then(|one| one.fields["links"]["payment_request_payment"].as_str());
        payment.unwrap_or(id).to_owned()
    }

    pub fn refunds(&self, payment: &str) -> Vec<(String, i64)> {
        self.all("refunds")
            .filter(|refund| refund.fields["links"]["payment"] == payment)
            .map(|refund| (refund.id.clone(), refund.fields["amount"].as_i64().unwrap()))
            .collect()
    }

    /// Payments, and payers who were asked for one and have not answered.
    pub fn booked(&self) -> Vec<Booked> {
        let asked = self.all("billing_requests").filter(|request| {
            !request.fields["payment_request"].is_null()
                && request.fields["links"]["payment_request_payment"].is_null()
        });
        let asked = asked.map(|request| booked(request, &request.fields["payment_request"]));
        let paid = self.all("payments").map(|payment| booked(payment, &payment.fields));
        paid.chain(asked).collect()
    }
}

fn booked(resource: &Resource, asked: &Value) -> Booked {
    let amount_minor = asked["amount"].as_i64().unwrap();
    let here = matches!(resource.fields["status"].as_str(), Some("confirmed" | "paid_out"));
    Booked {
        reference: resource.id.clone(),
        key: resource.key.clone(),
        amount_minor,
        currency: asked["currency"].as_str().unwrap().to_owned(),
        captured_minor: if here { amount_minor } else { 0 },
        refunded_minor: asked["amount_refunded"].as_i64().unwrap_or(0),
    }
}

fn prefix(kind: &str) -> &'static str {
    match kind {
        "mandates" => "MD",
        "payments" => "PM",
        "refunds" => "RF",
        "billing_requests" => "BRQ",
        "billing_request_flows" => "BRF",
        "instalment_schedules" => "IS",
        _ => unreachable!("nothing else is kept"),
    }
}

/// By which banks collect in a currency; None where GoCardless does not.
pub fn scheme(currency: &str) -> Option<&'static str> {
    Some(match currency {
        "AUD" => "becs",
        "CAD" => "pad",
        "DKK" => "betalingsservice",
        "EUR" => "sepa_core",
        "GBP" => "bacs",
        "NZD" => "becs_nz",
        "SEK" => "autogiro",
        "USD" => "ach",
        _ => return None,
    })
}

pub fn currency_of(scheme: &str) -> Option<&'static str> {
    ["AUD", "CAD", "DKK", "EUR", "GBP", "NZD", "SEK", "USD"]
        .into_iter()
        .find(|currency| self::scheme(currency) == Some(scheme))
}
