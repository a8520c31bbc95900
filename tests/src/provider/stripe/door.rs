//! The stand-in's API: who may ask, what was asked before, and what goes wrong.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use futures_util::stream;
use serde_json::{Map, Value, json};

use super::{
    Inner,
    books::{Books, VERSION},
    locked,
    problem::Problem,
};
use crate::provider::Fault;

type Form = Map<String, Value>;

/// What was answered under each idempotency key, and to what.
#[derive(Default)]
pub struct Keys {
    answers: HashMap<String, (String, Option<Reply>)>,
    pub hint: Option<bool>,
}

#[derive(Clone)]
struct Reply {
    status: u16,
    body: Value,
}

struct Call {
    path: String,
    form: Form,
    key: Option<String>,
    print: String,
}

impl Keys {
    pub fn clear(&mut self) {
        self.answers.clear();
    }

    pub fn hold(&mut self, key: &str) {
        self.answers.insert(key.to_owned(), (String::new(), None));
    }

    fn recall(&self, call: &Call) -> Option<Result<Reply, Problem>> {
        let (print, answer) = self.answers.get(call.key.as_ref()?)?;
        Some(match answer {
            None => Err(Problem::key_in_use()),
            Some(_) if *print != call.print => Err(Problem::other_parameters()),
            Some(answer) => Ok(answer.clone()),
        })
    }

    fn keep(&mut self, call: &Call, reply: &Reply) {
        if let Some(key) = &call.key {
            self.answers.insert(key.clone(), (call.print.clone(), Some(reply.clone())));
        }
    }
}

pub fn router(inner: Arc<Inner>) -> Router {
    Router::new().fallback(answer).with_state(inner)
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = format!("Bearer {}", inner.secret_key);
    if header("authorization") != Some(bearer.as_str()) {
        return refuse(&inner, &Problem::unauthorized());
    }
    if header("stripe-version") != Some(VERSION) {
        return refuse(&inner, &Problem::invalid("Stripe-Version", "Invalid Stripe API version"));
    }
    let path = uri.path().to_owned();
    if method == Method::GET {
        let query = form(uri.query().unwrap_or_default().as_bytes());
        let found = look(&locked(&inner.books), &path, &query);
        return match found {
            Ok(body) => respond(200, &body, false),
            Err(problem) => refuse(&inner, &problem),
        };
    }
    if header("content-type") != Some("application/x-www-form-urlencoded") {
        return refuse(&inner, &Problem::invalid("Content-Type", "must be a form"));
    }
    let key = header("idempotency-key").map(str::to_owned);
    if key.as_ref().is_some_and(|key| key.len() > 255) {
        return refuse(&inner, &Problem::invalid("Idempotency-Key", "is too long"));
    }
    let print = format!("{path} {}", String::from_utf8_lossy(&body));
    write(&inner, Call { path, form: form(&body), key, print }).await
}

/// A call that changes something: with its fault, and at most once for a key.
async fn write(inner: &Arc<Inner>, call: Call) -> Response {
    let fault = if moves_money(&call) {
        inner.calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        inner.faults.take()
    } else {
        Fault::None
    };
    match fault {
        Fault::ErrorBefore => return refuse(inner, &Problem::internal()),
        Fault::CutBefore => return cut(),
        Fault::Busy => return refuse(inner, &Problem::busy()),
        _ => {}
    }
    let (reply, replayed) = match perform(inner, &call, fault) {
        Ok(done) => done,
        Err(problem) => return refuse(inner, &problem),
    };
    inner.tell(match fault {
        Fault::NoWebhook => 0,
        Fault::Webhooks(times) => times,
        _ => 1,
    });
    match fault {
        Fault::CutAfter => return cut(),
        Fault::Slow(time) => tokio::time::sleep(time).await,
        _ => {}
    }
    if reply.status >= 500 {
        return hinted(inner, respond(reply.status, &reply.body, replayed));
    }
    respond(reply.status, &reply.body, replayed)
}

/// What has happened, now or when it was first asked.
fn perform(inner: &Inner, call: &Call, fault: Fault) -> Result<(Reply, bool), Problem> {
    let mut books = locked(&inner.books);
    books.now = inner.clock.now().timestamp();
    if let Some(known) = locked(&inner.keys).recall(call) {
        return known.map(|reply| (reply, true));
    }
    let done = change(&mut books, &call.path, &call.form);
    let made = done.as_ref().map_or_else(|problem| problem.intent.as_ref(), Some);
    if let (Some(id), Some(key)) = (made, &call.key) {
        books.keys.entry(id.clone()).or_insert_with(|| key.clone());
    }
    let reply = match &done {
        Ok(id) => Reply { status: 200, body: books.show(id, call.form.contains_key("expand[]")) },
        Err(problem) if problem.is_kept() => no(&books, problem),
        Err(problem) => return Ok((no(&books, problem), false)),
    };
    // The error is what is remembered, although it was done.
    let reply = match fault {
        Fault::ErrorAfter => no(&books, &Problem::internal()),
        _ => reply,
    };
    locked(&inner.keys).keep(call, &reply);
    Ok((reply, false))
}

