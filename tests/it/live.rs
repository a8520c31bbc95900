//! Subscriptions: nothing missed, nothing twice, and no ghosts on a board.

use std::collections::HashSet;

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json, text,
};

const STATIONS: &str = "subscription($ids: [ID!], $after: Cursor) { stationAvailability(stationIds: $ids, after: $after) {
    cursor change station { id vehiclesAvailable docksAvailable vehicleTypesAvailable { count vehicleType { name } } } } }";
const VEHICLES: &str = "subscription($filter: VehicleFilter, $after: Cursor) { vehicleChanged(filter: $filter, after: $after) {
    cursor change eventTypes vehicle { id state } } }";
const FLEET: &str = "subscription($kinds: [FleetEventKind!], $after: Cursor) { fleetEvents(kinds: $kinds, after: $after) {
    cursor kind vehicle { id } station { id } rental { id state } } }";

#[rstest]
#[tokio::test]
async fn a_board_sees_its_station_change_and_no_other(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (watched, other) = (fleet.station(5).await, fleet.station(5).await);
    let (vehicle, elsewhere) = (fleet.vehicle_at(&watched).await, fleet.vehicle_at(&other).await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let mut board = app.socket_with(json!({"tenant": fleet.slug})).await;
    board.subscribe("1", STATIONS, json!({"ids": [watched]})).await;

    ben.start_rental(&elsewhere).await.ok();
    ann.start_rental(&vehicle).await.ok();

    let seen = board.data().await;
    assert_eq!(seen["change"], "UPDATED");
    assert_eq!(seen["station"]["id"], json!(watched));
    assert_eq!(seen["station"]["vehiclesAvailable"], 0);
    assert_eq!(seen["station"]["docksAvailable"], 5);
    assert_eq!(seen["station"]["vehicleTypesAvailable"], json!([]));
    assert!(board.silent().await);
}

#[rstest]
#[tokio::test]
async fn what_leaves_a_filter_says_so(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let ann = fleet.rider(&app).await;
    let mut board = app.socket(fleet.token()).await;
    board.subscribe("1", VEHICLES, json!({"filter": {"state": "AVAILABLE"}})).await;

    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let left = board.data().await;
    assert_eq!(
        (left["change"].as_str(), left["vehicle"]["state"].as_str()),
        (Some("LEFT"), Some("ON_TRIP"))
    );
    assert_eq!(left["eventTypes"], json!(["TRIP_START"]));

    ann.end_rental(&rental, &station).await.ok();
    let entered = board.data().await;
    assert_eq!(
        (entered["change"].as_str(), entered["eventTypes"].clone()),
        (Some("ENTERED"), json!(["TRIP_END"]))
    );

    let charged = json!({"vehicleId": vehicle, "batteryPercent": 80});
    fleet.mutate("updateVehicle", "vehicle { id }", charged).await.ok();
    assert_eq!(board.data().await["change"], "UPDATED");
}

#[rstest]
#[tokio::test]
async fn a_box_tells_who_comes_and_goes(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (inside, outside) =
        (fleet.station_at(5, 50.0, 8.0).await, fleet.station_at(5, 51.0, 8.0).await);
    let vehicle = fleet.vehicle_at(&outside).await;
    let corner =
        |latitude: f64, longitude: f64| json!({"latitude": latitude, "longitude": longitude});
    let within = json!({"southWest": corner(49.9, 7.9), "northEast": corner(50.1, 8.1)});
    let mut board = app.socket(fleet.token()).await;
    board.subscribe("1", VEHICLES, json!({"filter": {"within": within}})).await;

    let move_to = async |station: &str| {
        let input = json!({"vehicleIds": [vehicle], "to": {"stationId": station}});
        fleet.mutate("moveVehicles", "vehicles { id }", input).await.ok();
    };
    move_to(&inside).await;
    let entered = board.data().await;
    assert_eq!(entered["change"], "ENTERED");
    assert_eq!(entered["eventTypes"], json!(["REBALANCE_PICK_UP", "PROVIDER_DROP_OFF"]));
    move_to(&outside).await;
    assert_eq!(board.data().await["change"], "LEFT");
    assert!(board.silent().await);
}

#[rstest]
#[tokio::test]
async fn who_comes_back_with_a_cursor_misses_nothing_and_sees_nothing_twice(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut first = app.socket(fleet.token()).await;
    first.subscribe("1", FLEET, json!({"kinds": ["VEHICLE_CHANGED"]})).await;

    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(fleet.vehicle().await);
    }
    let mut seen = Vec::new();
    let mut cursor = json!(null);
    for _ in 0..2 {
        let event = first.data().await;
        seen.push(text(&event["vehicle"]["id"]));
        cursor = event["cursor"].clone();
    }
    drop(first);
    made.push(fleet.vehicle().await);

    let mut second = app.socket(fleet.token()).await;
    second.subscribe("1", FLEET, json!({"kinds": ["VEHICLE_CHANGED"], "after": cursor})).await;
    made.push(fleet.vehicle().await);
    for _ in 0..3 {
        seen.push(text(&second.data().await["vehicle"]["id"]));
    }
    assert_eq!(seen, made);
    assert!(second.silent().await);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_event_is_lost_or_repeated_while_many_write(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let snapshot = fleet.query("{ vehicles(first: 1) { fleetCursor } }", json!({})).await;
    let cursor = snapshot["vehicles"]["fleetCursor"].clone();
    let stations = [fleet.station(40).await, fleet.station(40).await];

    let writers = (0..8).map(|n| {
        let (fleet, station) = (&fleet, &stations[n % 2]);
        async move {
            for _ in 0..5 {
                fleet.vehicle_at(station).await;
            }
        }
    });
    let reader = async {
        let mut socket = app.socket(fleet.token()).await;
        socket.subscribe("1", FLEET, json!({"kinds": ["VEHICLE_CHANGED"], "after": cursor})).await;
        let mut cursors = HashSet::new();
        let mut vehicles = HashSet::new();
        while vehicles.len() < 40 {
            let event = socket.data().await;
            assert!(cursors.insert(text(&event["cursor"])), "a number came twice");
            vehicles.insert(text(&event["vehicle"]["id"]));
        }
        (cursors.len(), socket.silent().await)
    };
    let ((numbers, silent), _) = tokio::join!(reader, futures_util::future::join_all(writers));

    assert_eq!(numbers, 40);
    assert!(silent);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_snapshot_and_its_cursor_leave_no_gap(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let document = "{ stations(first: 10) { fleetCursor nodes { id vehiclesAvailable } } }";
    let snapshot = fleet.query(document, json!({})).await["stations"].clone();
    assert_eq!(snapshot["nodes"][0]["vehiclesAvailable"], 0);

    fleet.vehicle_at(&station).await;
    let mut board = app.socket(fleet.token()).await;
    board.subscribe("1", STATIONS, json!({"after": snapshot["fleetCursor"]})).await;

    assert_eq!(board.data().await["station"]["vehiclesAvailable"], 1);
}

#[rstest]
#[tokio::test]
async fn a_cursor_of_another_tenant_or_a_changed_one_is_refused(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let snapshot = other.query("{ stations { fleetCursor } }", json!({})).await;
    let foreign = text(&snapshot["stations"]["fleetCursor"]);
    let own = fleet.query("{ stations { fleetCursor } }", json!({})).await;
    let mut changed = text(&own["stations"]["fleetCursor"]);
    let last = if changed.ends_with('A') { 'Q' } else { 'A' };
    changed.pop();
    changed.push(last);

    let mut board = app.socket(fleet.token()).await;
    for (id, cursor) in [("1", foreign), ("2", changed), ("3", "nonsense".to_owned())] {
        board.subscribe(id, STATIONS, json!({"after": cursor})).await;
        assert_eq!(code(&board.message().await), "BAD_USER_INPUT");
    }
}

#[rstest]
#[tokio::test]
async fn a_rental_is_followed_to_its_end(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, station) = (fleet.vehicle().await, fleet.station(5).await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let document = "subscription($id: ID!) { rentalChanged(rentalId: $id) { cursor change rental { state price { amount } } } }";

    let mut stranger = app.socket(ben.token()).await;
    stranger.subscribe("1", document, json!({"id": rental})).await;
    assert_eq!(code(&stranger.message().await), "NOT_FOUND");

    let mut socket = app.socket(ann.token()).await;
    socket.subscribe("1", document, json!({"id": rental})).await;
    ann.end_rental(&rental, &station).await.ok();
    let ended = socket.data().await;
    assert_eq!(ended["change"], "ENDED");
    assert_eq!(ended["rental"], json!({"state": "ENDED", "price": {"amount": "1.25"}}));
    assert_eq!(socket.message().await["type"], "complete");
}

#[rstest]
#[tokio::test]
async fn customers_watch_only_what_they_may_see(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let mut socket = app.socket(ben.token()).await;
    socket.subscribe("fleet", FLEET, json!({})).await;
    assert_eq!(code(&socket.message().await), "FORBIDDEN");
    socket.subscribe("vehicles", VEHICLES, json!({})).await;

    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    assert_eq!(socket.data().await["change"], "LEFT");
    let charged = json!({"vehicleId": vehicle, "batteryPercent": 50});
    fleet.mutate("updateVehicle", "vehicle { id }", charged).await.ok();
    assert!(socket.silent().await, "a trip of somebody else is nobody's business");
    ann.end_rental(&rental, &station).await.ok();
    assert_eq!(socket.data().await["change"], "ENTERED");
}

#[rstest]
#[tokio::test]
async fn anonymous_boards_are_for_tenants_that_publish_theirs(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut open = app.socket_with(json!({"tenant": fleet.slug})).await;
    open.subscribe("1", VEHICLES, json!({})).await;
    assert_eq!(code(&open.message().await), "UNAUTHENTICATED");

    app.sql("UPDATE tenant SET publishes_board = false").await.unwrap();
    let mut closed = app.socket_with(json!({"tenant": fleet.slug})).await;
    closed.subscribe("1", STATIONS, json!({})).await;
    assert_eq!(code(&closed.message().await), "UNAUTHENTICATED");
}

#[track_caller]
fn code(message: &tests::Value) -> String {
    assert_eq!(message["type"], "error", "{message:#}");
    text(&message["payload"][0]["extensions"]["code"])
}

/// While nodes are replaced one by one, the old ones meet what only the new ones know.
#[rstest]
#[tokio::test]
async fn an_event_of_a_newer_node_holds_nothing_up(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let mut board = app.socket(fleet.token()).await;
    board.subscribe("1", FLEET, json!({})).await;
    let next = "SELECT last_seq + 1 FROM stream_head";
    for payload in [r#"{"kind": "lease_signed", "lease": 7}"#, r#"{"kind": "rental_started"}"#] {
        app.sql(&format!(
            "INSERT INTO event (tenant_id, seq, kind, payload, actor, occurred_at)
             SELECT tenant_id, ({next}), 'lease_signed', '{payload}', 'system:test', occurred_at FROM event WHERE seq = 1"
        ))
        .await
        .unwrap();
        app.sql("UPDATE stream_head SET last_seq = last_seq + 1").await.unwrap();
        assert_eq!(board.data().await["kind"], "UNKNOWN");
    }
    fleet.rider(&app).await.reserve(&vehicle).await.ok();
    app.run_jobs().await;
    app.advance(chrono::Duration::minutes(20));
    app.run_jobs().await;
    assert_eq!(fleet.state(&vehicle).await, "AVAILABLE");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_quiet_board_is_told_how_far_the_stream_has_come(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, watched) = (fleet.vehicle().await, fleet.station(5).await);
    let mut board = app.socket(fleet.token()).await;
    board.subscribe("hidden", STATIONS, json!({"ids": [watched]})).await;
    // Nothing of this is about the station.
    fleet.rider(&app).await.start_rental(&vehicle).await.ok();

    let told = board.ping_within(std::time::Duration::from_secs(20)).await.expect("no ping");
    let head = fleet.query("{ stations(first: 1) { fleetCursor } }", json!({})).await;
    let head = &head["stations"]["fleetCursor"];
    assert_eq!(&told["cursors"]["hidden"], head);

    let mut again = app.socket(fleet.token()).await;
    let after = json!({"ids": [watched], "after": told["cursors"]["hidden"]});
    again.subscribe("1", STATIONS, after).await;
    fleet.vehicle_at(&watched).await;
    assert_eq!(again.data().await["station"]["id"], json!(watched));
    assert!(again.silent().await);
}
