//! What a page in somebody's browser can do to the API: nothing that it was not given.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json,
};

const MUTATION: &str =
    "mutation { createCustomer(input: {name: \"Mallory\"}) { customer { id } } }";
const BOARD: &str = "https://board.example";

/// The requests that a foreign page can send without asking first, with whatever the browser
/// adds by itself; each even with the caller's token.
#[rstest]
#[tokio::test]
async fn no_simple_request_changes_a_row(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let url = format!("{}/graphql", app.url());
    let body = json!({"query": MUTATION}).to_string();
    let form = "query=mutation%7BcreateCustomer(input%3A%7Bname%3A%22Mallory%22%7D)%7Bcustomer%7Bid%7D%7D%7D";
    let boundary = "multipart/form-data; boundary=x";
    let parts = format!(
        "--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{body}\r\n--x\r\n\
         content-disposition: form-data; name=\"map\"\r\n\r\n{{}}\r\n--x--\r\n"
    );
    let post = |kind: &str, body: &str| {
        app.http().post(&url).header("content-type", kind).body(body.to_owned())
    };
    let in_link = reqwest::Url::parse_with_params(&url, [("query", MUTATION)]).unwrap();
    let matrix = [
        ("GET", app.http().get(in_link.clone()), 405),
        (
            "GET with a body",
            app.http().get(&url).header("content-type", "application/json").body(body.clone()),
            400,
        ),
        ("text/plain", post("text/plain", &body), 415),
        ("text/plain with JSON in it", post("text/plain; application/json", &body), 415),
        ("urlencoded", post("application/x-www-form-urlencoded", form), 415),
        ("JSON as urlencoded", post("application/x-www-form-urlencoded", &body), 415),
        ("multipart", post(boundary, &parts), 415),
        ("no content type", app.http().post(&url).body(body.clone()), 415),
        ("JSON in another charset", post("application/json; charset=utf-16", &body), 415),
        ("HEAD", app.http().head(in_link), 405),
        (
            "PUT",
            app.http().put(&url).header("content-type", "application/json").body(body.clone()),
            405,
        ),
    ];
    for (name, request, status) in matrix {
        let request =
            request.bearer_auth(fleet.token().unwrap()).header("origin", "https://evil.example");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
        assert!(answer.headers().get("access-control-allow-origin").is_none(), "{name}");
        assert_eq!(
            app.count("SELECT count(*) FROM customer WHERE name = 'Mallory'").await,
            0,
            "{name}"
        );
    }
    let honest = post("application/json", &body).bearer_auth(fleet.token().unwrap());
    assert_eq!(honest.send().await.unwrap().status(), 200);
    assert_eq!(app.count("SELECT count(*) FROM customer WHERE name = 'Mallory'").await, 1);
}

/// Nothing that a browser adds by itself says who is calling.
#[rstest]
#[tokio::test]
async fn a_cookie_is_not_a_login(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let token = fleet.token().unwrap();
    let request = app.http().post(format!("{}/graphql", app.url()));
    let request = request.header("cookie", format!("token={token}; authorization=Bearer {token}"));
    let answer = request.json(&json!({"query": MUTATION})).send().await.unwrap();
    let body: tests::Value = answer.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{body:#}");
}

#[rstest]
#[tokio::test]
async fn pages_of_the_list_may_call_and_others_may_not(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start_with(shape, &[("BIKELEASE_ALLOWED_ORIGINS", BOARD)]).await;
    let url = format!("{}/graphql", app.url());
    let preflight = async |origin: &str| {
        let request = app.http().request("OPTIONS".parse().unwrap(), &url).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        let request =
            request.header("access-control-request-headers", "authorization,content-type");
        request.send().await.unwrap().headers().clone()
    };
    let answer = preflight(BOARD).await;
    assert_eq!(answer["access-control-allow-origin"], BOARD);
    assert!(answer["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    assert!(answer["vary"].to_str().unwrap().to_lowercase().contains("origin"));
    assert!(answer.get("access-control-allow-credentials").is_none(), "there are no cookies");
    for stranger in [
        "https://evil.example",
        "https://board.example.evil.example",
        "http://board.example",
        "null",
        "*",
    ] {
        assert!(
            preflight(stranger).await.get("access-control-allow-origin").is_none(),
            "{stranger}"
        );
        let request = app.http().post(&url).header("origin", stranger);
        let answer = request.json(&json!({"query": "{ __typename }"})).send().await.unwrap();
        assert!(answer.headers().get("access-control-allow-origin").is_none(), "{stranger}");
    }
}

#[rstest]
#[tokio::test]
async fn every_answer_says_what_browsers_may_do(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let get = |path: &str| app.http().get(format!("{}{path}", app.url()));
    let too_large = app.http().post(format!("{}/graphql", app.url())).body("x".repeat(2 << 20));
    let answers = [
        get("/graphql?query=%7B__typename%7D"),
        get("/graphql?query=%7B"),
        get("/nowhere"),
        get("/healthz"),
        get("/metrics"),
        get("/graphiql"),
        too_large,
    ];
    for request in answers {
        let answer = request.send().await.unwrap();
        let headers = answer.headers();
        let at = answer.url().path().to_owned();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{at}");
        assert_eq!(headers["x-frame-options"], "DENY", "{at}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{at}");
        assert_eq!(headers["cache-control"], "no-store", "{at}");
        assert!(headers.contains_key("permissions-policy"), "{at}");
        assert!(headers.get("strict-transport-security").is_none(), "{at}: there is no TLS");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{at}: {policy}");
        assert_eq!(policy.starts_with("default-src 'none'"), at != "/graphiql", "{at}: {policy}");
    }
}

#[tokio::test]
async fn browsers_are_bound_to_tls_where_there_is_tls() {
    let app =
        TestApp::start_with(Embedded, &[("BIKELEASE_PUBLIC_URL", "https://bikes.example")]).await;
    let answer = app.http().get(format!("{}/healthz", app.url())).send().await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000");
}
