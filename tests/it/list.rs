//! Lists: pages, filters, orders, and how many statements they take.

use rstest::rstest;
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

#[rstest]
#[tokio::test]
async fn pages_go_forwards_and_backwards_without_a_gap(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut names = Vec::new();
    for n in 0..7 {
        // Two share each name: the id breaks the tie.
        let name = format!("Name {}", n / 2);
        let place = json!({"latitude": 55.0, "longitude": 12.0});
        let input =
            json!({"name": name, "shortCode": format!("C{n}"), "capacity": 1, "position": place});
        fleet.mutate("createStation", "station { id }", input).await.ok();
        names.push(name);
    }
    let document = "query($first: Int, $after: String, $last: Int, $before: String, $sort: StationSort) {
        stations(first: $first, after: $after, last: $last, before: $before, sort: $sort) {
            nodes { name } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

    let mut forwards = Vec::new();
    let mut after = json!(null);
    loop {
        let page =
            fleet.query(document, json!({"first": 3, "after": after})).await["stations"].clone();
        assert_eq!(page["totalCount"], 7);
        forwards.extend(page["nodes"].as_array().unwrap().iter().map(|node| text(&node["name"])));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(forwards, names);

    let last = fleet.query(document, json!({"last": 3})).await["stations"].clone();
    assert_eq!(page_names(&last), names[4..]);
    let before = last["pageInfo"]["startCursor"].clone();
    let middle =
        fleet.query(document, json!({"last": 3, "before": before})).await["stations"].clone();
    assert_eq!(page_names(&middle), names[1..4]);
    assert_eq!(middle["pageInfo"]["hasPreviousPage"], true);

    let descending = json!({"first": 7, "sort": {"field": "NAME", "direction": "DESC"}});
    let page = fleet.query(document, descending).await["stations"].clone();
    assert_eq!(page_names(&page), names.iter().rev().cloned().collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn stations_are_found_near_a_point_within_a_box_and_by_region(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let near = fleet.station_at(5, 55.6761, 12.5683).await;
    let nearer = fleet.station_at(5, 55.6762, 12.5690).await;
    let far = fleet.station_at(5, 56.1500, 10.2000).await;
    let region = json!({"stationId": far, "region": "Aarhus"});
    fleet.mutate("updateStation", "station { region }", region).await.ok();
    let point =
        |latitude: f64, longitude: f64| json!({"latitude": latitude, "longitude": longitude});

    let around = json!({"near": {"position": point(55.6763, 12.5691), "radiusMeters": 500.0}});
    let sort = json!({"field": "DISTANCE"});
    assert_eq!(
        found(&fleet, json!({"filter": around, "sort": sort})).await,
        [nearer.clone(), near.clone()]
    );
    let within =
        json!({"within": {"southWest": point(56.0, 10.0), "northEast": point(57.0, 11.0)}});
    assert_eq!(found(&fleet, json!({"filter": within})).await, [far.as_str()]);
    assert_eq!(found(&fleet, json!({"filter": {"region": "Aarhus"}})).await, [far.as_str()]);

    let document = "query($filter: StationFilter, $sort: StationSort, $after: String) {
        stations(first: 1, after: $after, filter: $filter, sort: $sort) { nodes { id } pageInfo { endCursor } } }";
    let page =
        fleet.query(document, json!({"filter": around, "sort": sort})).await["stations"].clone();
    assert_eq!(page["nodes"][0]["id"], json!(nearer));
    let next = json!({"filter": around, "sort": sort, "after": page["pageInfo"]["endCursor"]});
    assert_eq!(fleet.query(document, next).await["stations"]["nodes"][0]["id"], json!(near));

    let elsewhere = json!({"near": {"position": point(55.6, 12.5), "radiusMeters": 50_000.0}});
    let other = json!({"filter": elsewhere, "sort": sort, "after": page["pageInfo"]["endCursor"]});
    assert_eq!(fleet.send(document, other).await.error(), "BAD_USER_INPUT");

    let unsorted = fleet.send(document, json!({"sort": sort})).await;
    assert_eq!(unsorted.error(), "BAD_USER_INPUT");
}

#[rstest]
#[tokio::test]
async fn vehicles_are_found_by_what_a_dashboard_asks(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let (full, empty, street) =
        (fleet.vehicle_at(&station).await, fleet.vehicle().await, fleet.vehicle().await);
    for (vehicle, number, percent) in [(&full, "A_1", 90), (&empty, "A%2", 10)] {
        let input = json!({"vehicleId": vehicle, "number": number, "batteryPercent": percent});
        fleet.mutate("updateVehicle", "vehicle { id }", input).await.ok();
    }
    let broken = json!({"vehicleId": street, "reason": "flat tyre"});
    fleet.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();

    let find = async |filter: Value| {
        let document = "query($filter: VehicleFilter) { vehicles(filter: $filter) { nodes { id } totalCount } }";
        let list = fleet.query(document, json!({"filter": filter})).await["vehicles"].clone();
        let ids: Vec<_> =
            list["nodes"].as_array().unwrap().iter().map(|node| text(&node["id"])).collect();
        assert_eq!(list["totalCount"], ids.len());
        ids
    };
    assert_eq!(find(json!({"state": "AVAILABLE", "stationId": station})).await, [full.as_str()]);
    assert_eq!(find(json!({"state": "NON_OPERATIONAL"})).await, [street.as_str()]);
    assert_eq!(find(json!({"batteryBelow": 11})).await, [empty.as_str()]);
    assert_eq!(find(json!({"number": "a_"})).await, [full.as_str()]);
    assert_eq!(find(json!({"number": "a%"})).await, [empty.as_str()]);
    assert_eq!(find(json!({"vehicleTypeId": fleet.vehicle_type})).await.len(), 3);

    let ann = fleet.rider(&app).await;
    let seen = ann.query("{ vehicles { nodes { id } } }", json!({})).await;
    assert_eq!(seen["vehicles"]["nodes"].as_array().unwrap().len(), 2);
}

#[rstest]
#[tokio::test]
async fn rentals_are_found_by_state_customer_and_period(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, station) = (fleet.vehicle().await, fleet.station(5).await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let first = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    ann.end_rental(&first, &station).await.ok();
    app.advance(chrono::Duration::hours(1));
    let second = text(&ben.start_rental(&vehicle).await.ok()["rental"]["id"]);

    let find = async |client: &tests::Client, filter: Value| {
        let document = "query($filter: RentalFilter) { rentals(filter: $filter) { nodes { id } } }";
        let list =
            client.query(document, json!({"filter": filter})).await["rentals"]["nodes"].clone();
        list.as_array().unwrap().iter().map(|node| text(&node["id"])).collect::<Vec<_>>()
    };
    assert_eq!(find(&fleet.owner, json!({})).await, [second.clone(), first.clone()]);
    assert_eq!(find(&fleet.owner, json!({"state": "ACTIVE"})).await, [second.as_str()]);
    assert_eq!(find(&fleet.owner, json!({"customerId": ann.customer})).await, [first.as_str()]);
    assert_eq!(find(&fleet.owner, json!({"vehicleId": vehicle})).await.len(), 2);
    let later = json!({"startedFrom": "2035-01-01T12:30:00Z"});
    assert_eq!(find(&fleet.owner, later).await, [second.as_str()]);
    assert_eq!(
        find(&fleet.owner, json!({"startedBefore": "2035-01-01T12:30:00Z"})).await,
        [first.as_str()]
    );
    assert_eq!(find(&ann.client, json!({"customerId": ben.customer})).await, [] as [String; 0]);
}

#[rstest]
#[tokio::test]
async fn a_nested_query_takes_as_many_statements_for_many_as_for_one(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    for _ in 0..6 {
        let vehicle = fleet.vehicle().await;
        fleet.rider(&app).await.start_rental(&vehicle).await.ok();
        fleet.vehicle().await;
    }
    let document = "query($first: Int!) { rentals(first: $first) { nodes {
        customer { name } tariff { name } startStation { name } priceLines { kind }
        vehicle { number vehicleType { name defaultTariff { name } } openRental { id } } } }
        vehicles(first: $first) { nodes { number station { name vehicleTypesAvailable { vehicleType { name } } } } } }";
    let statements = async |first: i32| {
        let before = app.node.app.db.statements();
        fleet.query(document, json!({"first": first})).await;
        app.node.app.db.statements() - before
    };

    statements(1).await;
    let (for_one, for_many) = (statements(1).await, statements(12).await);
    // Two batches may split where a relation of a relation is ready sooner.
    assert!(for_many <= for_one + 2, "{for_one} statements for one, {for_many} for many");
}

