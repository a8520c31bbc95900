//! Stripe's stand-in: strict about what it is asked, with idempotency keys, signed webhooks and faults.

mod books;
mod door;
mod problem;
mod verb;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use service::{
    clock::{Clock, SystemClock},
    payment::provider::http::Http,
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{Booked, Faults, Peer, Script};
use books::Books;
use door::Keys;

pub struct Stripe {
    inner: Arc<Inner>,
    port: u16,
}

struct Inner {
    clock: Arc<dyn Clock>,
    secret_key: String,
    books: Mutex<Books>,
    keys: Mutex<Keys>,
    faults: Faults,
    calls: AtomicUsize,
    /// Where it tells what happens, and with which secrets; the newest is the last.
    webhooks: Mutex<(Option<String>, Vec<String>)>,
    sending: Mutex<Vec<JoinHandle<()>>>,
    http: Http,
}

impl Stripe {
    pub async fn start() -> Self {
        Self::start_at(Arc::new(SystemClock)).await
    }

    /// Its messages are dated by this clock.
    pub async fn start_at(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner = Arc::new(Inner {
            clock,
            secret_key: format!("sk_{}_{}", "test", random()),
            books: Mutex::new(Books::new()),
            keys: Mutex::default(),
            faults: Faults::default(),
            calls: AtomicUsize::new(0),
            webhooks: Mutex::new((None, vec![webhook_secret()])),
            sending: Mutex::default(),
            http: Http::new().unwrap(),
        });
        let router = door::router(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, port }
    }

    /// The dashboard makes a second secret; both are used until the old one ends.
    pub fn roll_webhook_secret(&self) {
        locked(&self.inner.webhooks).1.push(webhook_secret());
    }

    pub fn end_old_webhook_secret(&self) {
        locked(&self.inner.webhooks).1.remove(0);
    }

    /// Every message that is on its way has come, or was refused.
    pub async fn delivered(&self) {
        loop {
            let sending = std::mem::take(&mut *locked(&self.inner.sending));
            if sending.is_empty() {
                return;
            }
            for message in sending {
                message.await.unwrap();
            }
        }
    }

    /// Stripe forgets the keys of the last day.
    pub fn forget_keys(&self) {
        locked(&self.inner.keys).clear();
    }

    /// The first call with this key is still under way.
    pub fn hold_key(&self, key: &str) {
        locked(&self.inner.keys).hold(key);
    }

    /// The index of its search has not seen the latest yet.
    pub fn search_is_late(&self, late: bool) {
        locked(&self.inner.books).search_is_late = late;
    }

    /// Says, with the next errors, whether the call may be made again.
    pub fn hint(&self, again: Option<bool>) {
        locked(&self.inner.keys).hint = again;
    }

    /// The payer tries a card in Stripe's own form.
    pub fn pay_with(&self, reference: &str, method: &str) {
        // A no is in the books as well.
        self.write(|books| books.pay(reference, method, false).ok());
    }

    /// Nobody has captured it in time.
    pub fn lapse(&self, reference: &str) {
        self.write(|books| books.cancel(reference, "automatic"));
    }

    /// Somebody calls it off in the dashboard.
    pub fn call_off(&self, reference: &str) {
        self.write(|books| books.cancel(reference, "duplicate"));
    }

    pub fn close_dispute(&self, reference: &str, won: bool) {
        self.write(|books| {
            let of_payment = |dispute: &&Value| dispute["payment_intent"] == reference;
            let dispute = books.of_kind("dispute").rfind(of_payment).unwrap()["id"].clone();
            let dispute = dispute.as_str().unwrap().to_owned();
            books.set(&dispute, json!({ "status": if won { "won" } else { "lost" } }));
            books.tell("charge.dispute.closed", &dispute);
        });
    }

    /// What was done last with this name: a payment, a refund, a customer.
    pub fn object(&self, id: &str) -> Value {
        locked(&self.inner.books).get(id)
    }

    /// All that was told so far, as it was sent.
    pub fn events(&self) -> Vec<Value> {
        locked(&self.inner.books).events.clone()
    }

    /// The signature header of a message as it would be sent now.
    pub fn sign(&self, body: &[u8]) -> String {
        self.inner.sign(body)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        let mut books = locked(&self.inner.books);
        books.now = self.inner.clock.now().timestamp();
        let changed = change(&mut books);
        drop(books);
        self.inner.tell(1);
        changed
    }
}

#[async_trait]
impl Peer for Stripe {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn credentials(&self) -> Value {
        let secrets = &locked(&self.inner.webhooks).1;
        json!({ "secretKey": self.inner.secret_key, "webhookSecrets": secrets })
    }

