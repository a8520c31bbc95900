//! Registered operations: published together, called by their hash, and by nothing else where a key is shown.

use std::time::{Duration, Instant};

use rstest::rstest;
use tests::{
    Client, Fleet, Frame, Partner,
    Shape::{self, Embedded, Production},
    TestApp, Value, document_id, json, manifest, text,
};

const STATIONS: &str =
    "query Stations($first: Int) { stations(first: $first) { nodes { name } totalCount } }";
const TYPES: &str = "query Types { vehicleTypes { nodes { name } } }";
const CUSTOMERS: &str = "query Customers { customers { nodes { name } } }";
const BOARD: &str = "subscription Board($ids: [ID!]) { stationAvailability(stationIds: $ids) { station { name } } }";
const EVENTS: &str = "subscription Events { fleetEvents { kind } }";

const READS: &[&str] = &["BOARD_READ", "VEHICLES_READ"];

/// What a call cannot find must be gone by then.
const SOON: Duration = Duration::from_secs(2);

async fn partner(fleet: &Fleet, documents: &[&str]) -> Partner {
    let partner = fleet.partner(READS, json!({})).await;
    fleet.publish(&partner.id, documents).await;
    partner
}

fn refused(answer: &tests::Answer) -> Vec<Value> {
    assert_eq!(answer.code(), "OPERATIONS_REFUSED");
    answer.payload()["refused"].as_array().unwrap().clone()
}

#[rstest]
#[tokio::test]
async fn both_kinds_of_manifest_are_read(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = partner(&fleet, &[STATIONS]).await;
    partner.call(STATIONS, json!({})).await.payload();

    let bare = document_id(TYPES).replace("sha256:", "");
    let apollo = json!({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
        {"id": bare, "name": "Types", "type": "query", "body": TYPES}]});
    let answer = fleet.try_publish(&partner.id, &apollo.to_string()).await;
    assert_eq!(answer.ok()["manifest"]["version"], 2);
    partner.call(TYPES, json!({})).await.payload();

    let document =
        "query($id: ID!) { apiClient(id: $id) { manifests { nodes { version publishedBy retiredAt
        operations { nodes { documentId name kind cost document } } } } } }";
    let shown = fleet.query(document, json!({"id": partner.id})).await;
    let versions = &shown["apiClient"]["manifests"]["nodes"];
    assert!(text(&versions[0]["publishedBy"]).starts_with("user_"));
    let one = json!({"documentId": document_id(STATIONS), "name": "Stations", "kind": "QUERY", "cost": 305,
        "document": STATIONS});
    assert_eq!(versions[1]["operations"]["nodes"], json!([one]));
}

#[rstest]
#[tokio::test]
async fn what_is_wrong_is_said_with_its_line_and_nothing_is_published(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(READS, json!({})).await;
    let cases = [
        ("query A {\n  stations { nodes { nmae } }\n}", "Unknown field \"nmae\"", Some((2, 22))),
        ("query A {\n  stations(", "expected", Some((2, 12))),
        ("{ stations { totalCount } }", "no name", Some((1, 1))),
        ("query A { me { id } } query B { me { id } }", "exactly one operation", None),
        ("query A { stations(frist: 1) { totalCount } }", "Unknown argument", Some((1, 20))),
        ("query A { ...F } fragment F on Query { ...F }", "spreads itself", None),
    ];
    for (document, reason, place) in cases {
        let answer = fleet.try_publish(&partner.id, &manifest(&[STATIONS, document])).await;
        let found = refused(&answer);
        assert_eq!(found.len(), 1, "{document}: {found:#?}");
        assert!(text(&found[0]["reason"]).contains(reason), "{document}: {found:#?}");
        let (line, column) = place.unzip();
        let told = (found[0]["line"].clone(), found[0]["column"].clone());
        assert_eq!(told, (json!(line), json!(column)), "{document}");
    }
    assert_eq!(app.count("SELECT count(*) FROM operation").await, 0);
    assert_eq!(partner.call(STATIONS, json!({})).await.error(), "PERSISTED_QUERY_NOT_FOUND");
}

