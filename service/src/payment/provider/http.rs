//! HTTP to providers: bounded in time and size, and clear about what may have happened when it fails.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, StatusCode, header::HeaderMap, redirect::Policy};
use serde::de::DeserializeOwned;

use super::{ProviderError, Result};
use crate::{
    clock::{Clock, SystemClock},
    error::Error,
};

const CONNECT: Duration = Duration::from_secs(5);
/// Providers promise an answer within seconds; a payer stands in front of a vehicle.
const WHOLE: Duration = Duration::from_secs(20);
const ANSWER_BYTES: usize = 1024 * 1024;

/// Cheap to clone; connections are shared.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
}

/// An answer, whatever it says.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Http {
    pub fn new() -> crate::error::Result<Self> {
        // One for the process; who comes second finds the first one's.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .redirect(Policy::none())
            .user_agent(concat!("bikelease/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = client.map_err(Error::internal)?;
        Ok(Self { client, clock: Arc::new(SystemClock) })
    }

    /// For a provider that forgets: what it is asked depends on how long ago something was.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn get(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }

    pub fn post(&self, url: &str) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends it, once. What failed before it was sent has not happened; what failed later may have.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answered> {
        let mut answer = request.send().await.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES {
                return Err(ProviderError::Lost("the answer is too long".into()));
            }
        }
        Ok(Answered { status, headers, body })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

impl Answered {
    /// What a successful call says. If that cannot be read, it still has happened.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| ProviderError::Lost(error.into()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Without its URL, which may hold a secret.
fn failed(error: reqwest::Error) -> ProviderError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        ProviderError::Unavailable(error.into())
    } else {
        ProviderError::Lost(error.into())
    }
}
