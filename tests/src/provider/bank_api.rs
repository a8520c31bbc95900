//! GoCardless as it behaves, with its own books: strict about what it is sent, honest about what it did.

mod body;
mod books;
mod create;
mod http;
mod list;
mod refusal;
mod scenario;
mod webhook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use service::clock::{Clock, ManualClock};
use tokio::{net::TcpListener, task::JoinHandle};

use self::{books::Books, webhook::Sender};
use super::{Booked, Faults, Peer, Script};

pub use self::{refusal::Refusal, webhook::signature};

/// Made up anew with each; stops when it is dropped.
pub struct GoCardless {
    shared: Arc<Shared>,
    port: u16,
    server: JoinHandle<()>,
}

struct Shared {
    token: String,
    secret: String,
    url: String,
    clock: ManualClock,
    faults: Faults,
    books: Mutex<Books>,
    sender: Sender,
}

impl GoCardless {
    /// With the clock where the harness's stands.
    pub async fn start() -> Self {
        let noon = "2035-01-01T12:00:00Z".parse().unwrap();
        Self::start_with(ManualClock::starting_at(noon)).await
    }

    pub async fn start_with(clock: ManualClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let secret = made_up();
        let shared = Arc::new(Shared {
            token: made_up(),
            url: format!("http://127.0.0.1:{port}"),
            sender: Sender::new(secret.clone()),
            secret,
            books: Mutex::new(Books::new(clock.now())),
            clock,
            faults: Faults::default(),
        });
        let router = http::router(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { shared, port, server }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn access_token(&self) -> &str {
        &self.shared.token
    }

    pub fn webhook_secret(&self) -> &str {
        &self.shared.secret
    }

    /// A mandate that is active, in any of its currencies.
    pub fn mandate(&self, currency: &str, script: Script) -> String {
        self.shared.books().mandate(currency, script, "active")
    }

    /// The bank took the mandate.
    pub async fn mandate_active(&self, mandate: &str) {
        self.run("mandate_activated", mandate).await.unwrap();
    }

    /// The payer, or the bank, has ended it.
    pub async fn mandate_cancelled(&self, mandate: &str) {
        self.run("mandate_cancelled", mandate).await.unwrap();
    }

    pub async fn confirmed(&self, payment: &str) {
        self.run("payment_confirmed", payment).await.unwrap();
    }

    pub async fn paid_out(&self, payment: &str) {
        self.run("payment_paid_out", payment).await.unwrap();
    }

    /// The bank has no money to give.
    pub async fn failed(&self, payment: &str) {
        self.run("payment_failed", payment).await.unwrap();
    }

    /// The bank gave it, and takes it back.
    pub async fn failed_late(&self, payment: &str) {
        self.run("payment_late_failure", payment).await.unwrap();
    }

    pub async fn charged_back(&self, payment: &str) {
        self.run("payment_charged_back", payment).await.unwrap();
    }

    /// The chargeback was in error.
    pub async fn chargeback_cancelled(&self, payment: &str) {
        self.run("payment_chargeback_cancelled", payment).await.unwrap();
    }

    /// Does what the sandbox's scenario of this name does, and sends the messages.
    pub async fn run(&self, scenario: &str, resource: &str) -> Result<(), Refusal> {
        self.shared.run(scenario, resource).await
    }

    /// From now on a repeated call may be refused for what it says, before its key is known.
    pub fn judge_bodies_first(&self) {
        self.shared.books().bodies_first = true;
    }

    pub fn status(&self, id: &str) -> Option<String> {
        self.shared.books().status(id)
    }

    /// All refunds of a payment, with their amounts.
    pub fn refunds(&self, payment: &str) -> Vec<(String, i64)> {
        self.shared.books().refunds(payment)
    }
}

impl Drop for GoCardless {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.now = self.clock.now();
        books
    }

    async fn run(&self, scenario: &str, resource: &str) -> Result<(), Refusal> {
        let news = {
            let mut books = self.books();
            scenario::run(&mut books, scenario, resource)?;
            books.news()
        };
        self.sender.send(news).await;
        Ok(())
    }
}

#[async_trait]
impl Peer for GoCardless {
    fn url(&self) -> String {
        self.shared.url.clone()
    }

    fn credentials(&self) -> Value {
        json!({"accessToken": self.shared.token, "webhookSecrets": [self.shared.secret]})
    }

    fn currency(&self) -> &'static str {
        "GBP"
    }

    /// A mandate of its own; None asks the payer. What succeeds or declines does so right after it was answered.
    fn method(&self, script: Script) -> Option<String> {
        (script != Script::AsksForAction).then(|| self.mandate(self.currency(), script))
    }

    fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    fn send_webhooks_to(&self, url: &str) {
        self.shared.sender.aim(url);
    }

    /// Who agrees to a payment has paid it, as instant bank payments go; who refuses may still come back to the page.
    async fn act(&self, reference: &str, agrees: bool) {
        let scenario =
            if agrees { "billing_request_fulfilled_and_paid" } else { "bank_authorisation_denied" };
        self.run(scenario, reference).await.unwrap();
    }

    /// Of a payment or of a refund.
    async fn settle(&self, reference: &str, succeeds: bool) {
        let scenario = match (reference.starts_with("RF"), succeeds) {
            (true, true) => "refund_paid",
            (true, false) => "refund_bounced",
            (false, true) => "payment_confirmed",
            (false, false) => "payment_failed",
        };
        let reference = self.shared.books().payment_behind(reference);
        self.run(scenario, &reference).await.unwrap();
    }

    async fn reverse(&self, reference: &str) {
        let payment = self.shared.books().payment_behind(reference);
        self.charged_back(&payment).await;
    }

    /// In one delivery, the newest first.
    async fn repeat_webhooks(&self) {
        let all = self.shared.books().all_news();
        self.shared.sender.send(all).await;
    }

    fn calls(&self) -> usize {
        self.shared.books().calls
    }

    fn books(&self) -> Vec<Booked> {
        self.shared.books().booked()
    }
}

fn made_up() -> String {
    let mut bytes = [0; 20];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
