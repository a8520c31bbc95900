//! The fleet: what staff make, move, take out of service, and archive.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json, key, text,
};

#[rstest]
#[tokio::test]
async fn out_of_service_and_back_keeps_the_dock(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(3).await;
    let vehicle = fleet.vehicle_at(&station).await;

    let broken = json!({"vehicleId": vehicle, "reason": "flat tyre"});
    let taken = fleet
        .mutate("takeOutOfService", "vehicle { state outOfServiceReason }", broken.clone())
        .await
        .ok();
    assert_eq!(
        taken["vehicle"],
        json!({"state": "NON_OPERATIONAL", "outOfServiceReason": "flat tyre"})
    );
    assert_eq!(fleet.counters(&station).await, (0, 0, 1, 2));
    let twice = fleet.mutate("takeOutOfService", "vehicle { id }", broken).await;
    assert_eq!(twice.code(), "VEHICLE_STATE_CONFLICT");

    fleet.mutate("returnToService", "vehicle { id }", json!({"vehicleId": vehicle})).await.ok();
    assert_eq!(fleet.counters(&station).await, (1, 0, 0, 2));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_truck_moves_all_or_none(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (from, to) = (fleet.station(5).await, fleet.station(2).await);
    let mut vehicles = Vec::new();
    for _ in 0..3 {
        vehicles.push(fleet.vehicle_at(&from).await);
    }

    let all = json!({"vehicleIds": vehicles, "to": {"stationId": to}});
    assert_eq!(fleet.mutate("moveVehicles", "vehicles { id }", all).await.code(), "STATION_FULL");
    assert_eq!(fleet.counters(&from).await, (3, 0, 0, 2));

    let broken = json!({"vehicleId": vehicles[0], "reason": "flat tyre"});
    fleet.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();
    let two = json!({"vehicleIds": vehicles[..2], "to": {"stationId": to}});
    let moved = fleet.mutate("moveVehicles", "vehicles { id station { id } }", two).await.ok();
    assert!(moved["vehicles"].as_array().unwrap().iter().all(|v| v["station"]["id"] == json!(to)));
    assert_eq!(fleet.counters(&from).await, (1, 0, 0, 4));
    assert_eq!(fleet.counters(&to).await, (1, 0, 1, 0));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_is_missing_can_be_found(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (station, other) = (fleet.station(3).await, fleet.station(3).await);
    let vehicle = fleet.vehicle_at(&station).await;
    let ann = fleet.rider(&app).await;
    ann.reserve(&vehicle).await.ok();

    fleet.mutate("reportMissing", "vehicle { state }", json!({"vehicleId": vehicle})).await.ok();
    assert_eq!(fleet.state(&vehicle).await, "MISSING");
    assert_eq!(fleet.counters(&station).await, (0, 0, 0, 3));
    let found = json!({"vehicleId": vehicle, "at": {"stationId": other}});
    let located = fleet.mutate("locate", "vehicle { state station { id } }", found).await.ok();
    assert_eq!(located["vehicle"], json!({"state": "AVAILABLE", "station": {"id": other}}));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_is_in_use_is_not_archived(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(3).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let ann = fleet.rider(&app).await;
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);

    let refused =
        fleet.mutate("archiveVehicle", "vehicle { id }", json!({"vehicleId": vehicle})).await;
    assert_eq!(refused.code(), "VEHICLE_IN_USE");
    let refused = fleet
        .mutate("archiveCustomer", "customer { id }", json!({"customerId": ann.customer}))
        .await;
    assert_eq!(refused.code(), "CUSTOMER_IN_USE");
    let refused =
        fleet.mutate("archiveTariff", "tariff { id }", json!({"tariffId": fleet.tariff})).await;
    assert_eq!(refused.code(), "TARIFF_IN_USE");
    let of_type = json!({"vehicleTypeId": fleet.vehicle_type});
    let refused = fleet.mutate("archiveVehicleType", "vehicleType { id }", of_type).await;
    assert_eq!(refused.code(), "VEHICLE_TYPE_IN_USE");

    ann.end_rental(&rental, &station).await.ok();
    let refused =
        fleet.mutate("archiveStation", "station { id }", json!({"stationId": station})).await;
    assert_eq!(refused.code(), "STATION_IN_USE");

    fleet
        .mutate("archiveVehicle", "vehicle { archivedAt }", json!({"vehicleId": vehicle}))
        .await
        .ok();
    fleet
        .mutate("archiveStation", "station { archivedAt }", json!({"stationId": station}))
        .await
        .ok();
    fleet
        .mutate("archiveCustomer", "customer { archivedAt }", json!({"customerId": ann.customer}))
        .await
        .ok();
    let refused = ann.start_rental(&fleet.vehicle().await).await;
    assert_eq!(refused.code(), "ARCHIVED");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn names_that_must_be_unique_are(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let place = json!({"latitude": 55.0, "longitude": 12.0});
    let station = json!({"name": "Main", "shortCode": "M", "capacity": 2, "position": place});
    fleet.mutate("createStation", "station { id }", station.clone()).await.ok();
    assert_eq!(
        fleet.mutate("createStation", "station { id }", station).await.code(),
        "SHORT_CODE_TAKEN"
    );

    let vehicle = json!({"number": "7", "vehicleTypeId": fleet.vehicle_type});
    fleet.mutate("createVehicle", "vehicle { id }", vehicle.clone()).await.ok();
    assert_eq!(
        fleet.mutate("createVehicle", "vehicle { id }", vehicle).await.code(),
        "NUMBER_TAKEN"
    );

    let customer = json!({"name": "Ann", "email": "Ann@Example.test"});
    fleet.mutate("createCustomer", "customer { email }", customer).await.ok();
    let same = json!({"name": "Ann", "email": "ann@example.TEST"});
    let refused = fleet.mutate("createCustomer", "customer { id }", same).await;
    assert_eq!((refused.code().as_str(), refused.field()), ("EMAIL_TAKEN", json!(["email"])));
}

#[rstest]
#[tokio::test]
async fn a_station_is_never_smaller_than_what_stands_there(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(2).await;
    fleet.vehicle_at(&station).await;
    fleet.vehicle_at(&station).await;

    let input = |capacity: i32| json!({"stationId": station, "capacity": capacity});
    let refused = fleet.mutate("updateStation", "station { id }", input(1)).await;
    assert_eq!((refused.code().as_str(), refused.field()), ("INVALID_INPUT", json!(["capacity"])));
    fleet.mutate("updateStation", "station { id }", input(9)).await.ok();
    assert_eq!(fleet.counters(&station).await, (2, 0, 0, 7));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_are_right_after_a_crowd(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let stations = [fleet.station(4).await, fleet.station(4).await, fleet.station(4).await];
    let mut rides = Vec::new();
    for n in 0..8 {
        rides.push((fleet.rider(&app).await, fleet.vehicle_at(&stations[n % 3]).await));
    }

    let ride = async |n: usize, rider: &tests::Rider, vehicle: &str| {
        for turn in 0..4 {
            let started = rider.start_rental(vehicle).await;
            let rental = text(&started.ok()["rental"]["id"]);
            let mut to = n + turn;
            while rider.end_rental(&rental, &stations[to % 3]).await.payload()["rental"].is_null() {
                to += 1;
            }
        }
    };
    let all = rides.iter().enumerate().map(|(n, (rider, vehicle))| ride(n, rider, vehicle));
    futures_util::future::join_all(all).await;

    let mut available = 0;
    for station in &stations {
        available += fleet.counters(station).await.0;
    }
    assert_eq!(available, 8);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_vehicle_from_the_warehouse_is_dropped_off_somewhere(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(2).await;
    let input = json!({"number": "W1", "vehicleTypeId": fleet.vehicle_type});
    let vehicle = text(
        &fleet.mutate("createVehicle", "vehicle { id state }", input).await.ok()["vehicle"]["id"],
    );
    assert_eq!(fleet.state(&vehicle).await, "REMOVED");

    let nowhere =
        fleet.mutate("returnToService", "vehicle { id }", json!({"vehicleId": vehicle})).await;
    assert_eq!(nowhere.code(), "INVALID_INPUT");
    let there = json!({"vehicleId": vehicle, "at": {"stationId": station}});
    fleet.mutate("returnToService", "vehicle { id }", there).await.ok();
    assert_eq!(fleet.counters(&station).await, (1, 0, 0, 1));

    let not_reservable = json!({"vehicleTypeId": fleet.vehicle_type, "defaultReserveMinutes": 0});
    fleet.mutate("updateVehicleType", "vehicleType { id }", not_reservable).await.ok();
    let ann = fleet.rider(&app).await;
    let input = json!({"vehicleId": vehicle, "idempotencyKey": key()});
    assert_eq!(
        ann.mutate("reserveVehicle", "vehicle { id }", input).await.code(),
        "VEHICLE_NOT_RESERVABLE"
    );
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_stands_at_a_station_is_where_the_station_is(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station_at(5, 55.0, 12.0).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let moved = json!({"stationId": station, "position": {"latitude": 55.5, "longitude": 12.5}});
    fleet.mutate("updateStation", "station { id }", moved).await.ok();
    let document =
        "query($id: ID!) { node(id: $id) { ... on Vehicle { position { latitude longitude } } } }";
    let seen = fleet.query(document, json!({"id": vehicle})).await;
    assert_eq!(seen["node"]["position"], json!({"latitude": 55.5, "longitude": 12.5}));
    let rental = fleet.rider(&app).await.start_rental(&vehicle).await.ok();
    let document =
        "query($id: ID!) { node(id: $id) { ... on Rental { startPosition { latitude } } } }";
    let seen = fleet.query(document, json!({"id": rental["rental"]["id"]})).await;
    assert_eq!(seen["node"]["startPosition"]["latitude"], 55.5);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_flat_tyre_stays_one_wherever_it_is_brought(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (station, other) = (fleet.station(3).await, fleet.station(3).await);
    let vehicle = fleet.vehicle_at(&station).await;
    let reason = async || {
        let document =
            "query($id: ID!) { node(id: $id) { ... on Vehicle { outOfServiceReason } } }";
        fleet.query(document, json!({"id": vehicle})).await["node"]["outOfServiceReason"].clone()
    };
    let broken = json!({"vehicleId": vehicle, "reason": "flat tyre"});
    fleet.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();
    let brought =
        json!({"vehicleIds": [vehicle], "to": {"stationId": other}, "reason": "to the workshop"});
    fleet.mutate("moveVehicles", "vehicles { id }", brought).await.ok();
    assert_eq!(reason().await, "flat tyre");
    fleet.mutate("reportMissing", "vehicle { id }", json!({"vehicleId": vehicle})).await.ok();
    let found = json!({"vehicleId": vehicle, "at": {"stationId": station}});
    fleet.mutate("locate", "vehicle { id }", found).await.ok();
    assert_eq!(
        (fleet.state(&vehicle).await.as_str(), reason().await),
        ("NON_OPERATIONAL", json!("flat tyre"))
    );
    fleet.mutate("returnToService", "vehicle { id }", json!({"vehicleId": vehicle})).await.ok();
    assert_eq!(reason().await, json!(null));
}
