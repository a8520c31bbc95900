//! A tenant whose every text is marked, and a whole run as another: no answer, event, log line or page shows the mark.

mod mark;

use std::{path::PathBuf, time::Duration};

use rstest::rstest;
use sea_orm::{ConnectionTrait, Statement};
use tests::{
    Client, Fleet, Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, json,
    process::Process,
    text,
};

use super::{
    catalogue::literal,
    door::{Door, comparable},
    objects::Tenant,
    sdl::{Call, Leaf, Sdl},
    stream,
};

/// A socket that reads nothing for most of a minute is taken for dead.
const SHORTLY: Duration = Duration::from_millis(50);

/// In small letters, as addresses and slugs are written; and as a phone number.
const MARKS: [&str; 2] = ["canary", "70470470470"];

/// Columns of text that hold no words of a tenant, and why.
const WORDLESS: &[(&str, &str)] = &[
    ("consumer.name", "the platform's own name of a reader"),
    ("api_client.kind", "an enumeration"),
    ("api_client.scopes", "enumerations"),
    ("api_key.scopes", "enumerations"),
    ("manifest.published_by", "an id"),
    ("operation.kind", "an enumeration"),
    ("api_key.prefix", "the beginning of random bytes"),
    ("audit_entry.action", "a kind and a verb"),
    ("audit_entry.actor_id", "an id"),
    ("audit_entry.actor_kind", "an enumeration"),
    ("audit_entry.address", "an address of the network"),
    ("audit_entry.request_id", "made by the client or at random"),
    ("audit_entry.role", "an enumeration"),
    ("audit_entry.subject_id", "an id"),
    ("audit_entry.subject_kind", "an enumeration"),
    ("dead_job.error", "the platform's own words"),
    ("dead_job.job_id", "a number in the queue"),
    ("dead_job.name", "the name of a job"),
    ("dead_job.payload", "the name of a job, and ids"),
    ("dead_job.queue", "an enumeration"),
    ("dead_job.subject", "an id"),
    ("job_lease.name", "the name of a job"),
    ("invitation.role", "an enumeration"),
    ("one_time_code.purpose", "an enumeration"),
    ("event.actor", "an id, or the name of a job"),
    ("event.kind", "an enumeration"),
    ("account.currency", "an ISO code"),
    ("account.holder", "a customer's id, or the name of a provider"),
    ("account.kind", "an enumeration"),
    ("transfer.currency", "an ISO code"),
    ("transfer.kind", "an enumeration"),
    ("transfer.phase", "an enumeration"),
    ("transfer.reference", "ids, and names of acts"),
    ("idempotency.answer", "ids, amounts and times of the first answer"),
    ("idempotency.operation", "the name of a mutation"),
    ("idempotency.principal", "an id"),
    ("price_line.kind", "an enumeration"),
    ("payment.currency", "an ISO code"),
    ("payment.provider", "an enumeration"),
    ("payment.purpose", "an enumeration"),
    ("payment.state", "an enumeration"),
    ("payment.next_action", "a provider's address or secret for the payer"),
    ("payment_attempt.answer", "the payment once more; told as a payment"),
    ("provider_account.offers", "ISO codes and numbers"),
    ("payment_attempt.state", "an enumeration"),
    ("payment_attempt.verb", "an enumeration"),
    ("provider_account.provider", "an enumeration"),
    ("refund.currency", "an ISO code"),
    ("refund.state", "an enumeration"),
    ("webhook.event_id", "a provider's name of a message; told to nobody"),
    ("webhook.event_type", "a provider's word for a kind of message; told to nobody"),
    ("webhook.provider", "an enumeration"),
    ("receipt.currency", "an ISO code"),
    ("receipt.kind", "an enumeration"),
    ("receipt.lines", "words of ours, and amounts"),
    ("receipt.number", "a year and a number"),
    ("receipt.original_number", "a year and a number"),
    ("receipt.provider", "an enumeration"),
    ("receipt.taxes", "numbers"),
    ("receipt.time_zone", "the name of a time zone"),
    ("rental.currency", "an ISO code"),
    ("rental.imported_from", "only of imported rentals: the name of a file's format"),
    ("rental.state", "an enumeration"),
    ("rental.terms", "numbers, and an ISO code"),
    ("session.address", "an address of the network"),
    ("station.available_by_type", "counts by id"),
    ("tariff.currency", "an ISO code"),
    ("tariff.terms", "numbers"),
    ("user.password_hash", "a hash"),
    ("user.role", "an enumeration"),
    ("vehicle.prior_state", "an enumeration"),
    ("vehicle.state", "an enumeration"),
    ("vehicle_event.actor", "an id, or the name of a job"),
    ("vehicle_event.event_types", "enumerations"),
    ("vehicle_event.state", "an enumeration"),
    ("vehicle_event.state_before", "an enumeration"),
    ("vehicle_type.form_factor", "an enumeration"),
    ("vehicle_type.propulsion_type", "an enumeration"),
];