#[rstest]
#[tokio::test]
async fn an_id_must_be_the_hash_of_its_text(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(READS, json!({})).await;
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let other = document_id(TYPES);
    for (id, reason) in [(md5, "SHA256"), (other.as_str(), "not the SHA-256 of its text")] {
        let manifest = json!({id: STATIONS}).to_string();
        let found = refused(&fleet.try_publish(&partner.id, &manifest).await);
        assert!(text(&found[0]["reason"]).contains(reason), "{found:#?}");
        assert_eq!(found[0]["operation"], id);
    }
    let entry = |name: &str, kind: &str| {
        let operation =
            json!({"id": document_id(STATIONS), "name": name, "type": kind, "body": STATIONS});
        json!({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}).to_string()
    };
    for wrong in [entry("Other", "query"), entry("Stations", "mutation")] {
        assert_eq!(refused(&fleet.try_publish(&partner.id, &wrong).await).len(), 1);
    }
    let twin = "query Stations { stations { totalCount } }";
    assert_eq!(
        refused(&fleet.try_publish(&partner.id, &manifest(&[STATIONS, twin])).await).len(),
        1
    );
    for wrong in ["", "[]", "{}", r#"{"format": "other"}"#] {
        let answer = fleet.try_publish(&partner.id, wrong).await;
        assert_eq!(
            (answer.code().as_str(), answer.field()),
            ("INVALID_INPUT", json!(["manifest"]))
        );
    }
}

/// The guard stands in front of the parser at this door too.
#[rstest]
#[tokio::test]
async fn what_would_hurt_the_server_is_not_registered(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(READS, json!({})).await;
    let nested = format!("query A {{ a(b: {}{}) }}", "[".repeat(2_000), "]".repeat(2_000));
    let doubling = (1..30).map(|n| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }} ", n - 1));
    let bomb = format!(
        "query A {{ ...F29 }} {} fragment F0 on Query {{ me {{ id }} }}",
        doubling.collect::<String>()
    );
    let aliases: String = (0..40).map(|n| format!("a{n}: me {{ id }} ")).collect();
    let cases = [
        (nested, "nested deeper"),
        (bomb, "selects more than"),
        (format!("query A {{ {aliases} }}"), "aliases"),
        (format!("query A {{ me {{ id {} }} }}", "@skip(if: false) ".repeat(40)), "directives"),
        (format!("query A {{ me {{ id }} }} #{}", "-".repeat(70_000)), "longer than"),
        ("query A { ".to_owned() + &"me ".repeat(5_000), "tokens"),
    ];
    for (document, reason) in cases {
        let found = refused(&fleet.try_publish(&partner.id, &manifest(&[&document])).await);
        assert!(text(&found[0]["reason"]).contains(reason), "{reason}: {found:#?}");
    }
    fleet.publish(&partner.id, &[STATIONS]).await;
}

