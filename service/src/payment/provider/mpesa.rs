//! M-Pesa by Safaricom's Daraja: a prompt on the payer's phone, payments that nobody asked for, and reversals.
//!
//! Daraja knows no idempotency keys, signs nothing, tells of an outcome once at most, and does not say amounts when it is
//! asked. So a prompt is never sent twice; what a message claims is a hint that a query confirms; and a prompt whose
//! answer was lost is given up after an hour unless its message comes.

mod certificate;
mod credentials;
mod outcome;
mod webhook;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use entity::payment::{NextAction, Provider};
use serde::Serialize;

use self::credentials::{Credentials, Initiator};
pub use self::credentials::{PRODUCTION_URL, SANDBOX_URL, default_url};
use super::{
    Answer, Cancel, Charge, Decline, Delivery, Notice, Outcome, PaymentProvider, ProviderError,
    Refund, RefundAnswer, RefundOutcome, Reply, Result, Verdict, WebhookError,
    http::{Answered, Http},
    token::{Token, Tokens},
};
use crate::{clock::Clock, error::Invalid, keys::sha256};

/// A prompt whose answer was lost, and of which no message came for so long, is given up. Our choice: a prompt is open for
/// a minute or two, and a message that has missed us does not come again. A late one still counts.
const GIVEN_UP: Duration = Duration::hours(1);
/// A token is renewed this long before it ends.
const MARGIN: Duration = Duration::minutes(1);

struct Daraja {
    http: Http,
    base_url: String,
    credentials: Credentials,
    tokens: Tokens,
    /// Under which its token is kept.
    account: String,
    clock: Arc<dyn Clock>,
}

