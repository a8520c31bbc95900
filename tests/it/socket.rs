//! graphql-transport-ws: what each misuse is answered with, and what a well-behaved client gets.

use std::time::{Duration, Instant};

use rstest::rstest;
use tests::{
    Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, json,
};

const VEHICLES: &str = "subscription { vehicleChanged { cursor } }";

#[rstest]
#[tokio::test]
async fn who_says_nothing_is_closed_after_five_seconds(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let opened = Instant::now();
    let mut silent = Socket::open(app.address()).await;
    assert_eq!(silent.closed().await, 4408);
    assert!(opened.elapsed() >= Duration::from_secs(4));
}

#[rstest]
#[tokio::test]
async fn each_misuse_has_its_close_code(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let init = json!({"type": "connection_init"});
    let subscribe = json!({"id": "1", "type": "subscribe", "payload": {"query": VEHICLES}});

    let mut legacy = Socket::open_as(app.address(), "graphql-ws").await;
    assert_eq!(legacy.closed().await, 4406);

    let mut early = Socket::open(app.address()).await;
    early.send(subscribe.clone()).await;
    assert_eq!(early.closed().await, 4401);

    let mut forged = Socket::open(app.address()).await;
    forged.send(json!({"type": "connection_init", "payload": {"token": "nonsense"}})).await;
    assert_eq!(forged.closed().await, 4403);

    let mut twice = app.socket(fleet.token()).await;
    twice.send(init).await;
    assert_eq!(twice.closed().await, 4429);

    for nonsense in ["{", "[]", "{\"type\": \"start\"}", "{\"type\": \"subscribe\"}"] {
        let mut socket = app.socket(fleet.token()).await;
        socket.send_raw(nonsense).await;
        assert_eq!(socket.closed().await, 4400, "{nonsense}");
    }

    let mut doubled = app.socket(fleet.token()).await;
    doubled.send(subscribe.clone()).await;
    doubled.send(subscribe).await;
    assert_eq!(doubled.closed().await, 4409);
}

#[rstest]
#[tokio::test]
async fn a_socket_does_not_outlive_its_token(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    app.advance(chrono::Duration::seconds(598));
    let mut socket = app.socket(fleet.token()).await;
    socket.subscribe("1", VEHICLES, json!({})).await;
    let waited = Instant::now();
    assert_eq!(socket.closed().await, 4403);
    assert!(waited.elapsed() < Duration::from_secs(4));

    app.advance(chrono::Duration::seconds(2));
    let mut late = Socket::open(app.address()).await;
    late.send(json!({"type": "connection_init", "payload": {"token": fleet.token()}})).await;
    assert_eq!(late.closed().await, 4403);
}

