//! GoCardless's messages: signed, in batches, again until they are taken.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::hmac;
use serde_json::json;
use service::payment::provider::http::Http;

use super::books::Event;

/// In one request.
const MOST: usize = 250;
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

pub struct Sender {
    http: Http,
    secret: String,
    target: Mutex<Option<String>>,
}

impl Sender {
    pub fn new(secret: String) -> Self {
        Self { http: Http::new().unwrap(), secret, target: Mutex::default() }
    }

    pub fn aim(&self, url: &str) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
    }

    /// Ends when all is taken, or was refused too often.
    pub async fn send(&self, events: Vec<Event>) {
        let Some(target) = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone()
        else {
            return;
        };
        for round in 0..events.iter().map(|event| event.copies).max().unwrap_or(0) {
            let due: Vec<_> = events.iter().filter(|event| event.copies > round).collect();
            for batch in due.chunks(MOST) {
                let events: Vec<_> = batch.iter().map(|event| &event.fields).collect();
                let body = json!({"events": events, "meta": {"webhook_id": "WB000001"}});
                self.post(&target, body.to_string()).await;
            }
        }
    }

    async fn post(&self, target: &str, body: String) {
        for pause in PAUSES {
            let request = self
                .http
                .post(target)
                .header("content-type", "application/json")
                .header("webhook-signature", signature(&self.secret, body.as_bytes()))
                .body(body.clone());
            let answer = self.http.send(request).await;
            if answer.is_ok_and(|answer| answer.status.is_success()) {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// As GoCardless writes it: lower-case hexadecimal digits.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
