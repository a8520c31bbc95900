//! One tenant's way to the stand-in, and where its messages come to.

use std::{fmt::Debug, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{DateTime, Utc};
use entity::{
    Id, customer::CustomerId, money::Money, payment::PaymentId, payment_attempt::AttemptId,
};
use serde_json::Value;
use service::{
    clock::{Clock, ManualClock},
    payment::provider::{
        About, Charge, Delivery, Notice, Outcome, PaymentProvider, ProviderError, Verdict, Why,
        http::Http, mpesa, token::Tokens,
    },
};
use tests::provider::{Booked, Peer, mpesa::Mpesa};
use tokio::{
    net::TcpListener,
    sync::{
        Mutex,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    time::timeout,
};

/// The account that customers who pay by hand may name.
pub const ACCOUNT: &str = "RIDE4711";

pub struct Desk {
    pub peer: Mpesa,
    pub provider: Arc<dyn PaymentProvider>,
    pub clock: ManualClock,
    /// Where the tenant is told and asked.
    pub url: String,
    heard: Mutex<UnboundedReceiver<Notice>>,
}

impl Desk {
    pub async fn open() -> Self {
        let peer = Mpesa::start().await;
        let url = peer.url();
        Self::with(peer, &url).await
    }

    /// With the stand-in's credentials, elsewhere.
    pub async fn calling(base_url: &str) -> Self {
        Self::with(Mpesa::start().await, base_url).await
    }

    async fn with(peer: Mpesa, base_url: &str) -> Self {
        let clock = clock();
        let tokens = Tokens::in_process(Arc::new(clock.clone()));
        let provider = open(base_url, &peer.credentials(), tokens, &clock);
        let (tell, heard) = unbounded_channel();
        let url = listen(Arc::clone(&provider), tell).await;
        Self { peer, provider, clock, url, heard: Mutex::new(heard) }
    }

    pub fn charge(&self, phone: &str, minor: i64) -> Charge {
        charge(&self.url, self.peer.phone(phone), minor, self.clock.now())
    }

    /// Asks for it, and gives the prompt's name.
    pub async fn pushed(&self, charge: &Charge) -> String {
        self.provider.charge(charge).await.unwrap().reference.unwrap()
    }

    pub async fn fetched(&self, charge: &Charge, reference: &str) -> Outcome {
        self.provider.fetch(charge, Some(reference)).await.unwrap().outcome
    }

    /// The next message.
    pub async fn told(&self) -> Notice {
        let next = timeout(Duration::from_secs(10), async { self.heard.lock().await.recv().await });
        next.await.expect("a message").expect("a listener")
    }

    /// All messages that are there or under way.
    pub async fn all_told(&self) -> Vec<Notice> {
        self.peer.delivered().await;
        let mut heard = self.heard.lock().await;
        std::iter::from_fn(|| heard.try_recv().ok()).collect()
    }

    /// The one payment in the provider's books.
    pub fn booked(&self) -> Booked {
        let mut books = self.peer.books();
        assert_eq!(books.len(), 1, "{books:?}");
        books.remove(0)
    }
}

pub fn open(
    base_url: &str,
    credentials: &Value,
    tokens: Tokens,
    clock: &ManualClock,
) -> Arc<dyn PaymentProvider> {
    let http = Http::new().unwrap();
    mpesa::open(http, base_url, credentials, tokens, Arc::new(clock.clone())).unwrap()
}

pub fn clock() -> ManualClock {
    ManualClock::starting_at("2035-01-01T12:00:00Z".parse().unwrap())
}

pub fn charge(url: &str, phone: String, minor: i64, asked_at: DateTime<Utc>) -> Charge {
    let id = uuid::Uuid::from_u128(7);
    Charge {
        payment: PaymentId::from_uuid(id),
        attempt: AttemptId::from_uuid(id),
        customer: CustomerId::from_uuid(id),
        amount: kes(minor),
        manual_capture: false,
        method: Some(phone),
        off_session: false,
        return_url: None,
        // Of this payment alone.
        callback_url: format!("{url}7"),
        description: "A ride in Nairobi".into(),
        account_reference: ACCOUNT.into(),
        asked_at,
    }
}

pub fn kes(minor: i64) -> Money {
    Money::new(minor, "KES".parse().unwrap())
}

pub fn code<T: Debug>(result: Result<T, ProviderError>) -> String {
    match result {
        Err(ProviderError::Refused(decline)) => decline.code,
        other => panic!("{other:?}"),
    }
}

type Desks = (Arc<dyn PaymentProvider>, UnboundedSender<Notice>);

/// What the webhook's edge does, without a database.
async fn listen(provider: Arc<dyn PaymentProvider>, tell: UnboundedSender<Notice>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(post(hear)).with_state((provider, tell));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/webhooks/daraja/0f")
}

async fn hear(
    State((provider, tell)): State<Desks>,
    OriginalUri(uri): OriginalUri,
    body: Bytes,
) -> Response {
    let headers = [(":path".to_owned(), uri.path().to_owned())];
    let own = uri.path().starts_with("/webhooks/daraja/0f7");
    let payment = own.then(|| PaymentId::from_uuid(uuid::Uuid::from_u128(7)));
    let received_at = DateTime::UNIX_EPOCH;
    let read =
        provider.read_webhook(&Delivery { headers: &headers, body: &body, received_at, payment });
    let verdict = match read.as_deref() {
        Ok([Notice { about: About::Question(asked), .. }])
            if asked.account_reference != ACCOUNT =>
        {
            Verdict::Refused(Why::UnknownAccount)
        }
        Ok([Notice { about: About::Question(_), .. }]) => Verdict::Allowed,
        Ok(_) => Verdict::Kept,
        Err(_) => Verdict::Refused(Why::Forged),
    };
    for notice in read.unwrap_or_default() {
        let _ = tell.send(notice);
    }
    let reply = provider.reply(&verdict);
    let status = StatusCode::from_u16(reply.status).unwrap();
    (status, reply.body.unwrap_or_default().to_string()).into_response()
}
