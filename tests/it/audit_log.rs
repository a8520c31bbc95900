//! Reading the audit log: filters, pages, and who may.

use chrono::Duration;
use entity::user::Role;
use rstest::rstest;
use tests::{
    Client, Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

use crate::audit::post;

async fn ids(reader: &Client, filter: Value) -> Vec<String> {
    let document = "query($filter: AuditLogFilter) {
        auditLog(first: 100, filter: $filter) { totalCount nodes { id } } }";
    let log = reader.query(document, json!({"filter": filter})).await["auditLog"].clone();
    let nodes = log["nodes"].as_array().unwrap();
    assert_eq!(log["totalCount"], nodes.len());
    nodes.iter().map(|node| text(&node["id"])).collect()
}

async fn touch(fleet: &Fleet, by: &Client, vehicle: &str, request: &str) {
    let document = "mutation($input: UpdateVehicleInput!) {
        updateVehicle(input: $input) { userErrors { code } } }";
    let input =
        json!({"vehicleId": vehicle, "odometerMeters": 1, "vehicleTypeId": fleet.vehicle_type});
    let answer = post(by, request, document, json!({"input": input})).await;
    assert_eq!(answer["data"]["updateVehicle"]["userErrors"], json!([]), "{answer:#}");
}

#[rstest]
#[tokio::test]
async fn lines_are_found_by_all_that_they_say(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let staff = fleet.staff(&app).await;
    let me = staff.query("{ me { id } }", json!({})).await["me"]["id"].clone();
    let (one, other) = (fleet.vehicle().await, fleet.vehicle().await);
    app.advance(Duration::minutes(1));
    touch(&fleet, &staff, &one, "first").await;
    app.advance(Duration::minutes(1));
    touch(&fleet, &fleet, &other, "second").await;

    let (first, second) = (
        ids(&fleet, json!({"requestId": "first"})).await,
        ids(&fleet, json!({"requestId": "second"})).await,
    );
    assert_eq!((first.len(), second.len()), (1, 1));
    let both = [second.clone(), first.clone()].concat();
    let (at_one, at_two) = ("2035-01-01T12:01:00Z", "2035-01-01T12:02:00Z");
    for (filter, found) in [
        (json!({"actorId": me}), first.clone()),
        (json!({"action": "vehicle.update"}), both.clone()),
        (json!({"action": "vehicle.update", "actorId": me}), first.clone()),
        (json!({"action": "vehicle"}), Vec::new()),
        (json!({"subjectKind": "vehicle", "occurredFrom": at_one}), both.clone()),
        (json!({"subjectKind": "station", "occurredFrom": at_one}), Vec::new()),
        (json!({"subjectId": one, "action": "vehicle.update"}), first.clone()),
        (json!({"occurredFrom": at_one}), both),
        (json!({"occurredFrom": at_one, "occurredBefore": at_two}), first),
        (json!({"occurredFrom": at_two}), second),
        (json!({"occurredFrom": "2035-01-01T12:02:00.000001Z"}), Vec::new()),
        (json!({"subjectId": "no id at all"}), Vec::new()),
    ] {
        assert_eq!(ids(&fleet, filter.clone()).await, found, "{filter}");
    }
    assert_eq!(ids(&fleet, json!({"subjectId": one})).await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn the_log_is_read_in_pages_both_ways(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    for number in 0..7 {
        touch(&fleet, &fleet, &vehicle, &format!("page-{number}")).await;
    }
    let all = ids(&fleet, json!({"action": "vehicle.update"})).await;
    assert_eq!(all.len(), 7);
    assert!(all.is_sorted_by(|newer, older| newer > older), "newest first");

    let document = "query($first: Int, $after: String, $last: Int, $before: String, $filter: AuditLogFilter) {
        auditLog(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
            totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let (mut forwards, mut after) = (Vec::new(), Value::Null);
    loop {
        let filter = json!({"action": "vehicle.update"});
        let variables = json!({"first": 3, "after": after, "filter": filter});
        let page = fleet.query(document, variables).await["auditLog"].clone();
        assert_eq!(page["totalCount"], 7);
        forwards.extend(page["nodes"].as_array().unwrap().iter().map(|node| text(&node["id"])));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(forwards, all);

    let filter = json!({"action": "vehicle.update"});
    let last = fleet.query(document, json!({"last": 2, "before": after, "filter": filter})).await;
    let shown: Vec<_> = last["auditLog"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| text(&node["id"]))
        .collect();
    assert_eq!(shown, all[4..6]);

    let other = app.fleet("Rad Sued").await;
    let stolen = other.send(document, json!({"first": 3, "after": after})).await;
    assert_eq!(stolen.error(), "BAD_USER_INPUT");
    assert_eq!(fleet.send(document, json!({"first": 101})).await.error(), "BAD_USER_INPUT");
}

#[rstest]
#[tokio::test]
async fn only_owners_read_it(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let line = ids(&fleet, json!({})).await.remove(0);
    let log = "{ auditLog { totalCount nodes { id } } }";
    let node = "query($id: ID!) { node(id: $id) { id ... on AuditEntry { action } } }";

    let found = fleet.query(node, json!({"id": line})).await;
    assert_eq!(found["node"]["id"], line);
    assert!(found["node"]["action"].is_string());

    let admin = fleet.colleague(&app, Role::Admin).await;
    assert_eq!(admin.query(node, json!({"id": line})).await["node"]["id"], line);

    let mut others = vec![fleet.rider(&app).await.client];
    for role in [Role::Staff, Role::Accountant, Role::Vendor, Role::Broker] {
        others.push(fleet.colleague(&app, role).await);
    }
    for nosy in others {
        assert_eq!(nosy.send(log, json!({})).await.error(), "FORBIDDEN");
        assert_eq!(nosy.query(node, json!({"id": line})).await["node"], Value::Null);
    }
    let anyone = app.anonymous(Some(&fleet.slug));
    assert_eq!(anyone.send(log, json!({})).await.error(), "UNAUTHENTICATED");

    let other = app.fleet("Rad Sued").await;
    assert_eq!(other.query(node, json!({"id": line})).await["node"], Value::Null);
    assert!(!ids(&other, json!({})).await.contains(&line));
}
