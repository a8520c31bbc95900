//! No number is lost or repeated where executions are shared.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use rstest::rstest;
use service::event::{Cursor, Event};
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json, text,
};

use super::until;

const NUMBERS: &str = "subscription($after: Cursor) { fleetEvents(after: $after) { cursor } }";
const SAME: &str = "# The same, differently.
    subscription( $after :Cursor ){ fleetEvents(after:$after){ cursor, } }";

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_comes_late_gets_what_it_missed_and_goes_on(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut early = app.socket(fleet.token()).await;
    early.subscribe("1", NUMBERS, json!({})).await;
    let first = record(&fleet, 30).await;
    let start = early.data().await["cursor"].clone();
    assert_eq!(number(&app, &fleet, &start), first);

    let writer = async {
        for _ in 0..40 {
            record(&fleet, 5).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let last = first + 30 + 40 * 5 - 1;
    let readers = (0..20).map(|reader| {
        let (app, fleet, start) = (&app, &fleet, &start);
        async move {
            tokio::time::sleep(Duration::from_millis(20 * reader)).await;
            let mut socket = app.socket(fleet.token()).await;
            let document = if reader.is_multiple_of(2) { NUMBERS } else { SAME };
            start_numbers(&mut socket, document, start).await;
            let mut seen = Vec::new();
            while seen.last() != Some(&last) {
                seen.push(number(app, fleet, &socket.data().await["cursor"]));
            }
            seen
        }
    });
    let (records, ()) = tokio::join!(join_all(readers), writer);
    for seen in records {
        assert_eq!(seen, (first + 1..=last).collect::<Vec<_>>());
    }
    assert_eq!(app.node.app.feed.listeners(fleet.tenant.id), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coming_and_going_loses_and_repeats_nothing(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let stop = AtomicBool::new(false);
    let writer = async {
        while !stop.load(Ordering::Relaxed) {
            record(&fleet, 3).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let clients = async {
        let clients = (0..1_000_u64).map(|client| visits(&app, &fleet, client));
        let records = join_all(clients).await;
        stop.store(true, Ordering::Relaxed);
        records
    };
    let (records, ()) = tokio::join!(clients, writer);
    for (client, seen) in records.iter().enumerate() {
        let whole: Vec<_> = (seen[0]..).take(seen.len()).collect();
        assert_eq!(seen, &whole, "client {client}");
    }
    until(async || app.node.app.feed.listeners(fleet.tenant.id) == 0).await;

    let mut again = app.socket(fleet.token()).await;
    again.subscribe("1", NUMBERS, json!({})).await;
    let next = record(&fleet, 1).await;
    assert_eq!(number(&app, &fleet, &again.data().await["cursor"]), next);
}

/// What one client sees that comes twice, for a moment each, and goes on where it was.
async fn visits(app: &TestApp, fleet: &Fleet, client: u64) -> Vec<i64> {
    let (mut cursor, mut seen) = (json!(null), Vec::new());
    for visit in 0..2 {
        tokio::time::sleep(Duration::from_millis(client * 37 % 900)).await;
        let mut socket = app.socket(fleet.token()).await;
        let document = if client.is_multiple_of(2) { NUMBERS } else { SAME };
        start_numbers(&mut socket, document, &cursor).await;
        for _ in 0..3 + (client + visit) % 30 {
            cursor = socket.data().await["cursor"].clone();
            seen.push(number(app, fleet, &cursor));
        }
        if client.is_multiple_of(3) {
            socket.send(json!({"id": "n", "type": "complete"})).await;
        }
    }
    seen
}

#[rstest]
#[tokio::test]
async fn a_stream_that_cannot_go_on_tells_each_member(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = app.socket(fleet.token()).await;
        socket.subscribe("1", NUMBERS, json!({})).await;
        sockets.push(socket);
    }
    service::event::epoch::renew(&app.node.app.db, fleet.tenant.id).await.unwrap();
    for mut socket in sockets {
        let told = socket.message().await;
        assert_eq!(told["type"], "error", "{told:#}");
        assert_eq!(told["payload"][0]["extensions"]["code"], "RESYNC_REQUIRED");
    }
    until(async || app.node.app.feed.listeners(fleet.tenant.id) == 0).await;
}

async fn start_numbers(socket: &mut Socket, document: &str, after: &Value) {
    let payload = json!({"query": document, "variables": {"after": after}});
    socket.send(json!({"id": "n", "type": "subscribe", "payload": payload})).await;
}

/// So many events in one write; the number of the first.
async fn record(fleet: &Fleet, events: i64) -> i64 {
    let ctx = fleet.system();
    let tariff = fleet.tariff.parse().unwrap();
    ctx.write(|tx| async move {
        (0..events).for_each(|_| tx.record(Event::TariffChanged { id: tariff }));
        Ok(())
    })
    .await
    .unwrap();
    ctx.stream_cursor().await.unwrap().seq - events + 1
}

fn number(app: &TestApp, fleet: &Fleet, cursor: &Value) -> i64 {
    Cursor::open(&text(cursor), &app.node.app.keys, fleet.tenant.id).unwrap().seq
}
