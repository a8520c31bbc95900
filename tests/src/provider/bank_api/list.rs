//! Lists, the newest first, page by page.

use serde_json::{Map, Value, json};

use super::{books::Books, refusal::Refusal};

const MOST: usize = 500;

type Pairs = [(String, String)];

pub fn payments(books: &Books, query: &Pairs) -> Result<Value, Refusal> {
    let filters = ["mandate", "status", "currency"];
    let all = books.all("payments").map(|one| one.fields.clone()).collect();
    page("payments", all, query, &filters)
}

pub fn refunds(books: &Books, query: &Pairs) -> Result<Value, Refusal> {
    let all = books.all("refunds").map(|one| one.fields.clone()).collect();
    page("refunds", all, query, &["payment"])
}

pub fn events(books: &Books, query: &Pairs) -> Result<Value, Refusal> {
    let given = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    if given("action").is_some() && given("resource_type").is_none() {
        return Err(Refusal::usage(400, "invalid_filters"));
    }
    let filters = [
        "action",
        "resource_type",
        "payment",
        "mandate",
        "refund",
        "billing_request",
        "instalment_schedule",
        "include",
    ];
    let all = books.events.iter().map(|event| event.fields.clone()).collect();
    let mut page = page("events", all, query, &filters)?;
    if let Some(kind) = given("include") {
        page["linked"] = linked(books, kind, &page["events"])?;
    }
    Ok(page)
}

/// What the events of a page are about, each once.
fn linked(books: &Books, kind: &str, events: &Value) -> Result<Value, Refusal> {
    if !["payment", "refund", "mandate", "billing_request"].contains(&kind) {
        return Err(Refusal::usage(400, "invalid_filters"));
    }
    let kinds = format!("{kind}s");
    let mut found = Map::new();
    for id in events.as_array().unwrap().iter().filter_map(|event| event["links"][kind].as_str()) {
        found.insert(id.to_owned(), books.find(&kinds, id)?.fields.clone());
    }
    Ok(json!({kinds: found.into_iter().map(|(_, value)| value).collect::<Vec<_>>()}))
}

fn page(name: &str, all: Vec<Value>, query: &Pairs, filters: &[&str]) -> Result<Value, Refusal> {
    let (mut limit, mut after) = (50, None);
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for (key, value) in query {
        match key.as_str() {
            "limit" => {
                limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=MOST).contains(limit))
                    .ok_or_else(|| Refusal::field("limit", "must be from 1 to 500"))?
            }
            "after" => after = Some(value),
            key if key.starts_with("created_at[") || filters.contains(&key) => {
                wanted.push((key, value));
            }
            _ => return Err(Refusal::usage(400, "invalid_filters")),
        }
    }
    let mut fitting =
        all.into_iter().rev().filter(|one| wanted.iter().all(|(key, value)| fits(one, key, value)));
    if let Some(after) = after {
        fitting
            .find(|one| one["id"] == **after)
            .ok_or_else(|| Refusal::field("after", "is unknown"))?;
    }
    let items: Vec<_> = fitting.by_ref().take(limit).collect();
    let last = items.last().map(|item| item["id"].clone());
    let next = if fitting.next().is_some() { last } else { None };
    let cursors = json!({"before": null, "after": next});
    Ok(json!({name: items, "meta": {"cursors": cursors, "limit": limit}}))
}

fn fits(one: &Value, key: &str, value: &str) -> bool {
    let time = one["created_at"].as_str().unwrap();
    match key {
        // All times are written alike.
        "created_at[gt]" => time > value,
        "created_at[gte]" => time >= value,
        "created_at[lt]" => time < value,
        "created_at[lte]" => time <= value,
        "include" => true,
        "action" | "resource_type" | "status" | "currency" => one[key] == value,
        link => one["links"][link] == value,
    }
}