fn change(books: &mut Books, path: &str, form: &Form) -> Result<String, Problem> {
    let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
    match parts.as_slice() {
        ["payment_intents"] => books.create_intent(form),
        ["payment_intents", id, "confirm"] => books.confirm(id, form),
        ["payment_intents", id, "capture"] => books.capture(id, form),
        ["payment_intents", id, "cancel"] => books.cancel_intent(id, form),
        ["refunds"] => books.create_refund(form),
        ["customers"] => books.create_customer(form),
        ["setup_intents"] => books.create_set_up(form),
        _ => Err(Problem::missing("url", path)),
    }
}

fn look(books: &Books, path: &str, query: &Form) -> Result<Value, Problem> {
    let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
    let field = |name: &str| query.get(name).and_then(Value::as_str);
    let of_payment = |kind: &'static str| -> Vec<&Value> {
        let found = books.of_kind(kind).filter(|object| {
            field("payment_intent").is_none_or(|intent| object["payment_intent"] == intent)
        });
        found.rev().collect()
    };
    let paged = ["limit", "starting_after", "payment_intent"];
    match parts.as_slice() {
        ["payment_intents", "search"] => {
            super::verb::known(query, &["query", "limit", "page"])?;
            search(books, field("query").unwrap_or_default(), query)
        }
        ["refunds"] => {
            super::verb::known(query, &paged)?;
            Ok(books.page(path, of_payment("refund"), query))
        }
        ["disputes"] => {
            super::verb::known(query, &paged)?;
            Ok(books.page(path, of_payment("dispute"), query))
        }
        ["balance_transactions"] => {
            let names = ["limit", "starting_after", "created[gte]", "created[lt]"];
            super::verb::known(query, &names)?;
            let bound = |name| field(name).map_or(0, |seconds| seconds.parse::<i64>().unwrap());
            let day = bound("created[gte]")..bound("created[lt]");
            let within = |object: &&Value| day.contains(&object["created"].as_i64().unwrap());
            let found = books.of_kind("balance_transaction").filter(within).rev().collect();
            Ok(books.page(path, found, query))
        }
        ["payment_intents" | "refunds" | "setup_intents", id] if books.find(id).is_some() => {
            super::verb::known(query, &[])?;
            Ok(books.show(id, query.contains_key("expand[]")))
        }
        [kind, id] => Err(Problem::missing(kind.trim_end_matches('s'), id)),
        _ => Err(Problem::missing("url", path)),
    }
}

/// Only the query that we use: one word in the metadata.
fn search(books: &Books, query: &str, form: &Form) -> Result<Value, Problem> {
    let word = query.strip_prefix("metadata['").and_then(|rest| {
        let (name, rest) = rest.split_once("']:'")?;
        Some((name, rest.strip_suffix('\'')?))
    });
    let Some((name, value)) = word else {
        return Err(Problem::invalid("query", "We were unable to parse your search query."));
    };
    let found = books
        .of_kind("payment_intent")
        .filter(|intent| intent["metadata"][name] == value && !books.search_is_late);
    let mut page = books.page("/v1/payment_intents/search", found.rev().collect(), form);
    page["object"] = json!("search_result");
    Ok(page)
}

/// What only cleans up neither counts nor fails.
fn moves_money(call: &Call) -> bool {
    let closes = call.form.get("cancellation_reason") == Some(&json!("abandoned"));
    !closes && (call.path.starts_with("/v1/payment_intents") || call.path == "/v1/refunds")
}

/// The names with their brackets, as they are.
fn form(bytes: &[u8]) -> Form {
    let url = format!("http://form/?{}", String::from_utf8_lossy(bytes));
    let url = reqwest::Url::parse(&url).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect()
}

fn no(books: &Books, problem: &Problem) -> Reply {
    let intent = problem.intent.as_ref().map(|intent| books.get(intent));
    Reply { status: problem.status, body: json!({ "error": problem.json(intent) }) }
}

fn refuse(inner: &Inner, problem: &Problem) -> Response {
    let reply = no(&locked(&inner.books), problem);
    hinted(inner, respond(reply.status, &reply.body, false))
}

fn hinted(inner: &Inner, mut response: Response) -> Response {
    if let Some(again) = locked(&inner.keys).hint {
        let again = again.to_string().parse().unwrap();
        response.headers_mut().insert("stripe-should-retry", again);
    }
    response
}

fn respond(status: u16, body: &Value, replayed: bool) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("request-id", "req_000001");
    if replayed {
        response = response.header("idempotent-replayed", "true");
    }
    response.body(Body::from(body.to_string())).unwrap()
}

/// The connection ends in the middle of the answer.
fn cut() -> Response {
    let end = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let body = Body::from_stream(stream::iter([Err::<Bytes, _>(end)]));
    Response::builder().status(200).header("content-length", "1000").body(body).unwrap()
}
