//! A forgotten password, and a changed one.

use chrono::Duration;
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json,
};

use super::{PASSWORD, email_of, sign_in};

#[rstest]
#[tokio::test]
async fn a_link_sets_a_new_password_once_and_ends_all_sessions(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start_with(shape, &[("BIKELEASE_PUBLIC_URL", "https://rent.example")]).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let mut socket = app.socket(fleet.token()).await;
    let ask = json!({"query": format!(
        "mutation {{ requestPasswordReset(input: {{tenant: \"{}\", email: \"{email}\"}}) {{ accepted }} }}", fleet.slug
    )});
    let url = format!("{}/graphql", app.url());
    let answer =
        app.http().post(url).header("host", "evil.example").json(&ask).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let message = app.message_to(&email).await;
    assert!(message.text.contains("https://rent.example/reset-password?token="));
    assert!(!message.text.contains("evil.example"));

    let token = app.token_sent_to(&email).await;
    let anyone = app.anonymous(None);
    let new = json!({"token": token, "password": "battery staple"});
    anyone.mutate("resetPassword", "reset", new.clone()).await.ok();

    assert_eq!(socket.closed().await, 4403);
    assert_eq!(fleet.send_once("{ me { id } }", json!({})).await.error(), "UNAUTHENTICATED");
    assert_eq!(sign_in(&app, &fleet, &email, json!({})).await.code(), "INVALID_CREDENTIALS");
    sign_in(&app, &fleet, &email, json!({"password": "battery staple"})).await.ok();
    assert_eq!(anyone.mutate("resetPassword", "reset", new).await.code(), "INVALID_CODE");
}

#[rstest]
#[tokio::test]
async fn a_link_ends_after_half_an_hour_and_cannot_be_guessed(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let anyone = app.anonymous(None);
    let ask = json!({"tenant": fleet.slug, "email": email});
    anyone.mutate("requestPasswordReset", "accepted", ask).await.ok();
    let token = app.token_sent_to(&email).await;
    let mut other = token.clone();
    let last = if other.pop() == Some('A') { 'E' } else { 'A' };
    other.push(last);
    app.advance(Duration::minutes(30));
    for token in [token.as_str(), other.as_str(), "", "nonsense"] {
        let new = json!({"token": token, "password": "battery staple"});
        assert_eq!(anyone.mutate("resetPassword", "reset", new).await.code(), "INVALID_CODE");
    }
    sign_in(&app, &fleet, &email, json!({})).await.ok();
}

#[rstest]
#[tokio::test]
async fn a_changed_password_needs_the_old_one(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let wrong = json!({"currentPassword": "guess", "newPassword": "battery staple"});
    let refused = fleet.mutate("changePassword", "user { id }", wrong).await;
    assert_eq!(
        (refused.code().as_str(), refused.field()),
        ("INVALID_INPUT", json!(["currentPassword"]))
    );
    let short = json!({"currentPassword": PASSWORD, "newPassword": "short"});
    let refused = fleet.mutate("changePassword", "user { id }", short).await;
    assert_eq!(
        (refused.code().as_str(), refused.field()),
        ("INVALID_INPUT", json!(["newPassword"]))
    );
    let right = json!({"currentPassword": PASSWORD, "newPassword": "battery staple"});
    fleet.mutate("changePassword", "user { id }", right).await.ok();
    assert_eq!(sign_in(&app, &fleet, &email, json!({})).await.code(), "INVALID_CREDENTIALS");
}
