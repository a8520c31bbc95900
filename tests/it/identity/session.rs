//! Where somebody is signed in: refresh tokens that turn, thieves who are found, and devices that are signed out.

use std::collections::BTreeSet;

use chrono::Duration;
use futures_util::future::join_all;
use rstest::rstest;
use tests::{
    Answer,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

use super::{caller, email_of, sign_in};

async fn refresh(app: &TestApp, token: &Value) -> Answer {
    let input = json!({"refreshToken": token});
    app.anonymous(None).mutate("refreshSession", "accessToken refreshToken", input).await
}

#[rstest]
#[tokio::test]
async fn twenty_at_once_get_the_same_successor(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let first = sign_in(&app, &fleet, &email_of(&fleet).await, json!({})).await.ok();
    let all = join_all((0..20).map(|_| refresh(&app, &first["refreshToken"]))).await;
    let successors: BTreeSet<String> =
        all.iter().map(|answer| text(&answer.ok()["refreshToken"])).collect();
    assert_eq!(successors.len(), 1, "{successors:?}");
    refresh(&app, &json!(successors.first())).await.ok();
}

#[rstest]
#[tokio::test]
async fn a_token_that_comes_again_after_the_grace_ends_the_session(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let first = sign_in(&app, &fleet, &email_of(&fleet).await, json!({})).await.ok();
    let second = refresh(&app, &first["refreshToken"]).await.ok();
    let mut socket = app.socket(caller(&app, &second).token()).await;
    app.advance(Duration::seconds(11));
    assert_eq!(refresh(&app, &first["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
    assert_eq!(refresh(&app, &second["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
    assert_eq!(socket.closed().await, 4403);
}

#[rstest]
#[tokio::test]
async fn the_grace_is_for_the_parent_and_not_for_its_parent(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let first = sign_in(&app, &fleet, &email_of(&fleet).await, json!({})).await.ok();
    let second = refresh(&app, &first["refreshToken"]).await.ok();
    let third = refresh(&app, &second["refreshToken"]).await.ok();
    assert_eq!(
        refresh(&app, &second["refreshToken"]).await.ok()["refreshToken"],
        third["refreshToken"]
    );
    assert_eq!(refresh(&app, &first["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
    assert_eq!(refresh(&app, &third["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
}

#[rstest]
#[tokio::test]
async fn devices_are_listed_and_one_is_signed_out(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let document =
        "mutation($input: SignInInput!) { signIn(input: $input) { accessToken refreshToken } }";
    let input = json!({"tenant": fleet.slug, "email": email, "password": super::PASSWORD});
    let phone = app
        .http()
        .post(format!("{}/graphql", app.url()))
        .header("user-agent", "Velo for Android 7")
        .json(&json!({"query": document, "variables": {"input": input}}));
    app.advance(Duration::minutes(1));
    let phone: Value = phone.send().await.unwrap().json().await.unwrap();
    let phone = phone["data"]["signIn"].clone();

    let document = "{ me { sessions { id userAgent address lastUsedAt createdAt expiresAt } } }";
    let sessions = fleet.query(document, json!({})).await["me"]["sessions"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    assert_eq!(sessions[0]["userAgent"], "Velo for Android 7");
    assert_eq!(sessions[0]["address"], "127.0.0.1");
    assert_eq!(sessions[0]["lastUsedAt"], "2035-01-01T12:01:00Z");
    let one = json!({"sessionId": sessions[0]["id"]});
    fleet.mutate("revokeSession", "signedOut", one.clone()).await.ok();

    assert_eq!(refresh(&app, &phone["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
    let client = caller(&app, &phone);
    assert_eq!(client.send("{ me { id } }", json!({})).await.error(), "UNAUTHENTICATED");
    assert_eq!(
        fleet.query(document, json!({})).await["me"]["sessions"].as_array().unwrap().len(),
        1
    );
    let again = fleet.mutate("revokeSession", "signedOut", one.clone()).await;
    assert_eq!((again.code().as_str(), again.field()), ("NOT_FOUND", json!(["sessionId"])));
    let stranger = fleet.staff(&app).await;
    assert_eq!(stranger.mutate("revokeSession", "signedOut", one).await.code(), "NOT_FOUND");
}
