//! Cursors that cannot be served: which, and how a client goes on.

use rstest::rstest;
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
};

const FIELDS: [&str; 4] = ["stationAvailability", "vehicleChanged", "fleetEvents", "rentalChanged"];

fn subscription(field: &str) -> String {
    match field {
        "rentalChanged" => "subscription($rentalId: ID!, $after: Cursor) {
            rentalChanged(rentalId: $rentalId, after: $after) { cursor } }"
            .to_owned(),
        field => format!("subscription($after: Cursor) {{ {field}(after: $after) {{ cursor }} }}"),
    }
}

async fn cursor(fleet: &Fleet) -> Value {
    let snapshot = fleet.query("{ stations { fleetCursor } }", json!({})).await;
    snapshot["stations"]["fleetCursor"].clone()
}

/// The extensions of the one error that it is refused with.
#[track_caller]
fn refusal(message: &Value) -> Value {
    assert_eq!(message["type"], "error", "{message:#}");
    let extensions = message["payload"][0]["extensions"].clone();
    assert_eq!(extensions["code"], "RESYNC_REQUIRED", "{message:#}");
    extensions
}

#[rstest]
#[tokio::test]
async fn an_old_cursor_is_refused_with_the_query_of_a_new_start(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let old = cursor(&fleet).await;
    let vehicle = fleet.vehicle().await;
    let rental = fleet.rider(&app).await.start_rental(&vehicle).await.ok()["rental"]["id"].clone();
    // As the pruning job does when events are older than they are kept.
    app.sql("DELETE FROM event").await.unwrap();
    app.sql("UPDATE stream_head SET first_seq = last_seq + 1").await.unwrap();

    let mut board = app.socket(fleet.token()).await;
    for field in FIELDS {
        let variables = json!({"rentalId": rental, "after": old});
        board.subscribe(field, &subscription(field), variables).await;
        let snapshot = refusal(&board.message().await)["snapshot"].clone();
        let seen = fleet.query(snapshot.as_str().unwrap(), json!({"rentalId": rental})).await;

        let list = seen.as_object().unwrap().values().next().unwrap();
        let from = list.get("fleetCursor").cloned();
        assert_eq!(from.is_none(), field == "rentalChanged", "{seen:#}");
        let variables = json!({"rentalId": rental, "after": from});
        board.subscribe(&format!("{field} again"), &subscription(field), variables).await;
        assert!(board.silent().await, "{field}");
    }
}

#[rstest]
#[tokio::test]
async fn a_restored_backup_and_the_future_ask_for_a_new_start(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut board = app.socket(fleet.token()).await;
    let stations = subscription("stationAvailability");

    // Beyond the head, as after a backup was restored by somebody who forgot the epoch.
    fleet.vehicle().await;
    let ahead = cursor(&fleet).await;
    app.sql("UPDATE stream_head SET last_seq = last_seq - 1").await.unwrap();
    board.subscribe("1", &stations, json!({"after": ahead})).await;
    refusal(&board.message().await);
    app.sql("UPDATE stream_head SET last_seq = last_seq + 1").await.unwrap();

    let before = cursor(&fleet).await;
    service::event::epoch::renew(&app.node.app.db, fleet.tenant.id).await.unwrap();
    board.subscribe("2", &stations, json!({"after": before})).await;
    refusal(&board.message().await);
    board.subscribe("3", &stations, json!({"after": cursor(&fleet).await})).await;
    assert!(board.silent().await);
}
