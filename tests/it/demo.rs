//! The demo fleet, and the operations that clients and checks depend on, as they are written down.

use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, json, text,
};

#[rstest]
#[tokio::test]
async fn the_fixed_shape_holds_on_the_demo(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    service::seed::demo(&app.node.app).await.unwrap();
    let (owner, rider) = (signed_in(&app, "owner").await, signed_in(&app, "rider").await);
    let station = rider
        .query(
            "{ stations(first: 20, filter: {hasVehiclesAvailable: true}) {
                nodes { id name capacity vehiclesAvailable docksAvailable } pageInfo { hasNextPage endCursor } } }",
            json!({}),
        )
        .await["stations"]
        .clone();
    assert_eq!(station["nodes"].as_array().unwrap().len(), 20);
    assert_eq!(station["pageInfo"]["hasNextPage"], true);
    let at = text(&station["nodes"][0]["id"]);
    let vehicles = format!(
        "{{ vehicles(first: 20, filter: {{state: AVAILABLE, stationId: \"{at}\"}}) {{ nodes {{ id number state station {{ id }} }} }} }}"
    );
    let vehicle = rider.query(&vehicles, json!({})).await["vehicles"]["nodes"][0].clone();
    assert_eq!(vehicle["station"]["id"], json!(at));
    let id = text(&vehicle["id"]);

    let mut boards = app.socket(owner.token()).await;
    let stations = format!(
        "subscription {{ stationAvailability(stationIds: [\"{at}\"], after: null) {{
            cursor change station {{ id vehiclesAvailable docksAvailable }} }} }}"
    );
    boards.subscribe("s", &stations, json!({})).await;
    let fleet = "subscription { vehicleChanged(filter: {state: AVAILABLE}, after: null) {
        cursor change eventTypes vehicle { id state } } }";
    let mut vehicles = app.socket(rider.token()).await;
    vehicles.subscribe("v", fleet, json!({})).await;

    let start = format!(
        "mutation {{ startRental(input: {{vehicleId: \"{id}\", idempotencyKey: \"one\"}}) {{
            rental {{ id state startedAt }} userErrors {{ code field message }} }} }}"
    );
    let rental = rider.send(&start, json!({})).await.ok()["rental"].clone();
    assert_eq!(rental["state"], "ACTIVE");
    assert_eq!(boards.data().await["change"], "UPDATED");
    assert_eq!(vehicles.data().await["change"], "LEFT");

    let rental = text(&rental["id"]);
    let end = format!(
        "mutation {{ endRental(input: {{rentalId: \"{rental}\", stationId: \"{at}\", idempotencyKey: \"two\"}}) {{
            rental {{ id state price {{ amount currency }} }} userErrors {{ code }} }} }}"
    );
    let ended = rider.send(&end, json!({})).await.ok()["rental"].clone();
    assert_eq!(
        (ended["state"].as_str(), ended["price"]["currency"].as_str()),
        (Some("ENDED"), Some("USD"))
    );
    assert_eq!(boards.data().await["station"]["id"], json!(at));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn the_demo_is_a_real_city_and_comes_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    service::seed::demo(&app.node.app).await.unwrap();
    let before = app.count("SELECT count(*) FROM event").await;
    service::seed::demo(&app.node.app).await.unwrap();
    assert_eq!(app.count("SELECT count(*) FROM event").await, before);
    let owner = signed_in(&app, "owner").await;
    let totals = owner
        .query("{ stations(first: 1) { totalCount } vehicles(first: 1) { totalCount } }", json!({}))
        .await;
    assert_eq!(
        (totals["stations"]["totalCount"].clone(), totals["vehicles"]["totalCount"].clone()),
        (json!(70), json!(687))
    );
    app.assert_sound().await;
}

async fn signed_in(app: &TestApp, who: &str) -> Client {
    let anyone = app.anonymous(None);
    let document = format!(
        "mutation {{ signIn(input: {{tenant: \"bayarea\", email: \"{who}@bayarea.example\", password: \"demo-{who}\"}}) {{
            accessToken refreshToken userErrors {{ code }} }} }}"
    );
    let tokens = anyone.send(&document, json!({})).await.ok();
    anyone.with_token(Some(text(&tokens["accessToken"])))
}
