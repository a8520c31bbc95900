//! Subscriptions that share one execution: who does, and that nobody sees other things by it.

mod numbers;

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use tests::{
    Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json, text,
};

const VEHICLES: &str = "subscription($filter: VehicleFilter) { vehicleChanged(filter: $filter) {
    change vehicle { id state reservedBy { id } vehicleType { name } station { name } } } }";
/// All that is the same for all.
const STATION: &str = "id name shortCode position { latitude longitude } address region capacity isVirtual
    isChargingStation isInstalled isRenting isReturning vehiclesAvailable vehiclesReserved vehiclesDisabled
    docksAvailable archivedAt createdAt updatedAt vehicleTypesAvailable { count vehicleType { id name make model
    formFactor propulsionType maxRangeMeters defaultReserveMinutes archivedAt createdAt } } ...on Node { id }";
/// All that staff see.
const EVERYTHING: &str = "fleetEvents(after: $after) { __typename cursor kind occurredAt actor eventTypes subjectId
    station { STATION vehicles(first: 5) { totalCount fleetCursor pageInfo { endCursor } edges { cursor node { id } } } }
    customer { id name email phone blockedAt rentalLimit rentals(first: 5) { totalCount nodes { id } } }
    rental { id state startedAt endedAt dueAt overdueAt distanceMeters collateral { amount currency } lost endReason
        price { amount } priceSoFar { amount } priceLines { kind quantity amount { amount } } importedFrom
        vehicle { id } customer { id name } tariff { name unlockPrice { amount } perMinute { rate } penalty { basis } }
        startStation { id } endStation { id } startPosition { latitude } endPosition { latitude } } }";
const VEHICLE: &str = "vehicleChanged(after: $after) { cursor change eventTypes occurredAt vehicle { id number state
    position { latitude } batteryPercent odometerMeters reservedUntil outOfServiceReason archivedAt station { id }
    vehicleType { defaultTariff { id } } reservedBy { id } openRental { id }
    history(first: 5) { totalCount nodes { id actor state stateBefore rental { id } station { id } } } } }";
const STATES: &str = "subscription { vehicleChanged { change vehicle { id state } } }";
const BOARD: &str = "subscription { stationAvailability { station { id vehiclesAvailable } } }";

#[rstest]
#[tokio::test]
async fn equal_subscriptions_are_executed_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let mut sockets = Vec::new();
    let mut statements = Vec::new();
    for round in 0..8 {
        let document = match round % 2 {
            0 => VEHICLES.to_owned(),
            _ => format!("# {round}\n{}", VEHICLES.replace(' ', "\t ")),
        };
        let mut socket = app.socket(fleet.token()).await;
        socket.subscribe("1", &document, json!({"filter": {"states": []}, "unused": round})).await;
        sockets.push(socket);
        until(async || app.node.app.feed.listeners(fleet.tenant.id) == 1).await;

        let before = app.node.app.db.statements();
        let charged = json!({"vehicleId": vehicle, "batteryPercent": 10 + round});
        fleet.mutate("updateVehicle", "vehicle { id }", charged).await.ok();
        let seen = join_all(sockets.iter_mut().map(Socket::data)).await;
        assert!(seen.iter().all(|data| data["vehicle"]["vehicleType"]["name"] == "City bike"));
        statements.push(app.node.app.db.statements() - before);
    }
    // The stream's own check reads the head once a second.
    assert!(statements[7] <= statements[0] + 2, "{statements:?}");
    sockets.clear();
    until(async || app.node.app.feed.listeners(fleet.tenant.id) == 0).await;
}

#[rstest]
#[tokio::test]
async fn what_could_differ_is_not_shared(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let (staff, second) = (fleet.staff(&app).await, fleet.staff(&app).await);
    let vehicle = fleet.vehicle().await;
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let followed = format!("subscription {{ rentalChanged(rentalId: \"{rental}\") {{ cursor }} }}");
    let mut open = Vec::new();
    let cases = [
        ("the owner", fleet.token(), VEHICLES, json!({}), 1),
        ("again", fleet.token(), VEHICLES, json!({}), 0),
        ("other variables", fleet.token(), VEHICLES, json!({"filter": {"batteryBelow": 5}}), 1),
        ("another role", staff.token(), VEHICLES, json!({}), 1),
        ("the same role", second.token(), VEHICLES, json!({}), 0),
        ("a customer", ann.token(), VEHICLES, json!({}), 1),
        ("another customer", ben.token(), VEHICLES, json!({}), 1),
        ("a customer's few fields", ann.token(), STATES, json!({}), 1),
        ("another's few fields", ben.token(), STATES, json!({}), 1),
        ("the owner's few fields", fleet.token(), STATES, json!({}), 1),
        ("again few fields", fleet.token(), STATES, json!({}), 0),
        ("the board", ann.token(), BOARD, json!({}), 1),
        ("the board of another role", fleet.token(), BOARD, json!({}), 0),
        ("a rental", staff.token(), &followed, json!({}), 1),
        ("the same rental", second.token(), &followed, json!({}), 1),
    ];
    let mut listeners = 0;
    for (name, token, document, variables, more) in cases {
        let mut socket = app.socket(token).await;
        socket.subscribe("1", document, variables).await;
        listeners += more;
        assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), listeners, "{name}");
        open.push(socket);
    }
    let mut anonymous = app.socket_with(json!({"tenant": fleet.slug})).await;
    anonymous.subscribe("1", BOARD, json!({})).await;
    assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), listeners, "the board of nobody");
    let mut elsewhere = app.socket(other.token()).await;
    elsewhere.subscribe("1", VEHICLES, json!({})).await;
    assert_eq!(app.node.app.feed.listeners(other.tenant.id), 1);

    fleet.vehicle().await;
    assert_eq!(anonymous.data().await["station"]["vehiclesAvailable"], 0);
    assert!(elsewhere.silent().await, "another tenant's events are nobody's business");
}

