//! Safaricom's Daraja and the phones behind it. What a payer does is told by the last three digits of the phone.
//!
//! It is strict where Daraja is known to be: one token at a time, passwords of shortcode, passkey and time, whole
//! shillings, one prompt for each phone, no addresses with certain words, reversals by who holds the certificate's secret.

mod api;
mod books;
mod key;
mod messages;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use serde_json::{Value, json};
use service::payment::provider::http::Http;
use tokio::{net::TcpListener, task::JoinSet};

use self::books::Books;
use super::{Booked, Faults, Peer, Script};

/// The phone pays at once.
pub const PAYS: &str = "001";
/// It pays, and no message tells of it.
pub const PAYS_SILENTLY: &str = "002";
/// The prompt waits for `Peer::act`.
pub const WAITS: &str = "010";
/// The PIN is entered, and M-Pesa takes until `Peer::settle`.
pub const TAKES_TIME: &str = "020";
/// Nobody answers, and a message tells so.
pub const EXPIRES: &str = "019";
pub const CANCELS: &str = "032";
/// The phone is off: no message at all.
pub const UNREACHABLE: &str = "037";
pub const LACKS_MONEY: &str = "101";
pub const MISTYPES: &str = "201";
/// What the payer thinks of does not matter: Daraja has too many calls.
pub const SPIKES: &str = "500";

/// Names are made once in a process, as they are made once by Safaricom.
static NAMES: AtomicU64 = AtomicU64::new(1);

/// Cheap to clone; the server lives as long as the test.
#[derive(Clone)]
pub struct Mpesa(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    number: u64,
    faults: Faults,
    calls: AtomicUsize,
    phones: AtomicU64,
    books: Mutex<Books>,
    http: Http,
    under_way: Mutex<JoinSet<()>>,
}

/// What happens when a customer pays without having been asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// With the transaction's name.
    Paid(String),
    /// With the code that we have answered.
    Refused(String),
}

impl Mpesa {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mpesa = Self(Arc::new(Inner {
            address: listener.local_addr().expect("an address"),
            number: NAMES.fetch_add(1, Ordering::SeqCst),
            faults: Faults::default(),
            calls: AtomicUsize::new(0),
            phones: AtomicU64::new(1),
            books: Mutex::default(),
            http: Http::new().expect("a client"),
            under_way: Mutex::default(),
        }));
        let api = api::routes(mpesa.clone());
        tokio::spawn(async move { axum::serve(listener, api).await });
        mpesa
    }

    /// A phone that nobody else has.
    pub fn phone(&self, ending: &str) -> String {
        format!("+2547{:05}{ending}", self.0.phones.fetch_add(1, Ordering::SeqCst) % 100_000)
    }

    /// How many tokens it has issued; only the last one is good.
    pub fn tokens_issued(&self) -> usize {
        self.books().tokens.len()
    }

    /// Makes the token that is good no good, as an hour does.
    pub fn forget_token(&self) {
        self.books().tokens.push(String::new());
    }

    /// A customer pays by hand. First it is asked whether that is right, where it was told whom to ask.
    pub async fn pays(&self, phone: &str, shillings: &str, account: &str) -> Unasked {
        let transaction = books::receipt();
        let body = messages::by_hand(&transaction, phone, shillings, account);
        let urls = self.books().listeners.clone();
        if let Some((_, validation)) = &urls {
            let answer = self.ask(validation, &body).await;
            let code = answer.as_ref().map(|answer| answer["ResultCode"].clone());
            match code {
                Some(code) if code == "0" || code == 0 => {}
                Some(code) => {
                    return Unasked::Refused(code.as_str().unwrap_or_default().to_owned());
                }
                // Registered with `Cancelled`.
                None => return Unasked::Refused("unreachable".to_owned()),
            }
        }
        self.books().receive(&transaction, shillings);
        if let Some((confirmation, _)) = &urls {
            self.send(confirmation, &messages::with_balance(body)).await;
        }
        Unasked::Paid(transaction)
    }

    /// Waits until all messages are delivered that are under way.
    pub async fn delivered(&self) {
        let under_way = std::mem::take(&mut *lock(&self.0.under_way));
        under_way.join_all().await;
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.0.books)
    }

    /// Ends the prompt of this name, and tells so.
    async fn end(&self, reference: &str, code: &str) {
        let told = self.books().end(reference, code);
        for (url, body) in told {
            self.send(&url, &body).await;
        }
    }

    fn consumer(&self) -> (String, String) {
        (format!("consumer{}", self.0.number), format!("secret{}", self.0.number))
    }

    fn passkey(&self) -> String {
        format!("passkey{}", self.0.number)
    }

    fn initiator_password(&self) -> String {
        format!("initiator{}", self.0.number)
    }
}

#[async_trait]
impl Peer for Mpesa {
    fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    fn credentials(&self) -> Value {
        let (key, secret) = self.consumer();
        json!({
            "consumerKey": key,
            "consumerSecret": secret,
            "shortCode": books::SHORT_CODE,
            "passkey": self.passkey(),
            "initiator": books::INITIATOR,
            "certificate": key::certificate(),
            "initiatorPassword": self.initiator_password(),
            "environment": "sandbox",
        })
    }

    fn currency(&self) -> &'static str {
        "KES"
    }

    fn method(&self, script: Script) -> Option<String> {
        Some(self.phone(match script {
            Script::Succeeds => PAYS,
            Script::Declines => LACKS_MONEY,
            Script::AsksForAction => WAITS,
            Script::TakesTime => TAKES_TIME,
        }))
    }

    fn faults(&self) -> &Faults {
        &self.0.faults
    }

    fn send_webhooks_to(&self, url: &str) {
        self.books().listeners = Some((format!("{url}/confirmation"), format!("{url}/validation")));
    }

    async fn act(&self, reference: &str, agrees: bool) {
        self.end(reference, if agrees { "0" } else { "1032" }).await;
    }

    async fn settle(&self, reference: &str, succeeds: bool) {
        self.end(reference, if succeeds { "0" } else { "1" }).await;
    }

    /// By hand, in Safaricom's portal: Daraja tells nobody.
    async fn reverse(&self, reference: &str) {
        self.books().reverse_all(reference);
    }

    async fn repeat_webhooks(&self) {
        self.delivered().await;
        let sent = self.books().sent.clone();
        for (url, body) in sent.iter().rev() {
            self.ask(url, body).await;
        }
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    fn books(&self) -> Vec<Booked> {
        Self::books(self).booked()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
