//! The dashboard's refresh token, in a cookie that one address reads and no foreign page can use.

use reqwest::{Response, header};
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

use super::{email_of, sign_in};

const NAME: &str = "bikelease_refresh";

fn cookie(answer: &Response) -> (String, String) {
    let value = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    let (pair, attributes) = value.split_once(';').unwrap();
    (pair.split_once('=').unwrap().1.to_owned(), attributes.to_owned())
}

async fn refresh(app: &TestApp, cookie: &str, body: &Value) -> Response {
    app.http()
        .post(format!("{}/auth/refresh", app.url()))
        .header(header::COOKIE, format!("other=1; {NAME}={cookie}"))
        .header("x-bikelease-refresh", "1")
        .json(body)
        .send()
        .await
        .unwrap()
}

#[rstest]
#[tokio::test]
async fn a_page_stays_signed_in_without_seeing_the_refresh_token(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let document =
        "mutation($input: SignInInput!) { signIn(input: $input) { accessToken refreshToken } }";
    let input = json!({"tenant": fleet.slug, "email": email, "password": super::PASSWORD, "useCookie": true});
    let body = json!({"query": document, "variables": {"input": input}});
    let answer =
        app.http().post(format!("{}/graphql", app.url())).json(&body).send().await.unwrap();
    let (first, attributes) = cookie(&answer);
    for needed in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/auth/refresh"] {
        assert!(attributes.contains(needed), "{attributes}");
    }
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["data"]["signIn"]["refreshToken"], Value::Null);

    let answer = refresh(&app, &first, &json!({})).await;
    assert_eq!(answer.status(), 200);
    let (second, _) = cookie(&answer);
    let body: Value = answer.json().await.unwrap();
    let client = app.anonymous(None).with_token(Some(text(&body["accessToken"])));
    client.query("{ me { id } }", json!({})).await;
    // Another tab had the same cookie.
    assert_eq!(cookie(&refresh(&app, &first, &json!({})).await).0, second);

    let out = refresh(&app, &second, &json!({"signOut": true})).await;
    let (empty, attributes) = cookie(&out);
    assert!(empty.is_empty() && attributes.contains("Max-Age=0"));
    assert_eq!(refresh(&app, &second, &json!({})).await.status(), 401);
    assert_eq!(client.send("{ me { id } }", json!({})).await.error(), "UNAUTHENTICATED");
}

#[rstest]
#[tokio::test]
async fn a_foreign_page_cannot_use_it(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let signed_in = sign_in(&app, &fleet, &email_of(&fleet).await, json!({})).await.ok();
    let token = text(&signed_in["refreshToken"]);
    let url = format!("{}/auth/refresh", app.url());
    let with_cookie = || app.http().post(&url).header(header::COOKIE, format!("{NAME}={token}"));
    let attempts = [
        (with_cookie().json(&json!({})), 403),
        (
            with_cookie()
                .header("x-bikelease-refresh", "1")
                .header("content-type", "text/plain")
                .body("{}"),
            415,
        ),
        (with_cookie().header("x-bikelease-refresh", "1").body(""), 415),
        (
            with_cookie()
                .header("x-bikelease-refresh", "1")
                .header("origin", "https://evil.example")
                .json(&json!({})),
            403,
        ),
        (with_cookie().header("x-bikelease-refresh", "1").json(&json!({"unknown": 1})), 400),
        (app.http().get(&url).header(header::COOKIE, format!("{NAME}={token}")), 405),
    ];
    for (number, (request, status)) in attempts.into_iter().enumerate() {
        assert_eq!(request.send().await.unwrap().status(), status, "attempt {number}");
    }
    // No other address reads a cookie.
    let me = app
        .http()
        .post(format!("{}/graphql", app.url()))
        .header(header::COOKIE, format!("{NAME}={token}"))
        .json(&json!({"query": "{ me { id } }"}));
    let me: Value = me.send().await.unwrap().json().await.unwrap();
    assert_eq!(me["data"]["me"], Value::Null);
    // And nothing of all this used the token up.
    assert_eq!(refresh(&app, &token, &json!({})).await.status(), 200);
}
