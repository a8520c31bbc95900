//! Rentals: one customer at a time, at a price that adds up.

use chrono::Duration;
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key, text,
};

#[rstest]
#[tokio::test]
async fn a_vehicle_carries_one_customer_at_a_time(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);

    ann.start_rental(&vehicle).await.ok();
    let refused = ben.start_rental(&vehicle).await;

    assert_eq!(refused.code(), "VEHICLE_TAKEN");
    assert_eq!(refused.field(), json!(["vehicleId"]));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_ride_moves_the_vehicle_and_the_counters(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (from, to) = (fleet.station(5).await, fleet.station(5).await);
    let vehicle = fleet.vehicle_at(&from).await;
    let ann = fleet.rider(&app).await;
    assert_eq!(fleet.counters(&from).await, (1, 0, 0, 4));

    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    assert_eq!(fleet.counters(&from).await, (0, 0, 0, 5));
    assert_eq!(fleet.state(&vehicle).await, "ON_TRIP");

    app.advance(Duration::minutes(12));
    let ended = ann.end_rental(&rental, &to).await.ok();
    assert_eq!(ended["rental"]["state"], "ENDED");
    // 1.00 + 12 × 0.10 = 2.20, and a quarter of it in tax.
    assert_eq!(ended["rental"]["price"], json!({"amount": "2.75", "currency": "EUR"}));
    assert_eq!(sum(&ended["rental"]["priceLines"]), 275);
    assert_eq!(fleet.counters(&to).await, (1, 0, 0, 4));
    assert_eq!(fleet.state(&vehicle).await, "AVAILABLE");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_hold_keeps_others_away_and_ends_by_itself(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);

    let held = ann.reserve(&vehicle).await.ok();
    assert_eq!(held["vehicle"]["state"], "RESERVED");
    assert_eq!(fleet.counters(&station).await, (0, 1, 0, 4));
    assert_eq!(ben.start_rental(&vehicle).await.code(), "VEHICLE_RESERVED");
    assert_eq!(ben.reserve(&vehicle).await.code(), "VEHICLE_RESERVED");

    // Nobody ran a timer: whoever meets the hold ends it.
    app.advance(Duration::minutes(15));
    ben.start_rental(&vehicle).await.ok();
    let document = "query($id: ID!) { node(id: $id) { ... on Vehicle { history(first: 10) { nodes { eventTypes } } } } }";
    let history = fleet.query(document, json!({"id": vehicle})).await;
    let types: Vec<_> = history["node"]["history"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["eventTypes"][0].clone())
        .collect();
    assert_eq!(
        types,
        [
            json!("TRIP_START"),
            json!("RESERVATION_CANCEL"),
            json!("RESERVATION_START"),
            json!("PROVIDER_DROP_OFF")
        ]
    );
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn who_holds_a_vehicle_starts_it_or_lets_it_go(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (first, second) = (fleet.vehicle().await, fleet.vehicle().await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);

    ann.reserve(&first).await.ok();
    let foreign =
        ben.mutate("cancelReservation", "vehicle { id }", json!({"vehicleId": first})).await;
    assert_eq!(foreign.code(), "VEHICLE_RESERVED");
    assert_eq!(ann.reserve(&second).await.code(), "CUSTOMER_LIMIT_REACHED");
    ann.mutate("cancelReservation", "vehicle { id }", json!({"vehicleId": first})).await.ok();
    let gone = ann.mutate("cancelReservation", "vehicle { id }", json!({"vehicleId": first})).await;
    assert_eq!(gone.code(), "VEHICLE_NOT_RESERVED");

    ann.reserve(&second).await.ok();
    ann.start_rental(&second).await.ok();
    assert_eq!(ann.start_rental(&first).await.code(), "CUSTOMER_LIMIT_REACHED");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn staff_rent_for_whom_they_name(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let staff = fleet.staff(&app).await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);

    assert_eq!(staff.start_rental(&vehicle).await.code(), "CUSTOMER_REQUIRED");
    let for_ann =
        json!({"vehicleId": vehicle, "customerId": ann.customer, "idempotencyKey": key()});
    let as_ben = ben.mutate("startRental", "rental { id }", for_ann.clone()).await;
    assert_eq!(as_ben.code(), "NOT_FOUND");
    let started = staff.mutate("startRental", "rental { id customer { id } }", for_ann).await.ok();
    assert_eq!(started["rental"]["customer"]["id"], json!(ann.customer));

    let document = "query($id: ID!) { node(id: $id) { id } }";
    let rental = json!({"id": started["rental"]["id"]});
    assert!(ann.query(document, rental.clone()).await["node"].is_object());
    assert!(ben.query(document, rental).await["node"].is_null());
}

#[rstest]
#[tokio::test]
async fn blocked_customers_and_closed_stations_do_not_rent(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let ann = fleet.rider(&app).await;

    let block = |blocked: bool| json!({"customerId": ann.customer, "blocked": blocked});
    fleet.mutate("updateCustomer", "customer { id }", block(true)).await.ok();
    assert_eq!(ann.start_rental(&vehicle).await.code(), "CUSTOMER_BLOCKED");
    fleet.mutate("updateCustomer", "customer { id }", block(false)).await.ok();

    let open = |open: bool| json!({"stationId": station, "isRenting": open});
    fleet.mutate("updateStation", "station { id }", open(false)).await.ok();
    assert_eq!(ann.start_rental(&vehicle).await.code(), "STATION_NOT_RENTING");
    fleet.mutate("updateStation", "station { id }", open(true)).await.ok();

    let broken = json!({"vehicleId": vehicle, "reason": "flat tyre"});
    fleet.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();
    assert_eq!(ann.start_rental(&vehicle).await.code(), "VEHICLE_NOT_AVAILABLE");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn full_and_closed_stations_take_nothing_back(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (full, closed) = (fleet.station(1).await, fleet.station(5).await);
    fleet.vehicle_at(&full).await;
    let vehicle = fleet.vehicle().await;
    let ann = fleet.rider(&app).await;
    let close = json!({"stationId": closed, "isReturning": false});
    fleet.mutate("updateStation", "station { id }", close).await.ok();
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);

    assert_eq!(ann.end_rental(&rental, &full).await.code(), "STATION_FULL");
    assert_eq!(ann.end_rental(&rental, &closed).await.code(), "STATION_NOT_RETURNING");
    let on_the_street = json!({
        "rentalId": rental, "position": {"latitude": 55.1, "longitude": 12.1}, "idempotencyKey": key(),
    });
    ann.mutate(
        "endRental",
        "rental { endPosition { latitude } endStation { id } }",
        on_the_street.clone(),
    )
    .await
    .ok();
    let again = json!({"rentalId": rental, "stationId": closed, "idempotencyKey": key()});
    assert_eq!(ann.mutate("endRental", "rental { id }", again).await.code(), "RENTAL_NOT_OPEN");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_start_can_be_undone_within_the_grace_period(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let ann = fleet.rider(&app).await;
    let cancel = |rental: &Value| json!({"rentalId": rental, "idempotencyKey": key()});

    let rental = ann.start_rental(&vehicle).await.ok()["rental"]["id"].clone();
    app.advance(Duration::seconds(60));
    let fields = "rental { state price { amount } }";
    let cancelled = ann.mutate("cancelRental", fields, cancel(&rental)).await.ok();
    assert_eq!(cancelled["rental"], json!({"state": "CANCELLED", "price": {"amount": "0.00"}}));
    assert_eq!(fleet.counters(&station).await, (1, 0, 0, 4));

    let rental = ann.start_rental(&vehicle).await.ok()["rental"]["id"].clone();
    app.advance(Duration::seconds(61));
    assert_eq!(
        ann.mutate("cancelRental", fields, cancel(&rental)).await.code(),
        "RENTAL_NOT_CANCELLABLE"
    );
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn staff_end_a_rental_in_the_riders_place(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, other) = (fleet.vehicle().await, fleet.vehicle().await);
    let closed = fleet.station(5).await;
    let close = json!({"stationId": closed, "isReturning": false});
    fleet.mutate("updateStation", "station { id }", close).await.ok();
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);

    let rental = ann.start_rental(&vehicle).await.ok()["rental"]["id"].clone();
    let force = json!({"rentalId": rental, "stationId": closed, "reason": "found it", "idempotencyKey": key()});
    let answer = ann.mutate("forceEndRental", "rental { id }", force.clone()).await;
    assert_eq!(answer.error(), "FORBIDDEN");
    let ended = fleet.mutate("forceEndRental", "rental { state endReason }", force).await.ok();
    assert_eq!(ended["rental"], json!({"state": "ENDED", "endReason": "found it"}));

    let rental = ben.start_rental(&other).await.ok()["rental"]["id"].clone();
    let lost =
        json!({"rentalId": rental, "lost": true, "reason": "stolen", "idempotencyKey": key()});
    let ended = fleet.mutate("forceEndRental", "rental { lost price { amount } }", lost).await.ok();
    // 1.00 to unlock and 900.00 for the vehicle, and a quarter of it in tax.
    assert_eq!(ended["rental"], json!({"lost": true, "price": {"amount": "1126.25"}}));
    assert_eq!(fleet.state(&other).await, "MISSING");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_quote_is_what_the_ride_comes_to(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let station = fleet.station(5).await;
    let ann = fleet.rider(&app).await;
    let document = "query($input: RentalQuoteInput!) { rentalQuote(input: $input) {
        price { amount currency } lines { kind amount { amount } quantity } } }";

    let quoted =
        ann.query(document, json!({"input": {"vehicleId": vehicle, "minutes": 130}})).await;
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    app.advance(Duration::minutes(130));
    let ended = ann.end_rental(&rental, &station).await.ok();

    assert_eq!(quoted["rentalQuote"]["price"], ended["rental"]["price"]);
    assert_eq!(quoted["rentalQuote"]["lines"], ended["rental"]["priceLines"]);
    let kinds: Vec<_> = quoted["rentalQuote"]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| text(&l["kind"]))
        .collect();
    assert_eq!(kinds, ["UNLOCK", "MINUTES", "PENALTY", "TAX"]);
}

