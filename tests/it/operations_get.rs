//! Registered queries by GET: how long an answer may be kept, by whom, and whether it is still the same.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
};

const STATIONS: &str =
    "query Stations($first: Int) { stations(first: $first) { nodes { name } totalCount } }";
const TYPES: &str = "query Types { vehicleTypes { nodes { name } } }";
const MAKE: &str =
    "mutation Make($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }";
const BOARD: &str = "subscription Board { stationAvailability { cursor } }";

#[rstest]
#[tokio::test]
async fn a_query_by_get_says_how_long_it_may_be_kept(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    fleet.station(3).await;
    let vehicles = "query Vehicles { vehicles { nodes { number } } }";
    let mixed = "query Mixed { vehicleTypes { nodes { name } } stations { nodes { name vehicles { totalCount } } } }";
    let partner = fleet.partner(&["BOARD_READ", "VEHICLES_READ"], json!({})).await;
    fleet.publish(&partner.id, &[STATIONS, TYPES, vehicles, mixed, BOARD, MAKE]).await;

    let answer = partner.get(STATIONS, json!({"first": 1}), &[]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "cache-control"), "public, max-age=5");
    let vary = header(&answer, "vary");
    assert!(vary.contains("authorization") && vary.contains("x-bikelease-tenant"), "{vary}");
    let tag = header(&answer, "etag");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["data"]["stations"]["totalCount"], 1);

    let known = [("if-none-match", tag.as_str())];
    let same = partner.get(STATIONS, json!({"first": 1}), &known).await;
    assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, tag.clone()));
    assert_eq!(header(&same, "cache-control"), "public, max-age=5");
    assert!(same.bytes().await.unwrap().is_empty());
    fleet.station(3).await;
    assert_eq!(partner.get(STATIONS, json!({"first": 1}), &known).await.status(), 200);

    let longer = partner.get(TYPES, json!({}), &[]).await;
    assert_eq!(header(&longer, "cache-control"), "public, max-age=60");
    for own in [vehicles, mixed] {
        let answer = partner.get(own, json!({}), &[]).await;
        assert_eq!(answer.status(), 200, "{own}");
        assert_eq!(header(&answer, "cache-control"), "private, no-store", "{own}");
    }
    let failed = partner.get(STATIONS, json!({"first": 101}), &[]).await;
    assert_eq!(
        (header(&failed, "cache-control").as_str(), header(&failed, "etag").as_str()),
        ("no-store", "")
    );

    assert_eq!(partner.get(MAKE, json!({"name": "Ann"}), &[]).await.status(), 405);
    assert_eq!(partner.get(BOARD, json!({}), &[]).await.status(), 400);
    assert_eq!(app.count("SELECT count(*) FROM customer").await, 0);

    app.sql("UPDATE tenant SET publishes_board = false").await.unwrap();
    let answer = partner.get(STATIONS, json!({}), &[]).await;
    assert_eq!(header(&answer, "cache-control"), "private, max-age=5");
}

fn header(response: &reqwest::Response, name: &str) -> String {
    let values = response.headers().get_all(name).iter();
    values.map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(", ")
}