    fn currency(&self) -> &'static str {
        "EUR"
    }

    fn method(&self, script: Script) -> Option<String> {
        let method = match script {
            Script::Succeeds => "pm_card_visa",
            Script::Declines => "pm_card_visa_chargeDeclinedInsufficientFunds",
            Script::AsksForAction => "pm_card_authenticationRequired",
            Script::TakesTime => "pm_usBankAccount",
        };
        Some(method.to_owned())
    }

    fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    fn send_webhooks_to(&self, url: &str) {
        locked(&self.inner.webhooks).0 = Some(url.to_owned());
    }

    async fn act(&self, reference: &str, agrees: bool) {
        self.write(|books| match (reference.starts_with("seti_"), agrees) {
            (true, true) => books.save(reference),
            (true, false) => books.set(
                reference,
                json!({ "status": "canceled", "cancellation_reason": "abandoned" }),
            ),
            (false, true) => books.charge(reference),
            (false, false) => {
                let code = "payment_intent_authentication_failure";
                books.decline(reference, code, "", books::Method::AsksForAction);
            }
        });
    }

    async fn settle(&self, reference: &str, succeeds: bool) {
        self.write(|books| {
            if reference.starts_with("re_") {
                let (status, reason) = if succeeds {
                    ("succeeded", None)
                } else {
                    ("failed", Some("expired_or_canceled_card"))
                };
                books.set(reference, json!({ "status": status, "failure_reason": reason }));
                books.tell(if succeeds { "refund.updated" } else { "refund.failed" }, reference);
            } else if succeeds {
                books.charge(reference);
            } else {
                books.decline(reference, "debit_not_authorized", "", books::Method::TakesTime);
            }
        });
    }

    async fn reverse(&self, reference: &str) {
        self.write(|books| {
            let intent = books.get(reference);
            let charge = intent["latest_charge"].as_str().unwrap().to_owned();
            books.set(&charge, json!({ "disputed": true }));
            let fields = json!({
                "payment_intent": reference, "charge": charge, "status": "needs_response",
                "amount": intent["amount_received"], "currency": intent["currency"],
            });
            let dispute = books.make("dispute", "dp", fields);
            books.tell("charge.dispute.created", &dispute);
        });
    }

    async fn repeat_webhooks(&self) {
        self.delivered().await;
        for event in self.events().iter().rev() {
            self.inner.deliver(event).await;
        }
    }

    fn calls(&self) -> usize {
        self.inner.calls.load(Ordering::SeqCst)
    }

    fn books(&self) -> Vec<Booked> {
        let books = locked(&self.inner.books);
        let booked = books.of_kind("payment_intent").map(|intent| {
            let reference = intent["id"].as_str().unwrap().to_owned();
            Booked {
                key: books.keys.get(&reference).cloned(),
                amount_minor: intent["amount"].as_i64().unwrap(),
                currency: intent["currency"].as_str().unwrap().to_uppercase(),
                captured_minor: intent["amount_received"].as_i64().unwrap(),
                refunded_minor: books.refunded(&reference),
                reference,
            }
        });
        booked.collect()
    }
}

impl Inner {
    /// Sends what is new, each this often and on its own way.
    fn tell(self: &Arc<Self>, times: u8) {
        let news = {
            let mut books = locked(&self.books);
            let news = std::mem::take(&mut books.news);
            books.events.extend(news.iter().cloned());
            news
        };
        if locked(&self.webhooks).0.is_none() {
            return;
        }
        for event in news {
            for _ in 0..times {
                let (inner, event) = (Arc::clone(self), event.clone());
                let sending = tokio::spawn(async move { inner.deliver(&event).await });
                locked(&self.sending).push(sending);
            }
        }
    }

    async fn deliver(&self, event: &Value) {
        let Some(url) = locked(&self.webhooks).0.clone() else { return };
        let body = serde_json::to_vec_pretty(event).unwrap();
        let signature = self.sign(&body);
        let message = self.http.post(&url).header("content-type", "application/json");
        let message = message.header("stripe-signature", signature).body(body);
        // Whoever does not listen is not told; what was not heard is asked for.
        self.http.send(message).await.ok();
    }

    fn sign(&self, body: &[u8]) -> String {
        let time = self.clock.now().timestamp();
        let signed = [format!("{time}.").as_bytes(), body].concat();
        let mut header = format!("t={time}");
        for secret in &locked(&self.webhooks).1 {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let hex: String = hmac::sign(&key, &signed)
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            header.push_str(&format!(",v1={hex}"));
        }
        header
    }
}

fn webhook_secret() -> String {
    format!("whsec_{}", random())
}

fn random() -> String {
    let mut bytes = [0; 12];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
