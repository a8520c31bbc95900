//! GoCardless's HTTP: its headers, its envelopes, its keys.

use std::{fmt::Display, time::Duration};

use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    super::{
        ProviderError, Result,
        http::{Answered, Http},
    },
    failure::{self, Failure},
    wire::{Page, Resource},
};

const VERSION: &str = "2015-07-06";
/// A read that was answered with an error is repeated after each of these.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// Whoever asks for a longer pause than this is asked again by a job.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Api {
    http: Http,
    base: String,
    token: String,
}

impl Api {
    pub fn new(http: Http, base_url: &str, token: String) -> Self {
        Self { http, base: base_url.trim_end_matches('/').to_owned(), token }
    }

    /// Makes one, or finds the one that was made under the same key. Whether it is what was asked for, the caller must look.
    pub async fn create<T: Resource>(
        &self,
        path: &str,
        key: impl Display,
        body: &Value,
    ) -> Result<T> {
        let request = self.posting(path, body).header("idempotency-key", key.to_string());
        let answered = self.http.send(request).await?;
        match failure::of(&answered) {
            None => one(&answered),
            // It is there; only its state is not known if this fails.
            Some(Failure::Before(id)) => self.get(&id).await.map_err(lost),
            Some(Failure::Error(error)) => Err(error),
        }
    }

    /// Makes what may be made twice.
    pub async fn post<T: Resource>(&self, path: &str, body: &Value) -> Result<T> {
        let answered = self.http.send(self.posting(path, body)).await?;
        done(&answered)?;
        one(&answered)
    }

    pub async fn act<T: Resource>(&self, id: &str, action: &str) -> Result<T> {
        let path = format!("{}/{}/actions/{action}", T::PATH, segment(id)?);
        self.post(&path, &json!({"data": {}})).await
    }

    pub async fn get<T: Resource>(&self, id: &str) -> Result<T> {
        one(&self.read(&format!("{}/{}", T::PATH, segment(id)?), &[]).await?)
    }

    pub async fn list<T: Resource>(&self, query: &[(&str, &str)]) -> Result<Page<T>> {
        let mut body = self.read(T::PATH, query).await?.json::<Map<String, Value>>()?;
        let items = inside(&mut body, T::PATH)?;
        let after = body.get("meta").and_then(|meta| meta.pointer("/cursors/after"));
        let after = after.and_then(Value::as_str).map(str::to_owned);
        let linked = body.remove("linked").unwrap_or_default();
        Ok(Page { items, after, linked })
    }

    async fn read(&self, path: &str, query: &[(&str, &str)]) -> Result<Answered> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let request = self.headed(self.http.get(&self.url(path))).query(query);
            let answered = self.http.send(request).await?;
            match (done(&answered), pauses.next()) {
                (Err(ProviderError::Lost(_)), Some(pause))
                    if wish(&answered).is_none_or(|wish| wish <= LONGEST_PAUSE) =>
                {
                    tokio::time::sleep(wish(&answered).unwrap_or(pause)).await;
                }
                (Err(ProviderError::Lost(error)), _) => {
                    return Err(ProviderError::Unavailable(error));
                }
                // What we were told of is not there, or not ours.
                (Err(ProviderError::Refused(decline)), _) => {
                    return Err(ProviderError::Nonsense(decline.message.into()));
                }
                (result, _) => return result.map(|()| answered),
            }
        }
    }

    fn posting(&self, path: &str, body: &Value) -> RequestBuilder {
        self.headed(self.http.post(&self.url(path))).json(body)
    }

    fn headed(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token).header("gocardless-version", VERSION)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }
}

/// After money may have been asked for, nothing is certain that was not heard.
pub(super) fn lost(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Unavailable(error) | ProviderError::Nonsense(error) => {
            ProviderError::Lost(error)
        }
        error => error,
    }
}

fn done(answered: &Answered) -> Result<()> {
    match failure::of(answered) {
        None => Ok(()),
        Some(Failure::Error(error)) => Err(error),
        Some(Failure::Before(_)) => Err(failure::conflict()),
    }
}

/// How long GoCardless wants to be left alone.
fn wish(answered: &Answered) -> Option<Duration> {
    answered.header("retry-after")?.parse().ok().map(Duration::from_secs)
}

fn one<T: Resource>(answered: &Answered) -> Result<T> {
    inside(&mut answered.json()?, T::PATH)
}

fn inside<T: DeserializeOwned>(body: &mut Map<String, Value>, name: &str) -> Result<T> {
    let inner = body.remove(name).unwrap_or_default();
    serde_json::from_value(inner).map_err(|error| ProviderError::Lost(error.into()))
}

/// An id as a part of a path: it cannot lead elsewhere.
fn segment(id: &str) -> Result<&str> {
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(id).ok_or_else(|| ProviderError::Nonsense("not an id of the provider".into()))
}