#[rstest]
#[tokio::test]
async fn old_versions_can_be_called_until_they_are_retired(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = partner(&fleet, &[STATIONS, TYPES]).await;
    assert_eq!(fleet.publish(&partner.id, &[TYPES]).await, 2);
    assert_eq!(fleet.publish(&partner.id, &[TYPES]).await, 2, "the same again is no new version");
    for document in [STATIONS, TYPES] {
        partner.call(document, json!({})).await.payload();
    }

    fleet.retire(&partner.id, 1).await.ok();
    let retired = Instant::now();
    while partner.call(STATIONS, json!({})).await.body["errors"].is_null() {
        assert!(retired.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(partner.call(STATIONS, json!({})).await.error(), "PERSISTED_QUERY_NOT_FOUND");
    partner.call(TYPES, json!({})).await.payload();
    assert_eq!(fleet.retire(&partner.id, 7).await.code(), "NOT_FOUND");
    fleet.retire(&partner.id, 2).await.ok();
    assert_eq!(fleet.publish(&partner.id, &[TYPES]).await, 3, "a retired version stays retired");
}

#[rstest]
#[tokio::test]
async fn versions_that_are_published_at_once_have_numbers_of_their_own(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(READS, json!({})).await;
    let documents: Vec<String> = (1..=6)
        .map(|n| format!("query A{n} {{ stations(first: {n}) {{ totalCount }} }}"))
        .collect();
    let publish = async |document: &String| fleet.publish(&partner.id, &[document]).await;
    let mut versions = futures_util::future::join_all(documents.iter().map(publish)).await;
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);
}

#[rstest]
#[tokio::test]
async fn a_key_runs_registered_operations_only(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = partner(&fleet, &[STATIONS, BOARD]).await;
    let hash = document_id(STATIONS);
    let bare = hash.replace("sha256:", "");
    for body in [
        json!({"documentId": hash}),
        json!({"doc_id": bare}),
        json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": bare}}}),
        json!({"documentId": hash, "query": STATIONS, "operationName": "Stations"}),
    ] {
        partner.post(body).await.payload();
    }
    let free = partner.send(STATIONS, json!({})).await;
    assert_eq!(free.error(), "OPERATION_NOT_REGISTERED");
    let unknown =
        json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab".repeat(32)}}});
    assert_eq!(partner.post(unknown.clone()).await.error(), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(
        partner.post(json!({"documentId": "x-mine:1"})).await.error(),
        "PERSISTED_QUERY_NOT_FOUND"
    );

    // Nothing is registered on first use.
    let first_use = json!({"query": TYPES, "documentId": document_id(TYPES)});
    assert_eq!(partner.post(first_use.clone()).await.error(), "OPERATION_NOT_REGISTERED");
    assert_eq!(partner.call(TYPES, json!({})).await.error(), "PERSISTED_QUERY_NOT_FOUND");
    fleet.post(first_use).await.payload();
    assert_eq!(fleet.call(TYPES, json!({})).await.error(), "PERSISTED_QUERY_NOT_FOUND");
    let other = json!({"query": TYPES, "documentId": hash});
    assert_eq!(partner.post(other).await.error(), "BAD_REQUEST");

    let mut socket = app.socket(partner.token()).await;
    socket.subscribe("1", "subscription { stationAvailability { cursor } }", json!({})).await;
    let refused = socket.message().await;
    assert_eq!(refused["type"], "error");
    assert_eq!(refused["payload"][0]["extensions"]["code"], "OPERATION_NOT_REGISTERED");
    socket.subscribe_by_id("2", EVENTS, json!({})).await;
    let refused = socket.message().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    assert!(refused["payload"][0]["extensions"]["requestId"].is_string());
}

#[rstest]
#[tokio::test]
async fn what_one_has_registered_is_nothing_to_others(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let own = partner(&fleet, &[STATIONS]).await;
    let stranger = partner(&fleet, &[TYPES]).await;
    let abroad = partner(&other, &[TYPES]).await;
    let anyone = fleet.signed_out(&fleet.slug);
    let callers: [&Client; 4] = [&stranger, &abroad, &fleet, &anyone];
    for caller in callers {
        let answer = caller.call(STATIONS, json!({})).await;
        assert_eq!(answer.error(), "PERSISTED_QUERY_NOT_FOUND");
    }
    own.call(STATIONS, json!({})).await.payload();
}

#[rstest]
#[tokio::test]
async fn the_tenants_own_programs_register_for_everybody(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let app_client = fleet.partner(READS, json!({"kind": "FIRST_PARTY"})).await;
    fleet.publish(&app_client.id, &[STATIONS, CUSTOMERS]).await;
    let (rider, anyone) = (fleet.rider(&app).await, fleet.signed_out(&fleet.slug));
    let callers: [&Client; 3] = [&fleet, &rider, &anyone];
    for caller in callers {
        caller.call(STATIONS, json!({})).await.payload();
    }
    // With the rights of whoever calls, not of whoever registered.
    fleet.call(CUSTOMERS, json!({})).await.payload();
    assert_eq!(rider.call(CUSTOMERS, json!({})).await.error(), "FORBIDDEN");
    assert_eq!(anyone.call(CUSTOMERS, json!({})).await.error(), "UNAUTHENTICATED");
    assert_eq!(app_client.call(CUSTOMERS, json!({})).await.error(), "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn variables_are_looked_at_before_anything_happens(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ", "CUSTOMERS_WRITE"], json!({})).await;
    let twice = "mutation Twice($a: CreateCustomerInput!, $b: CreateCustomerInput!) {
        a: createCustomer(input: $a) { customer { id } } b: createCustomer(input: $b) { customer { id } } }";
    fleet.publish(&partner.id, &[STATIONS, twice]).await;
    let right = json!({"name": "Ann"});
    let wrong = [
        json!({"a": right}),
        json!({"a": right, "b": null}),
        json!({"a": right, "b": 7}),
        json!({"a": right, "b": {"name": 7}}),
        json!({"a": right, "b": {"name": "Ben", "age": 7}}),
        json!({"a": right, "b": {}}),
    ];
    for variables in wrong {
        let answer = partner.call(twice, variables.clone()).await;
        assert_eq!(answer.error(), "BAD_USER_INPUT", "{variables}");
        assert!(answer.body.get("data").is_none(), "{variables}");
    }
    assert_eq!(app.count("SELECT count(*) FROM customer").await, 0);
    partner.call(twice, json!({"a": right, "b": {"name": "Ben"}, "c": 7})).await;
    assert_eq!(app.count("SELECT count(*) FROM customer").await, 2);

    assert_eq!(partner.call(STATIONS, json!({"first": "ten"})).await.error(), "BAD_USER_INPUT");
    assert_eq!(partner.call(STATIONS, json!({"first": 101})).await.error(), "BAD_USER_INPUT");
}

