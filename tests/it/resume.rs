//! Many who come back at once: each hears all that it missed, and the table is read for all of them together.

use futures_util::future::join_all;
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json,
};

const EVENTS: &str = "subscription($after: Cursor) { fleetEvents(after: $after) { cursor kind } }";

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_clients_reads_each_page_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let before = fleet.query("{ stations(first: 1) { fleetCursor } }", json!({})).await;
    let before = before["stations"]["fleetCursor"].clone();
    let mut missed = 0;
    for _ in 0..20 {
        fleet.station(5).await;
        missed += 1;
    }

    let reads = app.node.app.feed.counts().replay_reads;
    let come_back = (0..80).map(|_| caught_up(&app, fleet.token(), &before, missed));
    let mut seen = join_all(come_back).await;
    assert_eq!(seen.len(), 80);
    seen.dedup();
    assert_eq!(seen.len(), 1, "all of them heard the same");
    let reads = app.node.app.feed.counts().replay_reads - reads;
    assert!(reads <= 2, "the table was read {reads} times for one page");
}

/// The cursors that a client hears of, in their order.
async fn caught_up(
    app: &TestApp,
    token: Option<String>,
    after: &Value,
    missed: usize,
) -> Vec<Value> {
    let mut socket: Socket = app.socket(token).await;
    socket.subscribe("1", EVENTS, json!({"after": after})).await;
    let mut cursors = Vec::new();
    for _ in 0..missed {
        cursors.push(socket.data().await["cursor"].clone());
    }
    assert!(socket.silent().await);
    cursors
}