/// What was seen as somebody of one tenant, to be searched for what is another's.
struct Run {
    sdl: Sdl,
    marks: Vec<String>,
    found: Vec<String>,
    searched: usize,
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_marked_tenant_is_seen_by_another(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let ours = Tenant::create(&app, "Velo Nord").await;
    let theirs = Tenant::create(&app, "Canary").await;
    mark::mark(&app, &theirs.fleet).await;
    mark::mark_by_sql(&app, shape, &theirs.fleet).await;
    every_text_is_marked(&app, shape, &theirs.fleet).await;

    let log = app.place.folder.join("log");
    let node = node(&app, log.clone()).await;
    let callers = [
        signed_in(&node, &ours, &ours.fleet.owner).await,
        signed_in(&node, &ours, &ours.rider.client).await,
    ];
    let mut run = Run::new(&theirs);
    // Whoever may see the marks finds them.
    run.ask_for_ours(&node, &signed_in(&node, &theirs, &theirs.fleet.owner).await, &theirs).await;
    assert!(run.found.len() > 50, "only {:?}", run.found);
    run.found.clear();
    let mut sockets = Vec::new();
    for caller in &callers {
        sockets.push(run.listen(&node, caller, &ours).await);
    }
    for caller in &callers {
        run.ask_for_ours(&node, caller, &ours).await;
        run.hear(&mut sockets, SHORTLY).await;
        run.ask_for_theirs(caller, &ours, &theirs).await;
        run.hear(&mut sockets, SHORTLY).await;
    }
    run.look_around(&node, &ours).await;
    run.hear(&mut sockets, SHORTLY).await;
    mark::mark(&app, &theirs.fleet).await;
    stream::everything_happens(&app, &theirs.fleet).await;
    run.hear(&mut sockets, Duration::from_secs(2)).await;
    // Only now is all of it in the log.
    assert_eq!(node.terminate().await, Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.lines().count() > 10, "nothing was logged");
    // Ids of tenants and their objects are what a log is searched by; words are not.
    run.search(&log, &MARKS.map(ToOwned::to_owned), "the log");
    assert!(run.found.is_empty(), "{} times:\n{}", run.found.len(), run.found.join("\n"));
    assert!(run.searched > 200, "only {} answers were searched", run.searched);
}

/// Somebody at the other node, whose clock is another one: the tokens of this one are not of its time.
async fn signed_in(node: &Process, tenant: &Tenant, caller: &Client) -> Client {
    let me = caller.query("{ me { email } }", json!({})).await["me"]["email"].clone();
    let input = json!({"tenant": tenant.fleet.slug, "email": me, "password": "correct horse"});
    let session = node.client(None).mutate("signIn", "accessToken", input).await.ok();
    node.client(Some(text(&session["accessToken"])))
}

impl Run {
    fn new(theirs: &Tenant) -> Self {
        let ids = theirs.objects.iter().map(|(_, id)| id.rsplit_once('_').unwrap().1.to_owned());
        let marks = MARKS.map(ToOwned::to_owned).into_iter().chain(ids).collect();
        Self { sdl: Sdl::read(), marks, found: Vec::new(), searched: 0 }
    }

    fn search(&mut self, seen: &str, marks: &[String], place: &str) {
        self.searched += 1;
        let small = seen.to_lowercase();
        for mark in marks {
            if let Some(at) = small.find(mark.as_str()) {
                let around: String = small[at.saturating_sub(200)..].chars().take(400).collect();
                self.found.push(format!("{mark} in {place}: {around}"));
            }
        }
    }

    /// Every field as its callers call it, by HTTP and over a socket.
    async fn ask_for_ours(&mut self, node: &Process, caller: &Client, ours: &Tenant) {
        let socket = Socket::connect(node.address(), json!({"token": caller.token()})).await;
        let mut doors = [Door::Http(caller.clone()), Door::Websocket(Box::new(socket))];
        for (parent, field) in self.fields() {
            let depth = if parent == "Mutation" { 1 } else { 2 };
            let call = self.sdl.plain(&parent, &field, &ours.objects, depth);
            for door in &mut doors {
                let answer = door.call(&call).await.to_string();
                let marks = self.marks.clone();
                self.search(&answer, &marks, &call.document);
            }
        }
    }

    /// Everything that can be called, but what ends the session that calls.
    fn fields(&self) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = ["Query", "Mutation"]
            .iter()
            .flat_map(|root| {
                let fields = self.sdl.fields(root).into_iter();
                fields.map(|field| ((*root).to_owned(), field.name.node.to_string()))
            })
            .collect();
        let below = self.sdl.slots().into_iter().map(|slot| (slot.parent, slot.field));
        fields.extend(below.filter(|(parent, _)| parent != "Subscription"));
        fields.sort();
        fields.dedup();
        let ends = ["signOut", "revokeSession", "resetSecondFactor"];
        fields.retain(|(_, field)| !ends.iter().any(|end| field.starts_with(end)));
        fields
    }