#[rstest]
#[tokio::test]
async fn everybody_sees_what_they_may_and_no_more(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, away) = (fleet.vehicle().await, fleet.vehicle().await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let board = "subscription { stationAvailability { station { id vehicles { totalCount } } } }";
    let mut sockets = Vec::new();
    for token in [fleet.token(), fleet.staff(&app).await.token(), ann.token(), ben.token()] {
        let mut socket = app.socket(token).await;
        socket.subscribe("vehicles", VEHICLES, json!({})).await;
        sockets.push(socket);
    }
    let mut anonymous = app.socket_with(json!({"tenant": fleet.slug})).await;
    anonymous.subscribe("board", board, json!({})).await;

    ben.reserve(&vehicle).await.ok();
    let seen = join_all(sockets.iter_mut().map(Socket::data)).await;
    let changes: Vec<_> = seen.iter().map(|data| text(&data["change"])).collect();
    assert_eq!(changes, ["UPDATED", "UPDATED", "LEFT", "UPDATED"]);
    for staff in &seen[..2] {
        assert_eq!(staff["vehicle"]["reservedBy"]["id"], json!(ben.customer));
    }
    assert_eq!(seen[3]["vehicle"]["reservedBy"]["id"], json!(ben.customer));

    let hidden = anonymous.message().await;
    let error = &hidden["payload"]["errors"][0]["extensions"];
    assert_eq!(error["code"], "UNAUTHENTICATED", "{hidden:#}");
    assert!(error["requestId"].is_string());

    let broken = json!({"vehicleId": away, "reason": "flat tyre"});
    fleet.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();
    let charged = json!({"vehicleId": away, "batteryPercent": 5});
    fleet.mutate("updateVehicle", "vehicle { id }", charged).await.ok();
    let (staff, customers) = sockets.split_at_mut(2);
    for customer in customers {
        assert_eq!(customer.data().await["change"], "LEFT");
        assert!(customer.silent().await, "what is out of service is for staff");
    }
    for staff in staff {
        assert_eq!(staff.data().await["vehicle"]["state"], "NON_OPERATIONAL");
        assert_eq!(staff.data().await["vehicle"]["state"], "NON_OPERATIONAL");
    }
}

/// Without a viewer the answers are the same as with one: what the table of audiences says is true.
#[rstest]
#[tokio::test]
async fn a_group_answers_as_each_member_would_be_answered_alone(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let (ann, staff) = (fleet.rider(&app).await, fleet.staff(&app).await);
    let board =
        format!("stationAvailability(after: $after) {{ cursor change station {{ {STATION} }} }}");
    let standing = board.replace("capacity", "capacity vehicles(first: 9) { nodes { id state } }");
    let states = VEHICLE.split("position").next().unwrap().to_owned() + "} }";
    let tariffs = board.replace("vehicleType {", "vehicleType { defaultTariff { name } ");
    let callers = [
        (json!({"tenant": fleet.slug}), &board),
        (json!({"token": ann.token()}), &tariffs),
        (json!({"token": ann.token()}), &standing),
        (json!({"token": ann.token()}), &states),
        (json!({"token": staff.token()}), &EVERYTHING.replace("STATION", STATION)),
        (json!({"token": fleet.token()}), &VEHICLE.to_owned()),
    ];
    let snapshot = fleet.query("{ stations { fleetCursor } }", json!({})).await;
    let start = snapshot["stations"]["fleetCursor"].clone();
    let mut live = Vec::new();
    for (init, selection) in &callers {
        let mut socket = app.socket_with(init.clone()).await;
        let document = format!("subscription($after: Cursor) {{ {selection} }}");
        socket.subscribe("1", &document, json!({})).await;
        live.push((document, init, socket));
    }
    let listeners = app.node.app.feed.listeners(fleet.tenant.id);
    ann.reserve(&vehicle).await.ok();
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let blocked = json!({"customerId": ann.customer, "blocked": true});
    fleet.mutate("updateCustomer", "customer { id }", blocked).await.ok();
    // What is loaded is as it is then: both ways are compared with nothing between them.
    for (document, init, socket) in &mut live {
        let shared = heard(socket).await;
        assert!(shared.len() > 1, "{document}");
        let mut alone = app.socket_with((*init).clone()).await;
        alone.subscribe("1", document, json!({"after": start})).await;
        assert_eq!(shared.iter().filter(|payload| payload.get("errors").is_some()).count(), 0);
        assert_eq!(shared.len(), heard(&mut alone).await.len(), "{document}");
    }
    assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), listeners);

    let start = fleet.query("{ stations { fleetCursor } }", json!({})).await;
    let start = start["stations"]["fleetCursor"].clone();
    ann.end_rental(&rental, &station).await.ok();
    for (document, init, socket) in &mut live {
        let shared = heard(socket).await;
        let mut alone = app.socket_with((*init).clone()).await;
        alone.subscribe("1", document, json!({"after": start})).await;
        assert_eq!(shared, heard(&mut alone).await, "{document}");
        assert!(!shared.is_empty());
    }
}

/// Every payload that comes, until none does.
async fn heard(socket: &mut Socket) -> Vec<Value> {
    let mut heard = Vec::new();
    while let Some(Frame::Message(message)) = socket.frame_within(Duration::from_millis(500)).await
    {
        assert_eq!(message["type"], "next", "{message:#}");
        heard.push(message["payload"].clone());
    }
    heard
}

async fn until(holds: impl AsyncFn() -> bool) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come true");
}
