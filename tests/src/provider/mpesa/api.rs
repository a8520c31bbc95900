//! Daraja's calls: who may, what is wrong with it, what goes wrong, and what is done.

use std::{io, sync::atomic::Ordering};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::stream;
use serde_json::{Value, json};

use super::{
    CANCELS, EXPIRES, LACKS_MONEY, MISTYPES, Mpesa, NAMES, PAYS_SILENTLY, SPIKES, TAKES_TIME,
    UNREACHABLE, WAITS,
    books::{INITIATOR, Prompt, SHORT_CODE},
    key, messages,
};
use crate::provider::Fault;

/// An answer that is not a success: status, code, and words.
type Problem = (u16, &'static str, String);

const SPIKE: &str = "Error Occurred: Spike Arrest Violation";

pub fn routes(mpesa: Mpesa) -> Router {
    Router::new()
        .route("/oauth/v1/generate", get(generate))
        .route("/mpesa/stkpush/v1/processrequest", post(push))
        .route("/mpesa/stkpushquery/v1/query", post(query))
        .route("/mpesa/reversal/v1/request", post(reverse))
        .route("/mpesa/c2b/v2/registerurl", post(register))
        .with_state(mpesa)
}

async fn generate(State(mpesa): State<Mpesa>, headers: HeaderMap) -> Response {
    let (key, secret) = mpesa.consumer();
    let expected = format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")));
    if header(&headers, "authorization") != expected {
        return problem((400, "400.008.01", "Invalid Authentication passed".into()));
    }
    let token = format!("token{}", NAMES.fetch_add(1, Ordering::SeqCst));
    mpesa.books().tokens.push(token.clone());
    json_of(200, &json!({ "access_token": token, "expires_in": "3599" }))
}

async fn push(State(mpesa): State<Mpesa>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = match mpesa.asked(&headers, &body) {
        Ok(asked) => asked,
        Err(refused) => return problem(refused),
    };
    mpesa.0.calls.fetch_add(1, Ordering::SeqCst);
    let fault = mpesa.0.faults.take();
    if let Some(answer) = before(fault) {
        return answer;
    }
    let answer = match mpesa.prompt(&asked, fault) {
        Ok(answer) => json_of(200, &answer),
        Err(refused) => return problem(refused),
    };
    after(fault, answer).await
}

async fn query(State(mpesa): State<Mpesa>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = mpesa.asked(&headers, &body).and_then(|asked| {
        mpesa.check_password(&asked)?;
        Ok(asked)
    });
    let name = match asked {
        Ok(asked) => text(&asked, "CheckoutRequestID"),
        Err(refused) => return problem(refused),
    };
    let mut books = mpesa.books();
    let Some(prompt) = books.prompt(&name) else {
        return problem((500, "500.001.1001", "The transaction does not Exist".into()));
    };
    let answer = |code: &str, words: &str| {
        json_of(
            200,
            &json!({
                "ResponseCode": "0",
                "ResponseDescription": "The service request has been accepted successsfully",
                "MerchantRequestID": prompt.merchant,
                "CheckoutRequestID": prompt.name,
                "ResultCode": code,
                "ResultDesc": words,
            }),
        )
    };
    match &prompt.result {
        Some(code) => answer(code, messages::description(code)),
        // In one of two ways, both of which were seen.
        None if books.asked.is_multiple_of(2) => {
            let answer = answer("4999", "The transaction is still under processing");
            books.asked += 1;
            answer
        }
        None => {
            books.asked += 1;
            problem((500, "500.001.1001", "The transaction is being processed".into()))
        }
    }
}

async fn reverse(State(mpesa): State<Mpesa>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = match mpesa.asked(&headers, &body) {
        Ok(asked) => asked,
        Err(refused) => return problem(refused),
    };
    mpesa.0.calls.fetch_add(1, Ordering::SeqCst);
    let fault = mpesa.0.faults.take();
    if let Some(answer) = before(fault) {
        return answer;
    }
    let answer = match mpesa.reversal(&asked, fault) {
        Ok(answer) => json_of(200, &answer),
        Err(refused) => return problem(refused),
    };
    after(fault, answer).await
}

async fn register(State(mpesa): State<Mpesa>, headers: HeaderMap, body: Bytes) -> Response {
    let checked = mpesa.asked(&headers, &body).and_then(|asked| {
        is(&asked, "ShortCode", |code| code == SHORT_CODE)?;
        is(&asked, "ResponseType", |kind| matches!(kind, "Completed" | "Cancelled"))?;
        is(&asked, "ConfirmationURL", is_address)?;
        is(&asked, "ValidationURL", is_address)?;
        Ok(asked)
    });
    match checked {
        Ok(asked) => {
            let urls = (text(&asked, "ConfirmationURL"), text(&asked, "ValidationURL"));
            mpesa.books().listeners = Some(urls);
            let done = "Success";
            json_of(
                200,
                &json!({
                    "OriginatorCoversationID": "7619-37765134-1",
                    "ResponseCode": "0",
                    "ResponseDescription": done,
                }),
            )
        }
        Err(refused) => problem(refused),
    }
}

impl Mpesa {
    /// What is asked, by somebody who may.
    fn asked(&self, headers: &HeaderMap, body: &[u8]) -> Result<Value, Problem> {
        let token = header(headers, "authorization").strip_prefix("Bearer ").unwrap_or_default();
        if token.is_empty() || self.books().tokens.last().is_none_or(|good| good != token) {
            return Err((404, "404.001.03", "Invalid Access Token".into()));
        }
        if header(headers, "content-type") != "application/json" {
            return Err(invalid("BusinessShortCode"));
        }
        serde_json::from_slice(body).map_err(|_| invalid("Payload"))
    }

    fn check_password(&self, asked: &Value) -> Result<(), Problem> {
        is(asked, "BusinessShortCode", |code| code == SHORT_CODE)?;
        is(asked, "Timestamp", |time| time.len() == 14 && is_number(time))?;
        let plain = format!("{SHORT_CODE}{}{}", self.passkey(), text(asked, "Timestamp"));
        if text(asked, "Password") == STANDARD.encode(plain) {
            return Ok(());
        }
        Err((500, "500.001.1001", "[MerchantValidate] - Wrong credentials".into()))
    }

    fn check_prompt(&self, asked: &Value) -> Result<(), Problem> {
        self.check_password(asked)?;
        is(asked, "TransactionType", |kind| kind == "CustomerPayBillOnline")?;
        let in_range = |amount: i64| (1..=250_000).contains(&amount);
        is(asked, "Amount", |amount| amount.parse().is_ok_and(in_range))?;
        for phone in ["PartyA", "PhoneNumber"] {
            let kenyan = |phone: &str| phone.starts_with("254") && phone.len() == 12;
            is(asked, phone, |phone| kenyan(phone) && is_number(phone))?;
        }
        is(asked, "PartyB", |receiver| receiver == SHORT_CODE)?;
        is(asked, "CallBackURL", is_address)?;
        is(asked, "AccountReference", |text| (1..=12).contains(&text.len()))?;
        is(asked, "TransactionDesc", |text| text.len() <= 13)
    }

    /// Puts a prompt on the phone, and lets the payer do what the phone's last digits say.
    fn prompt(&self, asked: &Value, fault: Fault) -> Result<Value, Problem> {
        self.check_prompt(asked)?;
        let phone = text(asked, "PhoneNumber");
        let ending = phone.get(9..).unwrap_or_default().to_owned();
        if ending == SPIKES {
            return Err((500, "500.003.02", SPIKE.into()));
        }
        let mut books = self.books();
        if books.is_locked(&phone) {
            let words = "Unable to lock subscriber, a transaction is already in process for the \
                         current subscriber";
            return Err((500, "500.001.1001", words.into()));
        }
        let number = NAMES.fetch_add(1, Ordering::SeqCst);
        let (name, merchant) = (format!("ws_CO_{number:017}{phone}"), format!("29115-{number}-1"));
        let times = match fault {
            Fault::NoWebhook => 0,
            Fault::Webhooks(times) => times,
            _ if [PAYS_SILENTLY, UNREACHABLE].contains(&ending.as_str()) => 0,
            _ => 1,
        };
        books.prompts.push(Prompt {
            name: name.clone(),
            merchant: merchant.clone(),
            phone,
            account: text(asked, "AccountReference"),
            shillings: text(asked, "Amount").parse().unwrap_or_default(),
            callback: text(asked, "CallBackURL"),
            result: None,
            messages: times,
        });
        let code = match ending.as_str() {
            WAITS | TAKES_TIME => None,
            EXPIRES => Some("1019"),
            CANCELS => Some("1032"),
            UNREACHABLE => Some("1037"),
            LACKS_MONEY => Some("1"),
            MISTYPES => Some("2001"),
            _ => Some("0"),
        };
        if let Some(code) = code {
            self.send_soon(books.end(&name, code), times);
        }
        let done = "Success. Request accepted for processing";
        Ok(json!({
            "MerchantRequestID": merchant,
            "CheckoutRequestID": name,
            "ResponseCode": "0",
            "ResponseDescription": done,
            "CustomerMessage": done,
        }))
    }

    fn reversal(&self, asked: &Value, fault: Fault) -> Result<Value, Problem> {
        is(asked, "CommandID", |command| command == "TransactionReversal")?;
        is(asked, "ReceiverParty", |receiver| receiver == SHORT_CODE)?;
        is(asked, "RecieverIdentifierType", |kind| kind == "11")?;
        is(asked, "Amount", |amount| amount.parse().is_ok_and(|amount: i64| amount > 0))?;
        is(asked, "ResultURL", is_address)?;
        is(asked, "QueueTimeOutURL", is_address)?;
        is(asked, "Remarks", |remarks| (2..=100).contains(&remarks.len()))?;
        let number = NAMES.fetch_add(1, Ordering::SeqCst);
        let (originator, name) = (format!("71840-{number}-1"), format!("AG_20261121_{number:020}"));
        let secret = key::decrypt(&text(asked, "SecurityCredential"));
        let known = text(asked, "Initiator") == INITIATOR
            && secret.is_some_and(|secret| secret == self.initiator_password().as_bytes());
        let (code, words) = if known {
            let shillings = text(asked, "Amount").parse().unwrap_or_default();
            self.books().reverse(&text(asked, "TransactionID"), shillings)
        } else {
            ("2001", messages::description("2001"))
        };
        let body = messages::of_reversal((&originator, &name), code, words);
        let times = match fault {
            Fault::NoWebhook => 0,
            Fault::Webhooks(times) => times,
            _ => 1,
        };
        self.send_soon(vec![(text(asked, "ResultURL"), body)], times);
        Ok(json!({
            "OriginatorConversationID": originator,
            "ConversationID": name,
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        }))
    }
}

fn before(fault: Fault) -> Option<Response> {
    match fault {
        Fault::ErrorBefore => Some(internal()),
        Fault::CutBefore => Some(cut()),
        Fault::Busy => Some(problem((500, "500.003.02", SPIKE.into()))),
        _ => None,
    }
}

async fn after(fault: Fault, answer: Response) -> Response {
    match fault {
        Fault::ErrorAfter => internal(),
        Fault::CutAfter => cut(),
        Fault::Slow(pause) => {
            tokio::time::sleep(pause).await;
            answer
        }
        _ => answer,
    }
}

fn internal() -> Response {
    problem((500, "500.003.1001", "Internal Server Error".into()))
}

/// Begins to answer, and breaks off.
fn cut() -> Response {
    let broken = stream::once(async { Err::<Vec<u8>, _>(io::Error::other("cut")) });
    Body::from_stream(broken).into_response()
}

fn problem((status, code, words): Problem) -> Response {
    let request = format!("{}-1", NAMES.fetch_add(1, Ordering::SeqCst));
    json_of(status, &json!({ "requestId": request, "errorCode": code, "errorMessage": words }))
}

fn json_of(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

fn invalid(field: &str) -> Problem {
    (400, "400.002.02", format!("Bad Request - Invalid {field}"))
}

fn is(asked: &Value, field: &str, fits: impl Fn(&str) -> bool) -> Result<(), Problem> {
    if fits(&text(asked, field)) { Ok(()) } else { Err(invalid(field)) }
}

fn text(asked: &Value, field: &str) -> String {
    match &asked[field] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Daraja has refused capital letters, too. Here it may be on loopback; in production it is HTTPS.
fn is_address(url: &str) -> bool {
    const BANNED: &[&str] = &["mpesa", "m-pesa", "safaricom", "exe", "cmd", "sql", "query"];
    url.starts_with("http")
        && !url.contains(|c: char| c.is_ascii_uppercase())
        && !BANNED.iter().any(|word| url.contains(word))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
