//! Records of another system: each ride comes in once, as it was, however often it is brought.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use rstest::rstest;
use tests::{
    Place,
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
    process::{command, run},
    text,
};

/// Station 1 was moved; 2 has one dock.
pub const STATIONS: &str = "\
station_id,name,lat,long,dock_count,landmark,install_date
1,Old Harbour,37.70,-122.39,2,San Francisco,2013-08-01
1,Harbour,37.79,-122.39,2,San Francisco,2013-08-01
2,Market,37.78,-122.41,1,San Francisco,2013-08-01
3,Park,37.77,-122.42,5,San Francisco,2013-08-01
";

pub const HEADER: &str = "trip_id,duration,start_date,start_station,start_terminal,end_date,end_station,end_terminal,bike_id,subscription_type,zip_code";

/// Bike 10 is moved by a van between its second and third ride, bike 11 overlaps with itself and rides over a change of
/// the clocks, bike 12 is gone for 200 days, and two bikes end where there is one dock.
const TRIPS: &str = "\
1,600,2014-03-01T08:00:00Z,Pier at Nowhere,1,2014-03-01T08:10:00Z,Market,2,10,Subscriber,94107
2,2400,2014-03-01T09:00:00Z,Market,2,2014-03-01T09:40:00Z,Park,3,10,Customer,2139
3,300,2014-03-02T09:00:00Z,Old Harbour,1,2014-03-02T09:05:00Z,Market,2,10,Customer,none
4,5395,2014-03-09T09:30:00Z,Park,3,2014-03-09T10:00:00Z,Park,3,11,Subscriber,94107-1234
6,7200,2014-03-20T10:00:00Z,Park,3,2014-03-20T12:00:00Z,Harbour,1,11,Subscriber,94107
7,600,2014-03-20T11:00:00Z,Harbour,1,2014-03-20T11:10:00Z,Market,2,11,Subscriber,94107
5,17270400,2014-04-01T00:00:00Z,Park,3,2014-10-17T21:20:00Z,Park,3,12,Customer,94107
";

/// The two files in the test's folder.
pub fn files(place: &Place, stations: &str, trips: &str) -> [PathBuf; 2] {
    let [s, t] = ["stations.csv", "trips.csv"].map(|name| place.folder.join(name));
    std::fs::write(&s, stations).unwrap();
    std::fs::write(&t, trips).unwrap();
    [s, t]
}

/// Into the tenant `tiny`.
pub async fn import(place: &Place, files: [&Path; 2], more: &[&str]) -> (String, i32) {
    let [stations, trips] = files.map(|path| path.to_str().unwrap());
    let mut arguments = vec!["import", "bayarea", "--tenant", "tiny"];
    arguments.extend(["--stations", stations, "--trips", trips]);
    arguments.extend_from_slice(more);
    run(&place.settings(), &arguments).await
}

