//! `POST /oauth/token`, for clients that expect OAuth 2 (RFC 6749).

use reqwest::header;
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

use super::{PASSWORD, email_of};

async fn token(app: &TestApp, form: &[(&str, &str)]) -> (u16, header::HeaderMap, Value) {
    let encoded: Vec<String> = form
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", value.replace('+', "%2B").replace('@', "%40").replace(' ', "+"))
        })
        .collect();
    let request = app
        .http()
        .post(format!("{}/oauth/token", app.url()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encoded.join("&"));
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.json().await.unwrap())
}

#[rstest]
#[tokio::test]
async fn both_grants_give_tokens_that_nobody_keeps(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let form = [
        ("grant_type", "password"),
        ("tenant", &fleet.slug),
        ("username", &email),
        ("password", PASSWORD),
    ];
    let (status, headers, first) = token(&app, &form).await;
    assert_eq!(
        (status, &first["token_type"], &first["expires_in"]),
        (200, &json!("Bearer"), &json!(600))
    );
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let refresh = text(&first["refresh_token"]);
    let (status, _, second) =
        token(&app, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert_eq!(status, 200);
    let client = app.anonymous(None).with_token(Some(text(&second["access_token"])));
    assert_eq!(client.query("{ me { email } }", json!({})).await["me"]["email"], email);
}

#[rstest]
#[tokio::test]
async fn refusals_are_those_of_the_rfc(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let wrong = [
        ("grant_type", "password"),
        ("tenant", fleet.slug.as_str()),
        ("username", email.as_str()),
        ("password", "wrong horse"),
    ];
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[], "invalid_request"),
        (&[("grant_type", "client_credentials")], "unsupported_grant_type"),
        (&[("grant_type", "refresh_token")], "invalid_request"),
        (&[("grant_type", "refresh_token"), ("refresh_token", "nonsense")], "invalid_grant"),
        (&wrong, "invalid_grant"),
        (&[("grant_type", "password"), ("grant_type", "password")], "invalid_request"),
    ];
    for (form, code) in cases {
        let (status, _, body) = token(&app, form).await;
        assert_eq!((status, &body["error"]), (400, &json!(code)), "{form:?}: {body}");
    }
    let json = app.http().post(format!("{}/oauth/token", app.url())).json(&json!({})).send().await;
    assert_eq!(json.unwrap().status(), 400);
}
