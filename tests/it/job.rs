//! What happens later: holds that run out, rentals that are overdue, and a stream that is pruned.

mod dead;
mod lease;
mod worker;

use chrono::Duration;
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json, text,
};

#[rstest]
#[tokio::test]
async fn a_hold_that_nobody_meets_ends_on_time(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    let vehicle = fleet.vehicle_at(&station).await;
    fleet.rider(&app).await.reserve(&vehicle).await.ok();
    let mut board = app.socket(fleet.token()).await;
    let document =
        "subscription { vehicleChanged(filter: {state: AVAILABLE}) { change eventTypes } }";
    board.subscribe("1", document, json!({})).await;

    app.advance(Duration::minutes(14));
    app.run_jobs().await;
    assert_eq!(fleet.state(&vehicle).await, "RESERVED");
    app.advance(Duration::minutes(1));
    app.run_jobs().await;

    assert_eq!(fleet.state(&vehicle).await, "AVAILABLE");
    assert_eq!(
        board.data().await,
        json!({"change": "ENTERED", "eventTypes": ["RESERVATION_CANCEL"]})
    );
    assert_eq!(fleet.counters(&station).await, (1, 0, 0, 4));
    app.run_jobs().await;
    assert!(board.silent().await);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_rental_that_is_out_too_long_is_marked_once(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, station) = (fleet.vehicle().await, fleet.station(5).await);
    let ann = fleet.rider(&app).await;
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let mut socket = app.socket(ann.token()).await;
    let document =
        "subscription($id: ID!) { rentalChanged(rentalId: $id) { change rental { overdueAt } } }";
    socket.subscribe("1", document, json!({"id": rental})).await;

    // The token outlives its ten minutes on a socket by the system's clock; the rental's time is the test's.
    app.advance(Duration::minutes(120));
    app.run_jobs().await;
    app.run_jobs().await;

    let overdue = json!({"change": "OVERDUE", "rental": {"overdueAt": "2035-01-01T14:00:00Z"}});
    assert_eq!(socket.data().await, overdue);
    assert!(socket.silent().await);
    let ctx = fleet.system();
    let ended = service::rental::end::end(
        &ctx,
        service::rental::end::EndRental {
            rental: rental.parse().unwrap(),
            at: service::vehicle::Destination::Station(station.parse().unwrap()),
            distance_meters: None,
        },
        "end",
    );
    let ended = ended.await.unwrap();
    // 1.00 + 120 × 0.10 = 13.00 without a penalty at two hours sharp, and a quarter of it in tax.
    assert_eq!(ended.price_minor, Some(1625));
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_ride_that_ended_in_time_is_never_marked(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (vehicle, station) = (fleet.vehicle().await, fleet.station(5).await);
    let ann = fleet.rider(&app).await;
    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    ann.end_rental(&rental, &station).await.ok();
    app.advance(Duration::hours(3));
    app.run_jobs().await;
    assert_eq!(app.count("SELECT count(*) FROM rental WHERE overdue_at IS NOT NULL").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM event WHERE kind = 'rental_overdue'").await, 0);
}

#[rstest]
#[tokio::test]
async fn what_the_consumer_read_twice_happens_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    fleet.rider(&app).await.reserve(&vehicle).await.ok();
    app.run_jobs().await;
    // As after a crash between the effect and its acknowledgement.
    app.sql("UPDATE consumer SET acked_seq = 0").await.unwrap();
    app.run_jobs().await;

    let table = match shape {
        Embedded => "Jobs",
        Production => "apalis.jobs",
    };
    let held = app
        .count(&format!("SELECT count(*) FROM {table} WHERE idempotency_key LIKE 'expire_hold:%'"))
        .await;
    assert_eq!(held, 1);
}

/// As an owner writes "never".
#[rstest]
#[tokio::test]
async fn a_rental_that_is_due_in_nineteen_years_holds_nothing_up(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    fleet.tariff(json!({"overdueAfterMinutes": 10_000_000})).await;
    let ann = fleet.rider(&app).await;
    ann.start_rental(&fleet.vehicle().await).await.ok();
    let held = fleet.vehicle().await;
    fleet.rider(&app).await.reserve(&held).await.ok();
    app.run_jobs().await;
    app.advance(Duration::minutes(20));
    app.run_jobs().await;
    assert_eq!(fleet.state(&held).await, "AVAILABLE");
}