    /// What a caller sends may come back, so only words count here.
    async fn ask_for_theirs(&mut self, caller: &Client, ours: &Tenant, theirs: &Tenant) {
        for slot in self.sdl.slots() {
            if slot.leaf != Leaf::Id || slot.parent == "Subscription" {
                continue;
            }
            for (_, id) in theirs.objects.iter() {
                let call = self.sdl.call(&slot, &json!(id), &ours.objects, 1);
                let answer = caller.send(&call.document, call.variables.clone()).await.body;
                let answer = comparable(answer).to_string();
                self.search(&answer, &MARKS.map(ToOwned::to_owned), &call.document);
            }
        }
    }

    /// What is there for everybody.
    async fn look_around(&mut self, node: &Process, ours: &Tenant) {
        let http = reqwest::Client::new();
        for page in ["/metrics", "/readyz", "/healthz", "/version", "/graphiql", "/nowhere"] {
            let answer = http.get(format!("{}{page}", node.url())).send().await.unwrap();
            let headers = format!("{:?}", answer.headers());
            let seen = headers + &answer.text().await.unwrap();
            let marks = self.marks.clone();
            self.search(&seen, &marks, page);
        }
        let anonymous = Client { tenant: Some(ours.fleet.slug.clone()), ..node.client(None) };
        for field in self.sdl.fields("Query") {
            let call = self.sdl.plain("Query", &field.name.node, &ours.objects, 2);
            let answer =
                anonymous.send(&call.document, call.variables.clone()).await.body.to_string();
            self.searched += 1;
            assert!(!MARKS.iter().any(|mark| answer.contains(mark)), "{answer}");
        }
    }

    async fn listen(&mut self, node: &Process, caller: &Client, ours: &Tenant) -> Socket {
        let mut socket = Socket::connect(node.address(), json!({"token": caller.token()})).await;
        for (number, field) in self.sdl.fields("Subscription").iter().enumerate() {
            let Call { document, variables } =
                self.sdl.plain("Subscription", &field.name.node, &ours.objects, 2);
            socket.subscribe(&number.to_string(), &document, variables).await;
        }
        socket
    }

    async fn hear(&mut self, sockets: &mut [Socket], patience: Duration) {
        for socket in sockets {
            while let Some(frame) = socket.frame_within(patience).await {
                let marks = self.marks.clone();
                self.search(&format!("{frame:?}"), &marks, "an event");
                assert!(matches!(frame, Frame::Message(_)), "{frame:?}");
            }
        }
    }
}

/// The binary itself, because its log is one of the places.
async fn node(app: &TestApp, log: PathBuf) -> Process {
    let mut settings = app.place.settings();
    settings.push(("BIKELEASE_DEMO", "false".to_owned()));
    settings.push(("BIKELEASE_LOG", "debug".to_owned()));
    settings.push(("BIKELEASE_LOG_FORMAT", "json".to_owned()));
    Process::serve_with_log(&settings, &[], &log).await
}

/// A new column of text needs the mark, or a reason why it holds no words.
async fn every_text_is_marked(app: &TestApp, shape: Shape, fleet: &Fleet) {
    let columns = match shape {
        Embedded => {
            "SELECT m.name || '.' || c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'
             AND c.type = 'TEXT' AND c.name NOT LIKE '%\\_at' ESCAPE '\\' AND c.name NOT LIKE '%\\_until' ESCAPE '\\'
             AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) t WHERE t.name = 'tenant_id')"
        }
        Production => {
            "SELECT table_name || '.' || column_name AS c FROM information_schema.columns c WHERE table_schema = 'public'
             AND data_type IN ('text', 'jsonb', 'character varying', 'ARRAY') AND EXISTS (SELECT 1
             FROM information_schema.columns t WHERE t.table_schema = 'public' AND t.table_name = c.table_name
             AND t.column_name = 'tenant_id')"
        }
    };
    let db = app.admin().await;
    let statement = Statement::from_string(db.get_database_backend(), columns);
    let rows = db.query_all_raw(statement).await.unwrap();
    let tenant = literal(shape, &fleet.tenant.id.to_string());
    let mut bare = Vec::new();
    for row in rows {
        let place: String = row.try_get("", "c").unwrap();
        let (table, column) = place.split_once('.').unwrap();
        let marked = app
            .count(&format!(
                "SELECT count(*) FROM \"{table}\" WHERE tenant_id = {tenant} AND (lower(CAST(\"{column}\" AS TEXT)) LIKE '%{}%'
                 OR CAST(\"{column}\" AS TEXT) LIKE '%{}%')",
                MARKS[0], MARKS[1]
            ))
            .await;
        if marked == 0 && !WORDLESS.iter().any(|(known, _)| *known == place) {
            bare.push(place);
        }
    }
    assert!(
        bare.is_empty(),
        "mark these in tenancy/canary.rs, or say why they hold no words: {bare:?}"
    );
    assert!(text(&json!(fleet.slug)).contains(MARKS[0]));
}