#[rstest]
#[tokio::test]
async fn rides_come_in_as_they_were(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let trips = format!("{HEADER}\n{TRIPS}");
    let [stations, trips] = files(&app.place, STATIONS, &trips);
    let (said, code) = import(&app.place, [&stations, &trips], &[]).await;
    assert_eq!(code, 0, "{said}");
    for line in [
        "7  rides",
        "1  stations were moved or renamed",
        "1  trips name a station otherwise",
        "1  ZIP codes are none",
        "1  trips are an hour off",
        "1  rides end when their bike's next one begins",
        "1  rides took more than a day",
        "1  times a bike was brought",
        "3  vehicles",
        "1  of them stand in the warehouse",
        "rows/s",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let owner = app.owner_of("tiny").await;
    let document = "{ rentals(first: 20, filter: {imported: true}, direction: ASC) { nodes {
        state startedAt endedAt overdueAt importedFrom lost price { amount currency } priceLines { kind amount { amount } }
        customer { name } vehicle { number } startStation { name } endStation { name } distanceMeters } } }";
    let rentals = owner.query(document, json!({})).await["rentals"]["nodes"].clone();
    let rentals = rentals.as_array().unwrap();
    let by = |number: u32| {
        let from = format!("bayarea2014/{number}");
        rentals.iter().find(|rental| rental["importedFrom"] == json!(from)).unwrap()
    };
    assert_eq!(rentals.len(), 7);
    assert!(rentals.iter().all(|rental| rental["state"] == "ENDED" && rental["lost"] == false));
    assert_eq!(by(1)["price"], json!({"amount": "0.00", "currency": "USD"}));
    assert_eq!(by(1)["customer"]["name"], "Members from 94107");
    assert_eq!(
        (&by(1)["startStation"]["name"], &by(1)["endStation"]["name"]),
        (&json!("Harbour"), &json!("Market"))
    );
    assert!(by(1)["distanceMeters"].as_i64().unwrap() > 1_000);
    assert_eq!(by(2)["customer"]["name"], "Casual riders from 02139");
    assert_eq!(
        by(2)["priceLines"],
        json!([
            {"kind": "UNLOCK", "amount": {"amount": "2.00"}},
            {"kind": "MINUTES", "amount": {"amount": "4.00"}},
            {"kind": "TAX", "amount": {"amount": "0.53"}},
        ])
    );
    assert_eq!(by(3)["customer"]["name"], "Casual riders from elsewhere");
    assert_eq!(minutes(by(4)), 89, "the duration counts, not the clocks");
    assert_eq!(minutes(by(6)), 60, "the next ride of the bike ends it");
    assert_eq!(minutes(by(5)), 199 * 24 * 60 + 21 * 60 + 20);
    assert_ne!(by(5)["overdueAt"], Value::Null);
    assert_eq!(by(1)["overdueAt"], Value::Null);
    vehicles_stand_where_their_last_ride_ended(&app, &owner).await;
    app.assert_sound().await;
}

fn minutes(rental: &Value) -> i64 {
    let time = |name: &str| text(&rental[name]).parse::<DateTime<Utc>>().unwrap();
    (time("endedAt") - time("startedAt")).num_minutes()
}

async fn vehicles_stand_where_their_last_ride_ended(app: &TestApp, owner: &tests::Client) {
    let document = "{ vehicles(first: 20) { nodes { number state station { name } history(first: 50) { nodes {
        eventTypes stateBefore state occurredAt station { name } reason rental { importedFrom } } } } } }";
    let vehicles = owner.query(document, json!({})).await["vehicles"]["nodes"].clone();
    let of = |number: &str| {
        vehicles
            .as_array()
            .unwrap()
            .iter()
            .find(|vehicle| vehicle["number"] == number)
            .unwrap()
            .clone()
    };
    let at_market =
        ["010", "011"].map(of).iter().filter(|v| v["station"]["name"] == "Market").count();
    assert_eq!(at_market, 1, "there is one dock");
    assert_eq!(of("012")["station"]["name"], "Park");
    let types: Vec<_> = of("010")["history"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["eventTypes"].clone())
        .collect();
    let (start, end) = (json!(["TRIP_START"]), json!(["TRIP_END"]));
    let mut expected = vec![
        json!(["PROVIDER_DROP_OFF"]),
        start.clone(),
        end.clone(),
        start.clone(),
        end.clone(),
        json!(["REBALANCE_PICK_UP", "PROVIDER_DROP_OFF"]),
        start,
        end,
    ];
    let mut found = types;
    // Newest first; what it is now was written last.
    let now = found.remove(0);
    assert!(now == json!(["PROVIDER_DROP_OFF"]) || now == json!([]), "{now}");
    expected.reverse();
    assert_eq!(found, expected);
    // One event for each vehicle, and none for its rides.
    let of_kind = |kind: &str| format!("SELECT count(*) FROM event WHERE kind = '{kind}'");
    assert_eq!(app.count(&of_kind("vehicle_changed")).await, 3);
    for kind in ["rental_started", "rental_ended", "customer_changed"] {
        assert_eq!(app.count(&of_kind(kind)).await, 0, "{kind}");
    }
}

