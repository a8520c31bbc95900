//! Several nodes on one PostgreSQL and one Redis, as real processes; and one that is killed.

use std::time::{Duration, Instant};

use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    Socket, TestApp, json,
    process::{OwnRedis, Process, command},
    text,
};

const VEHICLES: &str = "subscription($after: Cursor) { vehicleChanged(after: $after) { cursor change vehicle { id state } } }";

/// The settings of a process on the test's own database.
pub fn settings(app: &TestApp) -> Vec<(&'static str, String)> {
    let mut settings = app.place.settings();
    settings.push(("BIKELEASE_DEMO", "false".to_owned()));
    settings
}

/// A node, and its owner's token by the system's clock.
pub async fn node(settings: &[(&'static str, String)], arguments: &[&str]) -> Process {
    Process::serve(settings, arguments).await
}

pub async fn signed_in(process: &Process, slug: &str, email: &str) -> Client {
    let input = json!({"tenant": slug, "email": email, "password": "correct horse"});
    let answer = process.client(None).mutate("signIn", "accessToken", input).await.ok();
    process.client(Some(text(&answer["accessToken"])))
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_through_one_node_reaches_a_board_on_another(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = text(&fleet.query("{ me { email } }", json!({})).await["me"]["email"]);
    let vehicle = fleet.vehicle().await;
    let settings = settings(&app);
    let (a, b) = tokio::join!(node(&settings, &[]), node(&settings, &["--no-worker"]));
    let (on_a, on_b) =
        (signed_in(&a, &fleet.slug, &email).await, signed_in(&b, &fleet.slug, &email).await);
    let mut board = Socket::connect(b.address(), json!({"token": on_b.token()})).await;
    board.subscribe("1", VEHICLES, json!({})).await;

    let broken = json!({"vehicleId": vehicle, "reason": "flat tyre"});
    on_a.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();

    assert_eq!(board.data().await["vehicle"]["state"], "NON_OPERATIONAL");
    assert_eq!(a.terminate().await, Some(0));
    assert_eq!(b.terminate().await, Some(0));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_stopped_nothing_is_lost_and_little_is_late(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = text(&fleet.query("{ me { email } }", json!({})).await["me"]["email"]);
    let vehicle = fleet.vehicle().await;
    let mut redis = OwnRedis::start().await;
    let settings = redis.settings(settings(&app));
    let (a, b) = tokio::join!(node(&settings, &["--no-worker"]), node(&settings, &["--no-worker"]));
    let (on_a, on_b) =
        (signed_in(&a, &fleet.slug, &email).await, signed_in(&b, &fleet.slug, &email).await);
    let mut board = Socket::connect(b.address(), json!({"token": on_b.token()})).await;
    board.subscribe("1", VEHICLES, json!({})).await;
    let toggle = async |broken: bool| {
        let (mutation, input) = if broken {
            ("takeOutOfService", json!({"vehicleId": vehicle, "reason": "flat tyre"}))
        } else {
            ("returnToService", json!({"vehicleId": vehicle}))
        };
        on_a.mutate(mutation, "vehicle { id }", input).await.ok();
    };

    toggle(true).await;
    assert_eq!(board.data().await["vehicle"]["state"], "NON_OPERATIONAL");
    redis.stop().await;
    for turn in 0..4 {
        let told = Instant::now();
        toggle(turn % 2 == 1).await;
        let expected = if turn % 2 == 1 { "NON_OPERATIONAL" } else { "AVAILABLE" };
        assert_eq!(board.data().await["vehicle"]["state"], expected);
        assert!(told.elapsed() < Duration::from_secs(3), "{:?}", told.elapsed());
    }
    let ready = reqwest::get(format!("{}/readyz", a.url())).await.unwrap();
    assert_eq!(ready.status(), 200);
    let ready: tests::Value = ready.json().await.unwrap();
    assert_eq!(ready["status"], "degraded");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_comes_back_whole(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = text(&fleet.query("{ me { email } }", json!({})).await["me"]["email"]);
    let (from, to) = (fleet.station(40).await, fleet.station(40).await);
    let mut vehicles = Vec::new();
    let mut customers = Vec::new();
    for _ in 0..8 {
        vehicles.push(fleet.vehicle_at(&from).await);
        let made =
            fleet.mutate("createCustomer", "customer { id }", json!({"name": "Ann"})).await.ok();
        customers.push(text(&made["customer"]["id"]));
    }
    let process = node(&settings(&app), &[]).await;
    let staff = signed_in(&process, &fleet.slug, &email).await;

    let rides = vehicles
        .iter()
        .zip(&customers)
        .map(|(vehicle, customer)| ride_until_cut_off(&staff, vehicle, customer, &to));
    let kill = async {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        process.kill().await;
    };
    let (acknowledged, ()) = tokio::join!(futures_util::future::join_all(rides), kill);

    let again = node(&settings(&app), &[]).await;
    let acknowledged: Vec<String> = acknowledged.into_iter().flatten().collect();
    assert!(acknowledged.len() > 8, "only {} rentals before the kill", acknowledged.len());
    let ids: Vec<_> = acknowledged.iter().take(100).collect();
    let document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let found = fleet.query(document, json!({"ids": ids})).await["nodes"].clone();
    assert!(
        found.as_array().unwrap().iter().all(|node| node.is_object()),
        "an acknowledged rental is gone"
    );
    drop(again);
    let settings = settings(&app);
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let checked = command(&settings, &["invariants"]).output().await.unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    app.assert_sound().await;
}

/// Starts and ends until nobody answers; gives the rentals whose start was acknowledged.
async fn ride_until_cut_off(
    staff: &Client,
    vehicle: &str,
    customer: &str,
    to: &str,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let start = "mutation($input: StartRentalInput!) { startRental(input: $input) { rental { id } userErrors { code } } }";
    let end = "mutation($input: EndRentalInput!) { endRental(input: $input) { rental { id } userErrors { code } } }";
    loop {
        let input =
            json!({"vehicleId": vehicle, "customerId": customer, "idempotencyKey": tests::key()});
        let Some(answer) = try_send(staff, start, input).await else { return acknowledged };
        let Some(rental) = answer["data"]["startRental"]["rental"]["id"].as_str() else {
            return acknowledged;
        };
        acknowledged.push(rental.to_owned());
        let input = json!({"rentalId": rental, "stationId": to, "idempotencyKey": tests::key()});
        if try_send(staff, end, input).await.is_none() {
            return acknowledged;
        }
    }
}

async fn try_send(client: &Client, document: &str, input: tests::Value) -> Option<tests::Value> {
    let request = client.http.post(format!("{}/graphql", client.url)).bearer_auth(client.token()?);
    let body = json!({"query": document, "variables": {"input": input}});
    request.json(&body).send().await.ok()?.json().await.ok()
}
