//! The recorded city: live rentals through the use cases, inside a serving node or as a load beside it.

use std::time::Duration;

use rstest::rstest;
use tests::{
    Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json,
    process::{Process, run},
};

const STATIONS: &str = "subscription { stationAvailability { cursor change station { name vehiclesAvailable docksAvailable } } }";

async fn board(node: &Process) -> Socket {
    let mut board = Socket::connect(node.address(), json!({"tenant": "bayarea"})).await;
    board.subscribe("1", STATIONS, json!({})).await;
    board
}

/// The next change, within a time that no honest replay needs.
async fn change(board: &mut Socket) -> Value {
    match board.frame_within(Duration::from_secs(30)).await {
        Some(Frame::Message(message)) => message["payload"]["data"]["stationAvailability"].clone(),
        other => panic!("the board stands still: {other:?}"),
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serving_node_moves_like_a_city(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut settings = app.place.settings();
    let replay = ["--replay", "2000", "--replay-from", "2014-09-03T07:00"];
    let node = Process::serve(&settings, &replay).await;
    let mut board = board(&node).await;
    for _ in 0..40 {
        let seen = change(&mut board).await;
        assert!(seen["station"]["vehiclesAvailable"].as_i64().unwrap() >= 0, "{seen}");
    }
    let live = "SELECT count(*) FROM rental WHERE imported_from IS NULL";
    assert!(app.count(live).await > 0);
    assert_eq!(node.terminate().await, Some(0));
    assert_eq!(app.count("SELECT count(*) FROM rental WHERE ended_at IS NULL").await, 0);
    app.assert_sound().await;

    // Without being asked, nothing moves.
    let rentals = app.count(live).await;
    let node = Process::serve(&settings, &[]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(app.count(live).await, rentals);
    assert_eq!(node.terminate().await, Some(0));

    settings.push(("BIKELEASE_ENV", "production".to_owned()));
    settings.push(("BIKELEASE_SECRET", "0123456789abcdef0123456789abcdef".to_owned()));
    for arguments in [&["serve", "--port", "0", "--replay", "60"][..], &["replay", "--for", "1s"]] {
        let (said, code) = run(&settings, arguments).await;
        assert!(code == 1 && said.contains("production"), "{arguments:?}: {said}");
    }
    assert_eq!(app.count(live).await, rentals);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_is_seen_by_a_node_beside_it_and_ends_by_itself(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let settings = app.place.settings();
    let node = Process::serve(&settings, &["--no-worker"]).await;
    let mut board = board(&node).await;
    let load = ["replay", "--speed", "max", "--for", "3s", "--from", "2014-09-03T07:00", "--each"];
    let ((said, code), seen) = tokio::join!(run(&settings, &load), change(&mut board));
    assert_eq!(code, 0, "{said}");
    assert_ne!(seen["station"]["name"], Value::Null);
    for told in [
        "rentals/s",
        "startRental",
        "endRental",
        "p50 ms",
        "p99 ms",
        "were brought to where a trip begins",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let started = said.lines().filter(|line| line.starts_with("started rental_")).count();
    let there = app.count("SELECT count(*) FROM rental").await;
    assert_eq!(there, i64::try_from(started).unwrap());
    assert_eq!(app.count("SELECT count(*) FROM rental WHERE ended_at IS NULL").await, 0);
    // What the vans did is in the history of the vehicles.
    let moved = "SELECT count(*) FROM vehicle_event WHERE reason LIKE 'replay: %'";
    assert!(app.count(moved).await > 0);
    app.assert_sound().await;
    assert_eq!(node.terminate().await, Some(0));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let app = TestApp::start(Embedded).await;
    let settings = app.place.settings();
    for (arguments, told) in [
        (&["serve", "--replay", "0"][..], "must be a number above 0"),
        (&["serve", "--replay-from", "2014-09-03T07:00"], "--replay"),
        (&["replay", "--speed", "fast"], "or `max`"),
        (&["replay", "--for", "0s"], "must be a time"),
        (&["replay", "--at-once", "0"], "0"),
    ] {
        let (said, code) = run(&settings, arguments).await;
        assert!(code == 2 && said.contains(told), "{arguments:?}: {said}");
    }
    let out = ["replay", "--from", "2015-01-01T00:00", "--for", "1s"];
    let (said, code) = run(&settings, &out).await;
    assert!(code == 1 && said.contains("--from") && said.contains("2014-09-01"), "{said}");
    let mut bare = settings.clone();
    bare.push(("BIKELEASE_DEMO", "false".to_owned()));
    let (said, code) = run(&bare, &["serve", "--port", "0", "--replay", "60"]).await;
    assert!(code == 1 && said.contains("BIKELEASE_DEMO"), "{said}");
}