/// One tenant's way to Daraja. All that share an account there have to share its tokens.
pub fn open(
    http: Http,
    base_url: &str,
    credentials: &serde_json::Value,
    tokens: Tokens,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn PaymentProvider>, Invalid> {
    let credentials = Credentials::read(credentials)?;
    let base_url = base_url.trim_end_matches('/').to_owned();
    let Credentials { consumer_key, consumer_secret, .. } = &credentials;
    let account = sha256(format!("{base_url}\n{consumer_key}\n{consumer_secret}").as_bytes());
    let account = format!("daraja:{}", webhook::hex(&account[..16]));
    Ok(Arc::new(Daraja { http, base_url, credentials, tokens, account, clock }))
}

#[async_trait]
impl PaymentProvider for Daraja {
    fn kind(&self) -> Provider {
        Provider::Mpesa
    }

    /// Taken by Daraja, it is the payer's turn: the prompt is on the phone.
    async fn charge(&self, charge: &Charge) -> Result<Answer> {
        if charge.manual_capture {
            return Err(ProviderError::Unsupported);
        }
        let push = wire::Push::new(&self.credentials, charge, self.clock.now())?;
        let answered = self.call("/mpesa/stkpush/v1/processrequest", &push).await?;
        let reference = wire::pushed(&answered)?;
        Ok(answer(Some(reference), Outcome::ActionRequired(NextAction::AnswerPhone)))
    }

    /// A prompt cannot be called back.
    async fn cancel(&self, _: &Cancel) -> Result<Answer> {
        Err(ProviderError::Unsupported)
    }

    /// Takes the whole movement back; what became of it is told at the refund's own address.
    async fn refund(&self, refund: &Refund) -> Result<RefundAnswer> {
        let initiator = self.credentials.initiator.as_ref();
        let initiator = initiator.ok_or_else(|| {
            refused("reversal_not_set_up", "the account has no initiator for reversals")
        })?;
        let reversal = wire::Reversal::new(&self.credentials, initiator, refund)?;
        let answered = self.call("/mpesa/reversal/v1/request", &reversal).await?;
        let reference = wire::reversing(&answered)?;
        Ok(RefundAnswer { reference: Some(reference), outcome: RefundOutcome::Processing })
    }

    /// Daraja tells the outcome, not the amount, and the receipt's number only in its message.
    async fn fetch(&self, charge: &Charge, reference: Option<&str>) -> Result<Answer> {
        let now = self.clock.now();
        let Some(reference) = reference else {
            let given_up = now - charge.asked_at >= GIVEN_UP;
            return Ok(answer(None, if given_up { Outcome::Expired } else { Outcome::Processing }));
        };
        let query = wire::Query::new(&self.credentials, reference, now);
        let answered = self.call("/mpesa/stkpushquery/v1/query", &query).await?;
        Ok(answer(Some(reference.to_owned()), wire::queried(&answered, reference)?))
    }

    /// There is no asking; the message tells.
    async fn fetch_refund(&self, _: &Refund, reference: Option<&str>) -> Result<RefundAnswer> {
        let reference = reference.map(str::to_owned);
        Ok(RefundAnswer { reference, outcome: RefundOutcome::Processing })
    }

    /// Production takes this once; another address is a matter for Safaricom's support.
    async fn listen(&self, webhook_url: &str) -> Result<()> {
        let registration = wire::Registration::new(&self.credentials, webhook_url)?;
        let answered = self.call("/mpesa/c2b/v2/registerurl", &registration).await?;
        wire::accepted(&answered)
    }

    fn read_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Notice>, WebhookError> {
        webhook::read(&self.credentials, delivery).map(|notice| vec![notice])
    }

    fn reply(&self, verdict: &Verdict) -> Reply {
        webhook::reply(verdict)
    }
}

impl Daraja {
    /// Sends it once; once more only if it was not let in, because then nothing was done.
    async fn call(&self, path: &str, body: &impl Serialize) -> Result<Answered> {
        let token = self.token(None).await?;
        let answered = self.send(path, body, &token).await?;
        if !wire::is_not_let_in(&answered) {
            return Ok(answered);
        }
        let token = self.token(Some(&token)).await?;
        let answered = self.send(path, body, &token).await?;
        if wire::is_not_let_in(&answered) { Err(ProviderError::Credentials) } else { Ok(answered) }
    }

    async fn send(&self, path: &str, body: &impl Serialize, token: &str) -> Result<Answered> {
        let request = self.http.post(&format!("{}{path}", self.base_url)).bearer_auth(token);
        self.http.send(request.json(body)).await
    }

    async fn token(&self, refused: Option<&str>) -> Result<String> {
        let (http, clock) = (self.http.clone(), Arc::clone(&self.clock));
        let url = format!("{}/oauth/v1/generate?grant_type=client_credentials", self.base_url);
        let Credentials { consumer_key, consumer_secret, .. } = &self.credentials;
        let request = self.http.get(&url).basic_auth(consumer_key, Some(consumer_secret));
        let renew = async move {
            let answered = http.send(request).await.map_err(not_done)?;
            let issued = wire::issued(&answered)?;
            let lasts = Duration::seconds(issued.seconds) - MARGIN;
            Ok(Token { value: issued.token, expires_at: clock.now() + lasts })
        };
        self.tokens.get(&self.account, refused, renew).await
    }
}

/// Without a token nothing else was done.
fn not_done(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Lost(source) => ProviderError::Unavailable(source),
        other => other,
    }
}

fn answer(reference: Option<String>, outcome: Outcome) -> Answer {
    Answer {
        reference,
        transaction: None,
        outcome,
        amount: None,
        captured_minor: None,
        expires_at: None,
    }
}

fn refused(code: &str, message: &str) -> ProviderError {
    ProviderError::Refused(Decline { code: code.to_owned(), message: message.to_owned() })
}

/// As Daraja wants it, in Nairobi's time.
fn timestamp(now: DateTime<Utc>) -> String {
    now.with_timezone(&chrono_tz::Africa::Nairobi).format("%Y%m%d%H%M%S").to_string()
}
