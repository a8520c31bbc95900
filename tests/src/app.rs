//! A whole node in the test's process, with a clock that stands until it is moved.

use std::{net::SocketAddr, sync::Arc};

use api::node::Node;
use chrono::{DateTime, Duration, Utc};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use service::{
    clock::{Clock, ManualClock, SystemClock},
    config::Config,
    job::worker::Tally,
};
use tokio::sync::{OnceCell, watch};

use crate::{Client, Fleet, Shape, Socket, shape::Place};

pub struct TestApp {
    pub shape: Shape,
    pub clock: ManualClock,
    pub node: Node,
    pub place: Arc<Place>,
    pub config: Config,
    address: SocketAddr,
    http: reqwest::Client,
    shutdown: watch::Sender<bool>,
    admin: OnceCell<DatabaseConnection>,
}

impl TestApp {
    pub async fn start(shape: Shape) -> Self {
        Self::start_with(shape, &[]).await
    }

    /// As operators run it, without what is only convenient for development.
    pub async fn start_in_production(shape: Shape, settings: &[(&str, &str)]) -> Self {
        let secret: String = ('a'..='z').chain('0'..='9').collect();
        let production = [("BIKELEASE_ENV", "production"), ("BIKELEASE_SECRET", secret.as_str())];
        Self::start_with(shape, &[settings, &production].concat()).await
    }

