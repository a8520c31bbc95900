//! The audit log: what staff change leaves a line with the change itself, which nobody can alter, and only owners read.

use chrono::Duration;
use entity::user::Role;
use rstest::rstest;
use service::ctx::Actor;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key, text,
};

const LINES: &str =
    "actorKind actorId actorRole address userAgent requestId action subjectKind subjectId
    occurredAt changes { field before after }";

/// A call with headers that say who and which it is.
pub async fn post(client: &Client, request: &str, query: &str, variables: Value) -> Value {
    let call = client.http.post(format!("{}/graphql", client.url));
    let call = call.bearer_auth(client.token().unwrap()).header("x-request-id", request);
    let call = call.header("user-agent", "Dashboard/7");
    let answer = call.json(&json!({"query": query, "variables": variables})).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The newest lines that match.
pub async fn lines(reader: &Client, filter: Value) -> Vec<Value> {
    let document = format!(
        "query($filter: AuditLogFilter) {{ auditLog(first: 100, filter: $filter) {{ nodes {{ {LINES} }} }} }}"
    );
    let log = reader.query(&document, json!({"filter": filter})).await;
    log["auditLog"]["nodes"].as_array().unwrap().clone()
}

async fn count(app: &TestApp) -> i64 {
    app.count("SELECT count(*) FROM audit_entry").await
}

async fn id_of(client: &Client) -> Value {
    client.query("{ me { id } }", json!({})).await["me"]["id"].clone()
}

/// The changes of one line, as `field: before -> after`.
pub fn changes(line: &Value) -> Vec<String> {
    let shown = |value: &Value| value.as_str().unwrap_or("null").to_owned();
    let changes = line["changes"].as_array().unwrap().iter();
    let told = changes.map(|c| {
        format!("{}: {} -> {}", text(&c["field"]), shown(&c["before"]), shown(&c["after"]))
    });
    told.collect()
}

#[rstest]
#[tokio::test]
async fn a_line_says_who_did_what_from_where(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let staff = fleet.staff(&app).await;
    let input =
        json!({"name": "Ann Example", "email": "ann@example.com", "phone": "+254700123456"});
    let made = staff.mutate("createCustomer", "customer { id }", input).await.ok();
    let customer = made["customer"]["id"].clone();

    let document = "mutation($input: UpdateCustomerInput!) {
        updateCustomer(input: $input) { userErrors { code } } }";
    let input = json!({"customerId": customer, "blocked": true, "rentalLimit": 3, "phone": null});
    post(&staff, "request-7", document, json!({"input": input})).await;

    let lines = lines(&fleet, json!({"subjectId": customer})).await;
    let [blocked, created] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(blocked["action"], "customer.block");
    assert_eq!(blocked["actorKind"], "STAFF");
    assert_eq!(blocked["actorId"], id_of(&staff).await);
    assert_eq!(blocked["actorRole"], "STAFF");
    assert_eq!(blocked["address"], "127.0.0.1");
    assert_eq!(blocked["userAgent"], "Dashboard/7");
    assert_eq!(blocked["requestId"], "request-7");
    assert_eq!(blocked["subjectKind"], "customer");
    assert_eq!(blocked["occurredAt"], "2035-01-01T12:00:00Z");
    assert_eq!(
        changes(blocked),
        [
            "blockedAt: null -> 2035-01-01T12:00:00Z",
            "phone: +2547…56 -> null",
            "rentalLimit: null -> 3"
        ]
    );
    assert_eq!(created["action"], "customer.create");
    assert_eq!(
        changes(created),
        ["email: null -> a…@example.com", "name: null -> A… E…", "phone: null -> +2547…56",]
    );
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn one_call_may_change_several_objects(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (near, far) = (fleet.station(5).await, fleet.station(5).await);
    let vehicles = [fleet.vehicle_at(&near).await, fleet.vehicle_at(&near).await];

    let document = "mutation($input: MoveVehiclesInput!) {
        moveVehicles(input: $input) { userErrors { code } } }";
    let input = json!({"vehicleIds": vehicles, "to": {"stationId": far}});
    post(&fleet, "truck", document, json!({"input": input})).await;
    let moved = lines(&fleet, json!({"requestId": "truck"})).await;
    let mut subjects: Vec<_> = moved.iter().map(|line| text(&line["subjectId"])).collect();
    subjects.reverse();
    assert_eq!(subjects, vehicles);
    let to_the_other = format!("stationId: {near} -> {far}");
    assert!(moved.iter().all(|line| changes(line).contains(&to_the_other)), "{moved:#?}");

    // The one that was the default is so no more, and that is told too.
    let input = json!({"name": "Other", "isDefault": true, "terms": {"currency": "EUR"}});
    fleet.mutate("createTariff", "tariff { id }", input).await.ok();
    let was = lines(&fleet, json!({"subjectId": fleet.tariff})).await;
    assert_eq!(changes(&was[0]), ["isDefault: true -> false"]);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_did_not_happen_leaves_no_line(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (station, free, ridden) =
        (fleet.station(5).await, fleet.vehicle().await, fleet.vehicle().await);
    fleet.rider(&app).await.start_rental(&ridden).await.ok();
    let before = count(&app).await;

    let missing = json!({"stationId": "station_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f"});
    assert_eq!(fleet.mutate("archiveStation", "station { id }", missing).await.code(), "NOT_FOUND");
    let taken = json!({"name": "X", "shortCode": "S", "capacity": -1,
        "position": {"latitude": 1, "longitude": 1}});
    assert_eq!(
        fleet.mutate("createStation", "station { id }", taken).await.code(),
        "INVALID_INPUT"
    );
    // The first of the two has been moved when the second refuses.
    let both = json!({"vehicleIds": [free, ridden], "to": {"stationId": station}});
    let refused = fleet.mutate("moveVehicles", "vehicles { id }", both).await;
    assert_eq!(refused.code(), "VEHICLE_STATE_CONFLICT");

    assert_eq!(count(&app).await, before);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_change_and_its_line_are_kept_together_or_not_at_all(
    #[values(Embedded, Production)] shape: Shape,
    #[values("at the line", "at the commit")] fails: &str,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (lines, stations) = (count(&app).await, app.count("SELECT count(*) FROM station").await);
    let sabotage: &[&str] = match (shape, fails) {
        (Embedded, "at the line") => &["CREATE TRIGGER sabotage BEFORE INSERT ON audit_entry
            BEGIN SELECT RAISE(ABORT, 'sabotage'); END"],
        (Embedded, _) => &[
            "CREATE TABLE whole (id INTEGER PRIMARY KEY)",
            "CREATE TABLE part (id INTEGER REFERENCES whole (id) DEFERRABLE INITIALLY DEFERRED)",
            "CREATE TRIGGER sabotage AFTER INSERT ON audit_entry BEGIN INSERT INTO part VALUES (1); END",
        ],
        (Production, _) => &[
            "CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'sabotage'; END $$",
            if fails == "at the line" {
                "CREATE TRIGGER sabotage BEFORE INSERT ON audit_entry EXECUTE FUNCTION sabotage()"
            } else {
                "CREATE CONSTRAINT TRIGGER sabotage AFTER INSERT ON audit_entry
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sabotage()"
            },
        ],
    };
    for statement in sabotage {
        app.sql(statement).await.unwrap();
    }

    let input = json!({"name": "New", "shortCode": "NEW", "capacity": 3,
        "position": {"latitude": 55.5, "longitude": 12.5}});
    let failed = fleet.mutate("createStation", "station { id }", input).await;
    assert_eq!(failed.error(), "INTERNAL_SERVER_ERROR");

    assert_eq!(count(&app).await, lines);
    assert_eq!(app.count("SELECT count(*) FROM station").await, stations);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn nobody_changes_what_is_written(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let columns = "tenant_id, id, occurred_at, actor_kind, actor_id, action, subject_kind, subject_id, changes";
    let mut attempts = vec![
        "UPDATE audit_entry SET actor_id = 'nobody'".to_owned(),
        "DELETE FROM audit_entry".to_owned(),
    ];
    attempts.extend(match shape {
        Embedded => vec![
            format!("INSERT OR REPLACE INTO audit_entry ({columns}) SELECT {columns} FROM audit_entry"),
            format!("INSERT OR REPLACE INTO audit_entry (rowid, {columns}) SELECT rowid, tenant_id, randomblob(16),
                occurred_at, actor_kind, 'nobody', action, subject_kind, subject_id, changes FROM audit_entry"),
            "UPDATE OR REPLACE audit_entry SET actor_id = 'nobody'".to_owned(),
        ],
        Production => vec![
            "TRUNCATE audit_entry".to_owned(),
            "TRUNCATE tenant CASCADE".to_owned(),
            format!("INSERT INTO audit_entry ({columns}) SELECT {columns} FROM audit_entry
                ON CONFLICT (tenant_id, id) DO UPDATE SET actor_id = 'nobody'"),
            "SET session_replication_role = replica; DELETE FROM audit_entry".to_owned(),
        ],
    });
    let before = lines(&fleet, json!({})).await;
    assert!(before.len() > 1);
    for attempt in attempts {
        let error = app.sql(&attempt).await.unwrap_err().to_string();
        assert!(error.contains("audit_entry is append-only"), "{attempt}: {error}");
        assert_eq!(lines(&fleet, json!({})).await, before, "{attempt}");
    }
    // It goes on.
    fleet.station(1).await;
    assert_eq!(lines(&fleet, json!({})).await.len(), before.len() + 1);
}

#[rstest]
#[tokio::test]
async fn a_repeated_call_is_told_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, customer) = (fleet.vehicle().await, fleet.rider(&app).await.customer.clone());
    let input = json!({"vehicleId": vehicle, "customerId": customer, "idempotencyKey": key()});
    let mut rentals = Vec::new();
    for _ in 0..3 {
        let started = fleet.mutate("startRental", "rental { id }", input.clone()).await.ok();
        rentals.push(started["rental"]["id"].clone());
    }
    assert!(rentals.iter().all(|id| *id == rentals[0]));

    let told = lines(&fleet, json!({"action": "rental.start"})).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["subjectId"], rentals[0]);
    let told = changes(&told[0]);
    assert!(told.contains(&format!("customerId: null -> {customer}")), "{told:#?}");
    // The terms are those of the tariff that it names.
    assert!(!told.iter().any(|change| change.starts_with("terms")), "{told:#?}");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn riders_and_the_clock_are_not_told(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (station, held, ridden) =
        (fleet.station(5).await, fleet.vehicle().await, fleet.vehicle().await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let before = count(&app).await;

    let rental = text(&ann.start_rental(&ridden).await.ok()["rental"]["id"]);
    ann.end_rental(&rental, &station).await.ok();
    ben.reserve(&held).await.ok();
    app.advance(Duration::minutes(16));
    app.run_jobs().await;

    assert_eq!(fleet.state(&held).await, "AVAILABLE");
    assert_eq!(count(&app).await, before);
}

#[rstest]
#[tokio::test]
async fn writes_at_the_same_time_each_leave_their_line(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let before = count(&app).await;
    let made = (0..30).map(|number| {
        let input = json!({"name": format!("Customer {number}")});
        fleet.mutate("createCustomer", "customer { id }", input)
    });
    let made = futures_util::future::join_all(made).await;
    let mut ids: Vec<_> = made.iter().map(|made| text(&made.ok()["customer"]["id"])).collect();
    let told = lines(&fleet, json!({"action": "customer.create"})).await;
    let mut told: Vec<_> = told.iter().map(|line| text(&line["subjectId"])).collect();
    ids.sort();
    told.sort();
    assert_eq!(told, ids);
    assert_eq!(count(&app).await, before + 30);
    app.assert_sound().await;
}

/// A secret that a row has is not in the log, in no form.
#[rstest]
#[tokio::test]
async fn secrets_are_not_told(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut ctx = fleet.system();
    ctx.actor = Actor::Staff { user: app.node.app.new_id(), role: Role::Owner };
    let users = entity::user::Entity::of(fleet.tenant.id);
    let before = users.one(app.node.app.db.reader()).await.unwrap().unwrap();
    let hash = before.password_hash.clone().unwrap();
    let after = entity::user::Model { password_hash: Some("$argon2id$other".to_owned()), ..before };
    let before = entity::user::Model { totp_secret: Some(vec![7; 20]), ..after.clone() };
    let before = entity::user::Model { password_hash: Some(hash.clone()), ..before };
    let (before, after) = (&before, &after);
    ctx.write(|tx| async move { tx.audit("user.reset_password", Some(before), Some(after)) })
        .await
        .unwrap();

    let line = lines(&fleet, json!({"action": "user.reset_password"})).await.remove(0);
    assert_eq!(changes(&line), ["passwordHash: *** -> ***", "totpSecret: *** -> null"]);
    for secret in [hash.as_str(), "$argon2id$other", "[7"] {
        let like = format!(
            "SELECT count(*) FROM audit_entry WHERE CAST(changes AS TEXT) LIKE '%{secret}%'"
        );
        assert_eq!(app.count(&like).await, 0, "{secret}");
    }
}