#[rstest]
#[tokio::test]
async fn any_object_is_found_by_its_id(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (station, vehicle) = (fleet.station(5).await, fleet.vehicle().await);
    let ids = json!([station, fleet.tariff, vehicle, fleet.vehicle_type]);

    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let nodes = fleet.query(document, json!({"ids": ids})).await["nodes"].clone();

    let kinds: Vec<_> =
        nodes.as_array().unwrap().iter().map(|node| text(&node["__typename"])).collect();
    assert_eq!(kinds, ["Station", "Tariff", "Vehicle", "VehicleType"]);
    let absent = json!({"ids": ["station_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f"]});
    assert_eq!(fleet.query(document, absent).await["nodes"], json!([null]));
    let unknown =
        fleet.send(document, json!({"ids": ["bike_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f"]})).await;
    assert_eq!(unknown.error(), "BAD_USER_INPUT");
}

async fn found(fleet: &Fleet, variables: Value) -> Vec<String> {
    let document = "query($filter: StationFilter, $sort: StationSort) { stations(filter: $filter, sort: $sort) { nodes { id } } }";
    let nodes = fleet.query(document, variables).await["stations"]["nodes"].clone();
    nodes.as_array().unwrap().iter().map(|node| text(&node["id"])).collect()
}

fn page_names(page: &Value) -> Vec<String> {
    page["nodes"].as_array().unwrap().iter().map(|node| text(&node["name"])).collect()
}

/// A distance in a cursor comes back as it was, to the last bit.
#[rstest]
#[tokio::test]
async fn pages_by_distance_repeat_nothing(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    for number in 0..60 {
        let away = f64::from(number) * 0.000_731 + 0.000_013;
        fleet.station_at(5, 55.6 + away, 12.5 - away * 1.37).await;
    }
    let document =
        "query($after: String) { stations(first: 1, after: $after, sort: {field: DISTANCE},
        filter: {near: {position: {latitude: 55.6001, longitude: 12.5003}, radiusMeters: 50000}}) {
        nodes { id } pageInfo { endCursor hasNextPage } } }";
    let (mut seen, mut after) = (Vec::new(), json!(null));
    loop {
        let page = fleet.query(document, json!({"after": after})).await["stations"].clone();
        seen.push(text(&page["nodes"][0]["id"]));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen.len(), 60);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 60);
}
