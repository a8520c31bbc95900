//! Clients that read slowly or not at all, and subscriptions with much to say.

use std::time::Duration;

use rstest::rstest;
use service::event::{Cursor, Event};
use tests::{
    Fleet, Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json, text,
};

/// More than the network takes for a client that does not read, in frames of 2 KB.
const EVENTS: usize = 3_500;

/// The cursor of each event, as often as a document may ask for it.
fn wordy() -> String {
    let cursors: Vec<_> = (0..29).map(|n| format!("c{n}: cursor")).collect();
    format!(
        "subscription($after: Cursor) {{ fleetEvents(after: $after) {{ cursor {} }} }}",
        cursors.join(" ")
    )
}

async fn record(fleet: &Fleet, events: usize) {
    let (ctx, tariff) = (fleet.system(), fleet.tariff.parse().unwrap());
    for _ in 0..events / 100 {
        let hundred = ctx.write(|tx| async move {
            (0..100).for_each(|_| tx.record(Event::TariffChanged { id: tariff }));
            Ok(())
        });
        hundred.await.unwrap();
    }
}

fn number(app: &TestApp, fleet: &Fleet, event: &Value) -> i64 {
    Cursor::open(&text(&event["cursor"]), &app.node.app.keys, fleet.tenant.id).unwrap().seq
}

async fn numbers(app: &TestApp, fleet: &Fleet, socket: &mut Socket) -> Vec<i64> {
    let mut seen = Vec::new();
    while seen.len() < EVENTS {
        seen.push(number(app, fleet, &socket.data().await));
    }
    seen
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_again_in_time_has_missed_nothing(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut slow = Socket::narrow(app.address(), json!({"token": fleet.token()})).await;
    slow.subscribe("1", &wordy(), json!({})).await;
    let mut quick = app.socket(fleet.token()).await;
    quick.subscribe("1", &wordy(), json!({})).await;
    let first = fleet.system().stream_cursor().await.unwrap().seq + 1;
    let all: Vec<i64> = (first..first + i64::try_from(EVENTS).unwrap()).collect();

    record(&fleet, EVENTS).await;

    assert!(numbers(&app, &fleet, &mut quick).await == all, "somebody else's slowness shows");
    assert!(app.metric("bikelease_frames_waiting").await > 128, "the network took it all");
    assert!(numbers(&app, &fleet, &mut slow).await == all, "something was lost or repeated");
    assert!(slow.silent().await);
    assert!(app.metric("bikelease_resumes_total").await > 0, "nobody was slow");
    assert_eq!(app.metric("bikelease_frames_waiting").await, 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_let_go(#[values(Embedded, Production)] shape: Shape) {
    const GONE: &str = "bikelease_sockets_closed_total{code=\"1013\"}";
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut slow = Socket::narrow(app.address(), json!({"token": fleet.token()})).await;
    slow.subscribe("1", &wordy(), json!({})).await;
    record(&fleet, EVENTS).await;

    for second in 1.. {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if app.metric(GONE).await == 1 {
            assert!((14..=20).contains(&second), "after {second} seconds");
            break;
        }
        assert!(second < 25, "it is still there");
    }
    assert_eq!(app.metric("bikelease_subscriptions").await, 0);
    assert_eq!(slow.closed().await, 1013, "and it can read why");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_with_much_to_say_lets_others_speak(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let start = fleet.query("{ stations { fleetCursor } }", json!({})).await;
    record(&fleet, EVENTS).await;
    let mut socket = app.socket(fleet.token()).await;
    let subscribe = |id: &str, query: &str, variables: Value| {
        let payload = json!({"query": query, "variables": variables});
        json!({"id": id, "type": "subscribe", "payload": payload})
    };
    let after = json!({"after": start["stations"]["fleetCursor"]});
    socket.send(subscribe("much", &wordy(), after)).await;
    socket.data().await;
    socket.send(subscribe("little", "{ me { email } }", json!({}))).await;

    let mut said = 1;
    loop {
        let Frame::Message(message) = socket.frame().await else { panic!("closed") };
        if message["id"] == "little" {
            break;
        }
        said += 1;
    }
    assert!(said < EVENTS / 2, "the answer came after {said} events");
}
