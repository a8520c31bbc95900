//! Redis is a hint: paused, flushed, or with its subscribers killed, it makes nothing wrong and little late.

use std::time::{Duration, Instant};

use rstest::rstest;
use tests::{Shape::Production, Socket, TestApp, json, process::OwnRedis, text};

use crate::nodes::{node, settings, signed_in};

const VEHICLES: &str = "subscription { vehicleChanged { cursor vehicle { state } } }";

#[rstest]
#[case::paused("CLIENT PAUSE 4000 ALL")]
#[case::flushed("FLUSHALL")]
#[case::subscribers_killed("CLIENT KILL TYPE pubsub")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_on_another_node_hears_everything_in_time(#[case] fault: &str) {
    let app = TestApp::start(Production).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = text(&fleet.query("{ me { email } }", json!({})).await["me"]["email"]);
    let vehicle = fleet.vehicle().await;
    let redis = OwnRedis::start().await;
    let settings = redis.settings(settings(&app));
    let (a, b) = tokio::join!(node(&settings, &["--no-worker"]), node(&settings, &["--no-worker"]));
    let (on_a, on_b) =
        (signed_in(&a, &fleet.slug, &email).await, signed_in(&b, &fleet.slug, &email).await);
    let mut board = Socket::connect(b.address(), json!({"token": on_b.token()})).await;
    board.subscribe("1", VEHICLES, json!({})).await;

    redis.command(fault).await;
    for turn in 0..6 {
        let told = Instant::now();
        let (mutation, input, expected) = if turn % 2 == 0 {
            let input = json!({"vehicleId": vehicle, "reason": "flat tyre"});
            ("takeOutOfService", input, "NON_OPERATIONAL")
        } else {
            ("returnToService", json!({"vehicleId": vehicle}), "AVAILABLE")
        };
        on_a.mutate(mutation, "vehicle { id }", input).await.ok();
        assert_eq!(board.data().await["vehicle"]["state"], expected, "turn {turn}");
        // The head is compared every second; the rest is for a busy machine.
        assert!(told.elapsed() < Duration::from_secs(4), "{fault}: {:?}", told.elapsed());
    }
    assert!(board.silent().await);
    app.assert_sound().await;
}
