//! A session that is ended takes its tokens and sockets along, on every node.

use std::time::{Duration, Instant};

use rstest::rstest;
use tests::{
    Client, Fleet,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json,
};

use crate::nodes::{node, settings};

/// A second to find out, and one for a busy machine.
const SOON: Duration = Duration::from_secs(2);

async fn sign_in(fleet: &Fleet, anyone: &Client) -> Value {
    let email = fleet.query("{ me { email } }", json!({})).await["me"]["email"].clone();
    let input = json!({"tenant": fleet.slug, "email": email, "password": "correct horse"});
    anyone.mutate("signIn", "accessToken refreshToken", input).await.ok()
}

async fn sign_out(anyone: &Client, session: &Value) {
    let out = json!({"refreshToken": session["refreshToken"]});
    anyone.mutate("signOut", "signedOut", out).await.ok();
}

async fn refresh(anyone: &Client, session: &Value) -> tests::Answer {
    let input = json!({"refreshToken": session["refreshToken"]});
    anyone.mutate("refreshSession", "accessToken", input).await
}

/// What a socket with this token is told first.
async fn greeting(app: &TestApp, session: &Value) -> tests::Frame {
    let mut socket = Socket::open(app.address()).await;
    let payload = json!({"token": session["accessToken"]});
    socket.send(json!({"type": "connection_init", "payload": payload})).await;
    socket.frame().await
}

#[rstest]
#[tokio::test]
async fn signing_out_closes_the_sessions_sockets_and_no_others(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let anyone = app.anonymous(None);
    let (here, there) = (sign_in(&fleet, &anyone).await, sign_in(&fleet, &anyone).await);
    let open =
        async |session: &Value| app.socket_with(json!({"token": session["accessToken"]})).await;
    let (mut first, mut second) = (open(&here).await, open(&here).await);
    let mut other = open(&there).await;
    first.subscribe("1", "subscription { fleetEvents { kind } }", json!({})).await;
    other.subscribe("1", "subscription { fleetEvents { kind } }", json!({})).await;

    sign_out(&anyone, &here).await;
    let asked = Instant::now();

    assert_eq!((first.closed().await, second.closed().await), (4403, 4403));
    assert!(asked.elapsed() < SOON, "after {:?}", asked.elapsed());
    assert_eq!(greeting(&app, &here).await, tests::Frame::Closed(4403));
    fleet.station(3).await;
    assert_eq!(other.data().await["kind"], "STATION_CHANGED", "another session is not touched");
}

#[rstest]
#[tokio::test]
async fn signing_out_everywhere_ends_all_sessions_of_one_login(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let anyone = app.anonymous(None);
    let (here, there) = (sign_in(&fleet, &anyone).await, sign_in(&fleet, &anyone).await);
    let mut board = app.socket_with(json!({"token": there["accessToken"]})).await;
    let colleague = fleet.staff(&app).await;
    let mut desk = app.socket(colleague.token()).await;

    fleet.send_once("mutation { signOutEverywhere { signedOut } }", json!({})).await;

    assert_eq!(board.closed().await, 4403);
    for session in [&here, &there] {
        assert_eq!(greeting(&app, session).await, tests::Frame::Closed(4403));
        assert_eq!(refresh(&anyone, session).await.code(), "INVALID_REFRESH_TOKEN");
    }
    let again = fleet.send_once("{ me { id } }", json!({})).await;
    assert_eq!((again.status, again.error().as_str()), (401, "UNAUTHENTICATED"));
    assert!(desk.silent().await, "somebody else stays signed in");
    let nobody = anyone.send_once("mutation { signOutEverywhere { signedOut } }", json!({})).await;
    assert_eq!(nobody.error(), "UNAUTHENTICATED");
}

#[rstest]
#[tokio::test]
async fn a_copied_refresh_token_ends_what_was_opened_with_it(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let anyone = app.anonymous(None);
    let stolen = sign_in(&fleet, &anyone).await;
    let mut board = app.socket_with(json!({"token": stolen["accessToken"]})).await;
    refresh(&anyone, &stolen).await.ok();
    assert!(board.silent().await, "a token that was traded holds until it ends");
    app.advance(chrono::Duration::seconds(11));

    assert_eq!(refresh(&anyone, &stolen).await.code(), "INVALID_REFRESH_TOKEN");

    assert_eq!(board.closed().await, 4403);
    assert_eq!(greeting(&app, &stolen).await, tests::Frame::Closed(4403));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_at_one_node_closes_sockets_on_another(#[values(Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let settings = settings(&app);
    let (a, b) = tokio::join!(node(&settings, &["--no-worker"]), node(&settings, &["--no-worker"]));
    let session = sign_in(&fleet, &a.client(None)).await;
    let mut board = Socket::connect(a.address(), json!({"token": session["accessToken"]})).await;

    sign_out(&b.client(None), &session).await;

    assert_eq!(board.closed().await, 4403);
}