#[rstest]
#[tokio::test]
async fn a_document_is_parsed_and_validated_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = partner(&fleet, &[STATIONS]).await;
    for first in 1..=20 {
        partner.call(STATIONS, json!({"first": first})).await.payload();
    }
    assert_eq!(app.metric("bikelease_operations_called_total").await, 20);
    assert_eq!(app.metric("bikelease_operations_prepared_total").await, 1);
    // The same text in a new version is the same operation.
    fleet.publish(&partner.id, &[STATIONS, TYPES]).await;
    fleet.retire(&partner.id, 1).await.ok();
    tokio::time::sleep(Duration::from_secs(1)).await;
    partner.call(STATIONS, json!({})).await.payload();
    assert_eq!(app.metric("bikelease_operations_prepared_total").await, 1);
}

#[rstest]
#[tokio::test]
async fn subscriptions_by_id_are_live_and_shared(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let with_fleet = ["BOARD_READ", "FLEET_READ"];
    let partner = fleet.partner(&with_fleet, json!({"costPerMinute": 1000})).await;
    fleet.publish(&partner.id, &[BOARD, EVENTS, STATIONS]).await;
    let mut one = app.socket(partner.token()).await;
    let mut two = app.socket(partner.token()).await;
    for socket in [&mut one, &mut two] {
        socket.subscribe_by_id("1", BOARD, json!({"ids": [station]})).await;
    }
    one.subscribe_by_id("2", EVENTS, json!({})).await;
    fleet.vehicle_at(&station).await;
    for socket in [&mut two, &mut one] {
        let Frame::Message(message) = socket.frame().await else { panic!("closed") };
        assert_eq!(message["type"], "next", "{message:#}");
    }
    let groups = app.metric("bikelease_groups").await;
    assert_eq!(groups, 1, "{}", app.metrics().await);

    one.send(
        json!({"id": "3", "type": "subscribe", "payload": {"documentId": document_id(STATIONS)}}),
    )
    .await;
    loop {
        let message = one.message().await;
        if message["id"] == "3" {
            let cost = &message["payload"]["extensions"]["cost"];
            assert_eq!(cost["budget"], 1000, "{message:#}");
            break;
        }
    }
    let narrow = fleet.partner(&["TARIFFS_READ"], json!({})).await;
    fleet.publish(&narrow.id, &[BOARD]).await;
    let mut socket = app.socket(narrow.token()).await;
    socket.subscribe_by_id("1", BOARD, json!({})).await;
    assert_eq!(socket.message().await["payload"][0]["extensions"]["code"], "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn an_operation_that_is_served_no_more_says_so(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = partner(&fleet, &[STATIONS]).await;
    app.sql("UPDATE operation SET document = 'query Stations { statoins { totalCount } }'")
        .await
        .unwrap();
    let answer = partner.call(STATIONS, json!({})).await;
    assert_eq!(answer.error(), "OPERATION_BROKEN");
    assert!(text(&answer.body["errors"][0]["message"]).contains("statoins"));
}