#[rstest]
#[tokio::test]
async fn a_second_import_adds_nothing_and_a_longer_file_adds_the_rest(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let lines: Vec<&str> = TRIPS.lines().collect();
    let [stations, trips] =
        files(&app.place, STATIONS, &format!("{HEADER}\n{}\n", lines[..3].join("\n")));
    assert_eq!(import(&app.place, [&stations, &trips], &[]).await.1, 0);
    let state = async || {
        let mut counts = Vec::new();
        for table in [
            "rental",
            "price_line",
            "vehicle_event",
            "event",
            "customer",
            "vehicle",
            "station",
            "tariff",
        ] {
            counts.push(app.count(&format!("SELECT count(*) FROM {table}")).await);
        }
        counts
    };
    let first = state().await;
    let (said, code) = import(&app.place, [&stations, &trips], &[]).await;
    assert!(code == 0 && said.contains("3  of them were there already"), "{said}");
    assert_eq!(state().await, first);

    std::fs::write(&trips, format!("{HEADER}\n{TRIPS}")).unwrap();
    let (said, code) = import(&app.place, [&stations, &trips], &[]).await;
    assert!(code == 0 && said.contains("4  rentals"), "{said}");
    assert_eq!(app.count("SELECT count(*) FROM rental WHERE imported_from IS NOT NULL").await, 7);
    app.assert_sound().await;
}

/// The built-in month into the demo, killed on the way, and brought again.
#[rstest]
#[tokio::test]
async fn an_import_that_was_killed_goes_on(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let settings = app.place.settings();
    let (said, code) = run(&settings, &["seed"]).await;
    assert_eq!(code, 0, "{said}");
    let mut killed = command(&settings, &["import", "bayarea"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let rentals = "SELECT count(*) FROM rental";
    let began = std::time::Instant::now();
    while app.count(rentals).await == 0 {
        assert!(began.elapsed().as_secs() < 60, "the import never began");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    killed.kill().await.unwrap();
    let there = app.count(rentals).await;
    assert!(there > 0 && there < 31_682, "{there}");
    app.assert_sound().await;

    let (said, code) = run(&settings, &["import", "bayarea"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(app.count(rentals).await, 31_682);
    let again = run(&settings, &["import", "bayarea"]).await.0;
    assert!(
        again.contains("31,682  of them were there already") && again.contains("0 rows"),
        "{again}"
    );
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_vehicle_that_was_rented_since_stays_where_it_is(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let lines: Vec<&str> = TRIPS.lines().collect();
    let [stations, trips] = files(&app.place, STATIONS, &format!("{HEADER}\n{}\n", lines[6]));
    assert_eq!(import(&app.place, [&stations, &trips], &[]).await.1, 0);
    let owner = app.owner_of("tiny").await;
    let found = owner
        .query("{ vehicles(first: 1) { nodes { id station { name } } } stations(first: 9) { nodes { id name } } customers(first: 1) { nodes { id } } }", json!({}))
        .await;
    assert_eq!(found["vehicles"]["nodes"][0]["station"]["name"], "Park");
    let vehicle = text(&found["vehicles"]["nodes"][0]["id"]);
    let named = |name: &str| {
        let stations = found["stations"]["nodes"].as_array().unwrap();
        text(&stations.iter().find(|station| station["name"] == name).unwrap()["id"])
    };
    let input = json!({"vehicleId": vehicle, "customerId": found["customers"]["nodes"][0]["id"], "idempotencyKey": tests::key()});
    let rental = owner.mutate("startRental", "rental { id }", input).await.ok();
    app.advance(Duration::minutes(5));
    owner.end_rental(&text(&rental["rental"]["id"]), &named("Harbour")).await.ok();

    let later =
        "8,600,2014-12-01T08:00:00Z,Park,3,2014-12-01T08:10:00Z,Market,2,12,Subscriber,94107";
    std::fs::write(&trips, format!("{HEADER}\n{later}\n")).unwrap();
    let (said, code) = import(&app.place, [&stations, &trips], &[]).await;
    assert!(code == 0 && said.contains("1  vehicles stay where they are"), "{said}");
    let document = "query($id: ID!) { node(id: $id) { ... on Vehicle { station { name } } } }";
    let now = owner.query(document, json!({"id": vehicle})).await;
    assert_eq!(now["node"]["station"]["name"], "Harbour");
    app.assert_sound().await;
}
