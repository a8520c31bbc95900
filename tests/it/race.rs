//! Two at the same moment, and the same one twice: exactly one rental.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json, text,
};

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_forty_racers_exactly_one_wins(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let mut racers = Vec::new();
    for _ in 0..40 {
        racers.push(fleet.rider(&app).await);
    }

    let starts = racers.iter().map(|racer| racer.start_rental(&vehicle));
    let answers = futures_util::future::join_all(starts).await;

    let won = answers.iter().filter(|answer| answer.payload()["rental"].is_object()).count();
    let lost = answers.iter().filter(|answer| answer.payload()["rental"].is_null());
    assert_eq!(won, 1);
    assert!(lost.map(tests::Answer::code).all(|code| code == "VEHICLE_TAKEN"));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn the_database_itself_refuses_a_second_open_rental(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    fleet.rider(&app).await.start_rental(&vehicle).await.ok();

    let columns = "tenant_id, vehicle_id, customer_id, tariff_id, terms, state, started_at, distance_meters, currency, lost";
    let id = match shape {
        Embedded => "randomblob(16)",
        Production => "gen_random_uuid()",
    };
    let doubled = app
        .sql(&format!("INSERT INTO rental (id, {columns}) SELECT {id}, {columns} FROM rental"))
        .await;

    let error = doubled.unwrap_err().to_string();
    let constraint = service::rental::ONE_OPEN_PER_VEHICLE;
    assert!(error.contains(constraint.name) || error.contains(constraint.columns), "{error}");
}

#[rstest]
#[tokio::test]
async fn the_same_key_gives_the_first_answer_and_acts_once(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, other) = (fleet.vehicle().await, fleet.vehicle().await);
    let ann = fleet.rider(&app).await;
    let fields = "rental { id state startedAt }";
    let input = json!({"vehicleId": vehicle, "idempotencyKey": "once"});

    let first = ann.mutate("startRental", fields, input.clone()).await.ok();
    let again = ann.mutate("startRental", fields, input).await.ok();
    assert_eq!(first, again);

    let changed = json!({"vehicleId": other, "idempotencyKey": "once"});
    let refused = ann.mutate("startRental", fields, changed).await;
    assert_eq!(refused.code(), "IDEMPOTENCY_MISMATCH");
    assert_eq!(app.count("SELECT count(*) FROM rental").await, 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_at_once_with_one_key_are_one_call(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let ann = fleet.rider(&app).await;
    let input = json!({"vehicleId": vehicle, "idempotencyKey": "once"});

    let calls = (0..20).map(|_| ann.mutate("startRental", "rental { id }", input.clone()));
    let answers = futures_util::future::join_all(calls).await;

    let first = answers[0].ok();
    assert!(answers.iter().all(|answer| answer.ok() == first));
    assert_eq!(app.count("SELECT count(*) FROM rental").await, 1);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_refusal_is_not_remembered(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, station) = (fleet.vehicle().await, fleet.station(3).await);
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let input = json!({"vehicleId": vehicle, "idempotencyKey": "bens"});

    assert_eq!(
        ben.mutate("startRental", "rental { id }", input.clone()).await.code(),
        "VEHICLE_TAKEN"
    );
    ann.end_rental(&rental, &station).await.ok();
    ben.mutate("startRental", "rental { id }", input).await.ok();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_new_defaults_the_later_one_stays(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    for _ in 0..10 {
        let (a, b) = tokio::join!(fleet.tariff(json!({})), fleet.tariff(json!({})));
        let defaults = "SELECT count(*) FROM tariff WHERE is_default";
        assert_eq!(app.count(defaults).await, 1, "{a} {b}");
    }
}
