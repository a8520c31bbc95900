//! What a GET by id says about keeping its answer: for how long, for whom, and how to ask whether it is still the same.

use async_graphql::Response as Answer;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::TENANT;
use crate::graphql::operation::Hash;
use crate::graphql::operation::caching::Caching;

/// What the same address answers differently for.
const VARY: [HeaderName; 3] =
    [header::AUTHORIZATION, header::ACCEPT, HeaderName::from_static(TENANT)];

pub struct Keeping {
    control: String,
    /// Of the data alone: what it cost is another matter each time. None where something failed.
    tag: Option<HeaderValue>,
}

impl Keeping {
    /// Shared caches keep only what anybody may see.
    pub fn of(Caching(seconds): Caching, is_public: bool, answer: &Answer) -> Self {
        if answer.is_err() {
            return Self { control: "no-store".to_owned(), tag: None };
        }
        let control = match seconds {
            Some(seconds) if is_public => format!("public, max-age={seconds}"),
            Some(seconds) => format!("private, max-age={seconds}"),
            None => "private, no-store".to_owned(),
        };
        Self { control, tag: tag(answer) }
    }

    /// The answer, or that the client has it already.
    pub fn respond(self, asked: &HeaderMap, mut response: Response) -> Response {
        if let Some(tag) = &self.tag
            && knows(asked, tag)
        {
            response = StatusCode::NOT_MODIFIED.into_response();
        }
        let headers = response.headers_mut();
        for name in VARY {
            headers.append(header::VARY, name.into());
        }
        headers.extend(self.tag.map(|tag| (header::ETAG, tag)));
        let control = HeaderValue::from_str(&self.control).ok();
        headers.extend(control.map(|control| (header::CACHE_CONTROL, control)));
        response
    }
}

/// A weak one: of two answers with the same data, their extensions may differ.
fn tag(answer: &Answer) -> Option<HeaderValue> {
    let data = serde_json::to_string(&answer.data).ok()?;
    let hash = Hash::of(&data).to_string();
    let (_, digits) = hash.split_once(':')?;
    HeaderValue::from_str(&format!("W/\"{}\"", &digits[..32])).ok()
}

fn knows(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let values = asked.get_all(header::IF_NONE_MATCH);
    let mut tags = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|tag| tag.trim().trim_start_matches("W/")));
    let own = tag.to_str().unwrap_or_default().trim_start_matches("W/");
    tags.any(|tag| tag == "*" || tag == own)
}
