//! One call to Stripe: its headers, its errors, and when it may be made again.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;

use super::{
    super::{
        ProviderError, Result,
        http::{Answered, Http},
    },
    wire::{Failure, Problem},
};

/// What our code was written against; Stripe answers in this shape for ever.
const VERSION: &str = "2026-10-28.endive";
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);
/// Who is asked to wait longer gives up.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Parameters, as a form.
pub type Form = Vec<(String, String)>;

/// A clear no is an answer too.
pub type Said<T> = std::result::Result<T, Box<Problem>>;

pub struct Api {
    pub http: Http,
    base: String,
    secret_key: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Write,
}

impl Api {
    pub fn new(http: Http, base: &str, secret_key: String) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned(), secret_key }
    }

    /// Asks for something to be done; with the same key it is done once.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        form: &Form,
    ) -> Result<Said<T>> {
        let request = || {
            let request = self.http.post(&self.url(path)).header("idempotency-key", key);
            self.signed(request).form(form)
        };
        read(self.send(request, Call::Write).await?, Call::Write)
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &Form) -> Result<Said<T>> {
        let request = || self.signed(self.http.get(&self.url(path))).query(query);
        read(self.send(request, Call::Read).await?, Call::Read)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.secret_key).header("stripe-version", VERSION)
    }

    async fn send(&self, request: impl Fn() -> RequestBuilder, call: Call) -> Result<Answered> {
        let mut tried = 1;
        loop {
            let answer = self.http.send(request()).await;
            match pause(&answer, call) {
                Some(pause) if tried < TRIES => tokio::time::sleep(pause * tried).await,
                _ => return answer,
            }
            tried += 1;
        }
    }
}

/// How long to wait before asking again; None: the answer stands.
///
/// A write has its key, and so may be repeated when Stripe says so.
fn pause(answer: &Result<Answered>, call: Call) -> Option<Duration> {
    let Ok(answer) = answer else { return (call == Call::Read).then_some(PAUSE) };
    let again = match answer.header("stripe-should-retry") {
        Some("true") => true,
        Some("false") => false,
        _ => {
            answer.status == StatusCode::CONFLICT
                || call == Call::Read && answer.status.is_server_error()
        }
    };
    let asked = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
    let pause = asked.map_or(PAUSE, Duration::from_secs);
    (again && pause <= LONGEST_PAUSE).then_some(pause)
}

fn read<T: DeserializeOwned>(answer: Answered, call: Call) -> Result<Said<T>> {
    if answer.status.is_success() {
        return answer.json().map(Ok);
    }
    let mut problem = problem(&answer);
    problem.is_decline = answer.status == StatusCode::PAYMENT_REQUIRED;
    match answer.status.as_u16() {
        401 | 403 => Err(ProviderError::Credentials),
        // The first call with this key is still under way, and may do it.
        409 if problem.is("idempotency_key_in_use") => Err(lost(&answer)),
        409 | 429 => Err(ProviderError::Unavailable(status(&answer).into())),
        400 if problem.is("rate_limit") || problem.is("lock_timeout") => {
            Err(ProviderError::Unavailable(status(&answer).into()))
        }
        // The key was used before, for other parameters: that call may have done it.
        400..500 if problem.kind.as_deref() == Some("idempotency_error") => Err(lost(&answer)),
        400..500 => Ok(Err(Box::new(problem))),
        500.. if call == Call::Write => Err(lost(&answer)),
        500.. => Err(ProviderError::Unavailable(status(&answer).into())),
        _ => Err(ProviderError::Nonsense(status(&answer).into())),
    }
}

fn problem(answer: &Answered) -> Problem {
    serde_json::from_slice::<Failure>(&answer.body).unwrap_or_default().error
}

fn lost(answer: &Answered) -> ProviderError {
    ProviderError::Lost(status(answer).into())
}

fn status(answer: &Answered) -> String {
    let request = answer.header("request-id").unwrap_or("unknown");
    format!("status {}, request {request}", answer.status.as_u16())
}

/// A no that is no decline.
pub fn refused(problem: &Problem) -> ProviderError {
    ProviderError::Refused(problem.decline())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::{Value, json};

    use super::*;

    fn answered(status: u16, error: &Value) -> Answered {
        Answered {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: json!({ "error": error }).to_string().into_bytes(),
        }
    }

    fn said(status: u16, error: Value, call: Call) -> Result<Said<Value>> {
        read(answered(status, &error), call)
    }

    #[test]
    fn what_may_have_happened_is_lost_and_what_has_not_is_not() {
        use Call::{Read, Write};
        type Expected = fn(&Result<Said<Value>>) -> bool;
        let lost: Expected = |said| matches!(said, Err(ProviderError::Lost(_)));
        let unavailable: Expected = |said| matches!(said, Err(ProviderError::Unavailable(_)));
        let no: Expected = |said| matches!(said, Ok(Err(problem)) if !problem.is_decline);
        let cases: [(u16, Value, Call, Expected); 12] = [
            (500, json!({}), Write, lost),
            (502, json!({}), Write, lost),
            (500, json!({}), Read, unavailable),
            (429, json!({ "code": "rate_limit" }), Write, unavailable),
            (429, json!({ "code": "lock_timeout" }), Write, unavailable),
            (400, json!({ "code": "rate_limit" }), Write, unavailable),
            (409, json!({ "code": "idempotency_key_in_use" }), Write, lost),
            (400, json!({ "type": "idempotency_error" }), Write, lost),
            (400, json!({ "code": "amount_too_small" }), Write, no),
            (404, json!({ "code": "resource_missing" }), Read, no),
            (402, json!({}), Write, |said| matches!(said, Ok(Err(no)) if no.is_decline)),
            (401, json!({}), Read, |said| matches!(said, Err(ProviderError::Credentials))),
        ];
        for (status, error, call, expected) in cases {
            let said = said(status, error.clone(), call);
            assert!(expected(&said), "{status} {error}: {said:?}");
        }
        let page = Answered { body: b"<html>".to_vec(), ..answered(200, &Value::Null) };
        assert!(lost(&read(page, Write)));
        let page = Answered { body: b"<html>".to_vec(), ..answered(400, &Value::Null) };
        assert!(no(&read(page, Write)));
    }

    #[test]
    fn stripe_says_whether_and_when_to_ask_again() {
        let paused = |status, call, headers: &[(&'static str, &str)]| {
            let mut answer = answered(status, &Value::Null);
            for (name, value) in headers {
                answer.headers.insert(*name, value.parse().unwrap());
            }
            pause(&Ok(answer), call)
        };
        let (again, never) = (("stripe-should-retry", "true"), ("stripe-should-retry", "false"));
        assert_eq!(paused(500, Call::Write, &[]), None);
        assert_eq!(paused(500, Call::Write, &[again]), Some(PAUSE));
        assert_eq!(paused(409, Call::Write, &[]), Some(PAUSE));
        assert_eq!(paused(409, Call::Write, &[never]), None);
        assert_eq!(paused(503, Call::Read, &[]), Some(PAUSE));
        assert_eq!(paused(429, Call::Read, &[]), None);
        let second = Some(Duration::from_secs(1));
        assert_eq!(paused(429, Call::Write, &[again, ("retry-after", "1")]), second);
        assert_eq!(paused(429, Call::Write, &[again, ("retry-after", "3")]), None);
        let cut = || Err(ProviderError::Lost("cut".into()));
        assert_eq!((pause(&cut(), Call::Read), pause(&cut(), Call::Write)), (Some(PAUSE), None));
    }
}