    /// With configuration beside the defaults, by its `BIKELEASE_…` names.
    pub async fn start_with(shape: Shape, settings: &[(&str, &str)]) -> Self {
        // Far ahead, so that no worker by the system's time finds a job due before a test says so.
        let clock =
            ManualClock::starting_at("2035-01-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        Self::start_at(shape, Arc::new(shape.place().await), clock, settings).await
    }

    /// As `start_with`, today: for tests with processes, whose clock is the system's.
    pub async fn start_today(shape: Shape, settings: &[(&str, &str)]) -> Self {
        let clock = ManualClock::starting_at(SystemClock.now());
        Self::start_at(shape, Arc::new(shape.place().await), clock, settings).await
    }

    /// Another node of the same installation, with the same clock.
    pub async fn beside(&self, settings: &[(&str, &str)]) -> Self {
        Self::start_at(self.shape, Arc::clone(&self.place), self.clock.clone(), settings).await
    }

    async fn start_at(
        shape: Shape,
        place: Arc<Place>,
        clock: ManualClock,
        settings: &[(&str, &str)],
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let public_url = format!("http://{address}");
        let mut variables: Vec<(String, String)> =
            place.settings().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let defaults = [
            ("BIKELEASE_DATABASE_POOL", "8"),
            ("BIKELEASE_DEMO", "false"),
            ("BIKELEASE_SHUTDOWN_SPREAD_SECONDS", "0"),
            ("BIKELEASE_SOCKETS_PER_USER", ""),
            ("BIKELEASE_DEFAULT_TENANT", ""),
            ("BIKELEASE_PUBLIC_URL", public_url.as_str()),
        ];
        let settings = defaults.iter().chain(settings);
        variables.extend(settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::load(None, variables.into_iter()).unwrap();
        let node = Node::start(&config, Arc::new(clock.clone())).await.unwrap();
        let (shutdown, stopping) = watch::channel(false);
        let router = api::http::router(node.app.clone(), &config, stopping);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self {
            shape,
            clock,
            node,
            place,
            config,
            address,
            http: reqwest::Client::new(),
            shutdown,
            admin: OnceCell::new(),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Somebody who has not signed in, at a tenant or at none.
    pub fn anonymous(&self, tenant: Option<&str>) -> Client {
        Client {
            http: self.http.clone(),
            url: self.url(),
            tokens: Arc::default(),
            tenant: tenant.map(ToOwned::to_owned),
        }
    }

    /// A new tenant with an owner and nothing else.
    pub async fn fleet(&self, name: &str) -> Fleet {
        Fleet::create(self, name).await
    }

    pub async fn socket(&self, token: Option<String>) -> Socket {
        Socket::connect(self.address, serde_json::json!({"token": token})).await
    }

    /// Another socket, whose first message is this.
    pub async fn socket_with(&self, init: serde_json::Value) -> Socket {
        Socket::connect(self.address, init).await
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> String {
        let answer = self.http.get(format!("{}/metrics", self.url())).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }

    /// One of them, by its name and labels; 0 while there is none.
    pub async fn metric(&self, name: &str) -> u64 {
        let metrics = self.metrics().await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// What a signal to stop begins.
    pub fn stop(&self) {
        let _ = self.shutdown.send(true);
    }

    /// Runs everything that is due by the test's clock, and nothing fails.
    pub async fn run_jobs(&self) -> usize {
        let tally = self.try_jobs().await;
        assert_eq!((tally.failed, tally.dead), (0, 0), "jobs failed");
        tally.done
    }

    /// As `run_jobs`, where some may fail.
    pub async fn try_jobs(&self) -> Tally {
        service::job::worker::run_due(&self.node.app).await.unwrap()
    }

    /// Everything in the database: on PostgreSQL as a superuser, whom row-level security does not hold.
    pub async fn admin(&self) -> &DatabaseConnection {
        let connect = async || match &self.place.admin_url {
            Some(url) => {
                let mut options = ConnectOptions::new(url);
                options.max_connections(2).sqlx_logging(false);
                Database::connect(options).await.unwrap()
            }
            None => self.node.app.db.writer().clone(),
        };
        self.admin.get_or_init(connect).await
    }

    /// What was sent to an address last.
    pub async fn message_to(&self, address: &str) -> service::notify::Message {
        let outbox = self.node.app.outbox.as_ref().unwrap();
        for _ in 0..200 {
            let mut messages = outbox.messages().into_iter().map(|(_, message)| message);
            if let Some(message) = messages.find(|message| message.to.address() == address) {
                return message;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("nothing was sent to {address}");
    }

    /// Until one of the messages to an address says this.
    pub async fn until_told(&self, address: &str, words: &str) {
        let outbox = self.node.app.outbox.as_ref().unwrap();
        for _ in 0..200 {
            let mut messages = outbox.messages().into_iter().map(|(_, message)| message);
            if messages
                .any(|message| message.to.address() == address && message.text.contains(words))
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("nobody told {address} of {words}");
    }

    /// The six digits in it.
    pub async fn code_sent_to(&self, address: &str) -> String {
        let text = self.message_to(address).await.text;
        text.split_whitespace().next().unwrap().to_owned()
    }

    /// The token of the link in it.
    pub async fn token_sent_to(&self, address: &str) -> String {
        let text = self.message_to(address).await.text;
        let (_, rest) = text.split_once("?token=").unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// What an authenticator app with this secret shows now.
    pub fn totp(&self, secret: &str) -> String {
        let secret = totp_rs::Secret::Encoded(secret.to_owned()).to_bytes().unwrap();
        let app = totp_rs::TOTP::new(totp_rs::Algorithm::SHA1, 6, 1, 30, secret).unwrap();
        app.generate(u64::try_from(self.node.app.now().timestamp()).unwrap())
    }

    /// Raw SQL, as an attacker or a bug would send it.
    pub async fn sql(&self, statement: &str) -> Result<u64, sea_orm::DbErr> {
        let done = self.admin().await.execute_unprepared(statement).await?;
        Ok(done.rows_affected())
    }

    pub async fn count(&self, statement: &str) -> i64 {
        let statement =
            sea_orm::Statement::from_string(self.node.app.db.backend(), statement.to_owned());
        let reader = match &self.place.admin_url {
            Some(_) => self.admin().await,
            None => self.node.app.db.reader(),
        };
        let row = reader.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Every invariant holds.
    pub async fn assert_sound(&self) {
        let broken: Vec<_> = service::invariant::check(&self.node.app)
            .await
            .unwrap()
            .into_iter()
            .filter(|f| f.count > 0)
            .collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = self.shutdown.send(true);
    }
}