#[rstest]
#[tokio::test]
async fn queries_mutations_and_refusals_go_over_the_socket_too(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut socket = app.socket(fleet.token()).await;

    socket.subscribe("q", "{ me { role } }", json!({})).await;
    assert_eq!(socket.data().await, json!({"role": "OWNER"}));
    assert_eq!(socket.message().await, json!({"id": "q", "type": "complete"}));

    let create = "mutation { createCustomer(input: {name: \"Ann\"}) { customer { name } } }";
    socket.subscribe("m", create, json!({})).await;
    assert_eq!(socket.data().await["customer"], json!({"name": "Ann"}));
    assert_eq!(socket.message().await["type"], "complete");

    for (document, code) in [
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        (
            "subscription { vehicleChanged(filter: {stationId: \"x\"}) { cursor } }",
            "BAD_USER_INPUT",
        ),
    ] {
        socket.subscribe("e", document, json!({})).await;
        let refused = socket.message().await;
        assert_eq!(refused["type"], "error", "{refused:#}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], code);
        assert!(refused["payload"][0]["extensions"]["requestId"].is_string());
    }
    socket.send(json!({"type": "ping"})).await;
    assert!(socket.silent().await, "the pong is all that comes");
}

#[rstest]
#[tokio::test]
async fn one_socket_carries_fifty_subscriptions(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut socket = app.socket(fleet.token()).await;
    for id in 0..51 {
        let payload = json!({"query": VEHICLES});
        socket.send(json!({"id": id.to_string(), "type": "subscribe", "payload": payload})).await;
    }
    let refused = socket.message().await;
    assert_eq!((&refused["id"], &refused["type"]), (&json!("50"), &json!("error")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "TOO_MANY_SUBSCRIPTIONS");

    socket.send(json!({"id": "0", "type": "complete"})).await;
    socket.subscribe("again", VEHICLES, json!({})).await;
    fleet.vehicle().await;
    let mut heard = 0;
    while let Some(Frame::Message(message)) = socket.frame_within(Duration::from_secs(1)).await {
        assert_eq!(message["type"], "next");
        heard += 1;
    }
    assert_eq!(heard, 50);
}

#[rstest]
#[tokio::test]
async fn a_stopping_node_asks_its_boards_to_come_back(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let mut socket = app.socket(fleet.token()).await;
    socket.subscribe("1", VEHICLES, json!({})).await;
    app.stop();
    assert_eq!(socket.closed().await, 1012);
    let ready = app.http().get(format!("{}/readyz", app.url())).send().await.unwrap();
    assert_eq!(ready.status(), 503);
}

#[rstest]
#[tokio::test]
async fn a_page_of_another_site_opens_no_socket(#[values(Embedded)] shape: Shape) {
    let app =
        TestApp::start_with(shape, &[("BIKELEASE_ALLOWED_ORIGINS", "https://board.example")]).await;
    let open = async |origin: &str| {
        let request = app.http().get(format!("{}/graphql", app.url())).header("origin", origin);
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-version", "13");
        let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let request = request.header("sec-websocket-protocol", "graphql-transport-ws");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(open("https://evil.example").await, 403);
    assert_eq!(open("https://board.example.evil.example").await, 403);
    assert_eq!(open("null").await, 403);
    assert_eq!(open("https://board.example").await, 101);
    assert_eq!(open(&app.url()).await, 101);
}

#[rstest]
#[tokio::test]
async fn nobody_takes_every_socket(#[values(Embedded, Production)] shape: Shape) {
    let limits = [("BIKELEASE_SOCKETS_PER_USER", "2"), ("BIKELEASE_SOCKETS_PER_TENANT", "3")];
    let app = TestApp::start_with(shape, &limits).await;
    let fleet = app.fleet("Velo Nord").await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let first = app.socket(ann.token()).await;
    let _second = app.socket(ann.token()).await;
    let greeting = json!({"type": "connection_init", "payload": {"token": ann.token()}});
    let mut third = Socket::open(app.address()).await;
    third.send(greeting.clone()).await;
    assert_eq!(third.closed().await, 1013, "a user has two");
    drop(third);

    let _bens = app.socket(ben.token()).await;
    let mut fourth = Socket::open(app.address()).await;
    fourth.send(json!({"type": "connection_init", "payload": {"tenant": fleet.slug}})).await;
    assert_eq!(fourth.closed().await, 1013, "a tenant has three");
    drop(first);
    retried(&app, &greeting).await;
}

#[tokio::test]
async fn an_address_has_as_many_sockets_as_it_may() {
    let app = TestApp::start_with(Embedded, &[("BIKELEASE_SOCKETS_PER_ADDRESS", "2")]).await;
    let fleet = app.fleet("Velo Nord").await;
    let (first, _second) = (Socket::open(app.address()).await, Socket::open(app.address()).await);
    let board = json!({"tenant": fleet.slug});
    assert!(Socket::try_connect(app.address(), board.clone()).await.is_none());
    drop(first);
    retried(&app, &json!({"type": "connection_init", "payload": board})).await;
}

/// A place is free again soon after a socket has gone.
async fn retried(app: &TestApp, greeting: &tests::Value) {
    for _ in 0..50 {
        if Socket::try_connect(app.address(), greeting["payload"].clone()).await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no place became free");
}

#[rstest]
#[tokio::test]
async fn operators_see_what_the_sockets_do(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let mut board = app.socket(fleet.token()).await;
    board.subscribe("1", VEHICLES, json!({})).await;
    let broken = json!({"vehicleId": vehicle, "reason": "flat tyre"});
    fleet.mutate("takeOutOfService", "vehicle { id }", broken).await.ok();
    board.data().await;
    let seen = app.metrics().await;
    for line in [
        "bikelease_sockets 1",
        "bikelease_subscriptions 1",
        "bikelease_tenants_live 1",
        "bikelease_events_total ",
        "bikelease_events_late_total ",
        "bikelease_frames_total 2",
        "bikelease_deliveries_total 1",
        "bikelease_executions_total 1",
        "bikelease_groups 1",
        "bikelease_frames_waiting 0",
        "bikelease_feed_lag_events 0",
        "bikelease_event_to_frame_seconds_count 1",
        "bikelease_resumes_total 0",
        "# EOF",
    ] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    app.stop();
    assert_eq!(board.closed().await, 1012);
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(board);
    for _ in 0..50 {
        let seen = app.metrics().await;
        if seen.contains("bikelease_sockets 0") && seen.contains("bikelease_subscriptions 0") {
            assert!(seen.contains("bikelease_sockets_closed_total{code=\"1012\"} 1"), "{seen}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a socket that has gone is still counted");
}