#[rstest]
#[tokio::test]
async fn a_rental_keeps_the_terms_of_its_start(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, station) = (fleet.vehicle().await, fleet.station(5).await);
    let ann = fleet.rider(&app).await;
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);

    let dearer =
        json!({"tariffId": fleet.tariff, "terms": {"currency": "EUR", "unlockPrice": "99.00"}});
    fleet.mutate("updateTariff", "tariff { id }", dearer).await.ok();
    let ended = ann.end_rental(&rental, &station).await.ok();

    assert_eq!(ended["rental"]["price"]["amount"], "1.25");
}

/// In minor units, without a float.
fn sum(lines: &Value) -> i64 {
    let minor =
        |line: &Value| text(&line["amount"]["amount"]).replace('.', "").parse::<i64>().unwrap();
    lines.as_array().unwrap().iter().map(minor).sum()
}

#[rstest]
#[tokio::test]
async fn riders_do_not_choose_their_price(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let kilometres = json!({"perKilometre": [{"rate": "1.00"}]});
    let (cheap, dear) = (fleet.tariff(json!({})).await, fleet.tariff(kilometres).await);
    let (from, to) = (fleet.station_at(5, 55.0, 12.0).await, fleet.station_at(5, 55.1, 12.0).await);
    let vehicle = fleet.vehicle_at(&from).await;
    let ann = fleet.rider(&app).await;
    let start = async |tariff: &str| {
        let input = json!({"vehicleId": vehicle, "tariffId": tariff, "idempotencyKey": key()});
        ann.mutate("startRental", "rental { id }", input).await
    };
    let refused = start(&cheap).await;
    assert_eq!(
        (refused.code().as_str(), refused.field()),
        ("TARIFF_NOT_OFFERED", json!(["tariffId"]))
    );
    let rental = text(&start(&dear).await.ok()["rental"]["id"]);
    let input =
        json!({"rentalId": rental, "stationId": to, "distanceMeters": 0, "idempotencyKey": key()});
    let ended =
        ann.mutate("endRental", "rental { distanceMeters priceLines { kind } }", input).await.ok();
    assert_eq!(ended["rental"]["distanceMeters"], 11_119);
    assert!(ended["rental"]["priceLines"].to_string().contains("DISTANCE"));
}
