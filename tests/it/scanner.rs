//! What scanners of GraphQL servers try, one test for each of their checks.

use rstest::rstest;
use tests::{
    Client, Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
};

/// A production installation, as a stranger meets it.
async fn installation(shape: Shape) -> (TestApp, Fleet) {
    let app = TestApp::start_in_production(shape, &[]).await;
    let fleet = app.fleet("Velo Nord").await;
    (app, fleet)
}

async fn asked(caller: &Client, document: &str) -> (String, Value) {
    let answer = caller.send(document, json!({})).await;
    let code = answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none");
    (code.to_owned(), answer.body)
}

#[rstest]
#[tokio::test]
async fn alias_overloading(#[values(Embedded, Production)] shape: Shape) {
    let (app, _fleet) = installation(shape).await;
    let aliases: String = (0..101).map(|i| format!("alias{i}: __typename ")).collect();
    let (code, _) = asked(&app.anonymous(None), &format!("{{ {aliases} }}")).await;
    assert_eq!(code, "QUERY_REJECTED");
}

#[rstest]
#[tokio::test]
async fn array_based_query_batching(#[values(Embedded, Production)] shape: Shape) {
    let (app, _fleet) = installation(shape).await;
    let batch: Vec<_> = (0..10).map(|_| json!({"query": "{ __typename }"})).collect();
    let request = app.http().post(format!("{}/graphql", app.url())).json(&batch);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.unwrap();
    assert!(body.is_object() && body.get("data").is_none(), "{body:#}");
}

#[rstest]
#[tokio::test]
async fn directive_overloading(#[values(Embedded, Production)] shape: Shape) {
    let (app, _fleet) = installation(shape).await;
    let (code, _) =
        asked(&app.anonymous(None), &format!("{{ __typename {} }}", "@aa".repeat(500))).await;
    assert_eq!(code, "QUERY_REJECTED");
}

#[rstest]
#[tokio::test]
async fn circular_introspection(#[values(Embedded, Production)] shape: Shape) {
    let (_app, fleet) = installation(shape).await;
    let circle = "{ __schema { types { fields { type { fields { type { fields { type { fields { \
                  type { name } } } } } } } } } } }";
    let (code, _) = asked(&fleet, circle).await;
    assert_eq!(code, "QUERY_REJECTED", "also for those who may introspect");
}

#[rstest]
#[tokio::test]
async fn field_duplication(#[values(Embedded, Production)] shape: Shape) {
    let (app, fleet) = installation(shape).await;
    let (code, _) =
        asked(&app.anonymous(None), &format!("{{ {} }}", "__typename ".repeat(500))).await;
    assert_eq!(code, "QUERY_REJECTED");
    let inside = format!("{{ stations(first: 100) {{ nodes {{ {} }} }} }}", "id ".repeat(500));
    assert_eq!(asked(&fleet, &inside).await.0, "QUERY_REJECTED");
}

#[rstest]
#[tokio::test]
async fn introspection(#[values(Embedded, Production)] shape: Shape) {
    let (app, fleet) = installation(shape).await;
    let anonymous = app.anonymous(None);
    for document in ["{ __schema { types { name } } }", "{ __type(name: \"Query\") { name } }"] {
        let (code, body) = asked(&anonymous, document).await;
        assert_eq!(code, "INTROSPECTION_DISABLED", "{body:#}");
        assert!(body.get("data").is_none(), "{body:#}");
        assert_eq!(asked(&fleet, document).await.0, "none", "the owner may");
    }
}

#[rstest]
#[tokio::test]
async fn field_suggestions(#[values(Embedded, Production)] shape: Shape) {
    let (app, fleet) = installation(shape).await;
    for document in [
        "{ station { id } }",
        "{ stations { nodes { nam } } }",
        "{ stations(frst: 1) { totalCount } }",
    ] {
        let (code, body) = asked(&app.anonymous(None), document).await;
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{body:#}");
        assert!(!body.to_string().contains("Did you mean"), "{body:#}");
        let (_, body) = asked(&fleet, document).await;
        assert!(body.to_string().contains("Did you mean"), "the owner is helped: {body:#}");
    }
}

#[rstest]
#[tokio::test]
async fn graphiql_detection(#[values(Embedded, Production)] shape: Shape) {
    let (app, _fleet) = installation(shape).await;
    for path in ["/", "/graphiql", "/playground", "/console", "/graphql/console", "/altair"] {
        let request = app.http().get(format!("{}{path}", app.url())).header("accept", "text/html");
        assert_eq!(request.send().await.unwrap().status(), 404, "{path}");
    }
    let request = app.http().get(format!("{}/graphql", app.url())).header("accept", "text/html");
    assert_eq!(request.send().await.unwrap().status(), 406);
}

#[rstest]
#[tokio::test]
async fn get_based_mutation(#[values(Embedded, Production)] shape: Shape) {
    let (app, _fleet) = installation(shape).await;
    let url = format!("{}/graphql", app.url());
    let url = reqwest::Url::parse_with_params(&url, [("query", "mutation { __typename }")]);
    assert_eq!(app.http().get(url.unwrap()).send().await.unwrap().status(), 405);
}

/// Scanners warn of every GET; a query changes nothing, and no cookie or other credential
/// that a browser adds by itself is read.
#[rstest]
#[tokio::test]
async fn get_method_query_support(#[values(Embedded, Production)] shape: Shape) {
    let (app, fleet) = installation(shape).await;
    let url = format!("{}/graphql", app.url());
    let url = reqwest::Url::parse_with_params(&url, [("query", "{ me { role } }")]).unwrap();
    let ask = async |header: &str, value: String| {
        let request = app.http().get(url.clone()).header(header, value);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let token = fleet.token().unwrap();
    let body = ask("cookie", format!("token={token}; session={token}")).await;
    assert_eq!(body["data"]["me"], Value::Null, "{body:#}");
    let body = ask("authorization", format!("Bearer {token}")).await;
    assert_eq!(body["data"]["me"]["role"], "OWNER", "{body:#}");
}

#[rstest]
#[tokio::test]
async fn post_based_url_encoded_query(#[values(Embedded, Production)] shape: Shape) {
    let (app, _fleet) = installation(shape).await;
    let request = app.http().post(format!("{}/graphql", app.url()));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body("query=%7B__typename%7D").send().await.unwrap();
    assert_eq!(answer.status(), 415);
}

#[rstest]
#[tokio::test]
async fn trace_mode(#[values(Embedded, Production)] shape: Shape) {
    let (app, fleet) = installation(shape).await;
    for caller in [&app.anonymous(None), &*fleet] {
        let (_, body) = asked(caller, "{ __typename }").await;
        let text = body.to_string();
        for leak in ["tracing", "ftv1", "resolvers", "startTime", "debug"] {
            assert!(!text.contains(leak), "{leak}: {text}");
        }
    }
    let request =
        app.http().post(format!("{}/graphql", app.url())).json(&json!({"query": "{ __typename }"}));
    let answer = request.header("apollo-federation-include-trace", "ftv1").send().await.unwrap();
    assert!(!answer.text().await.unwrap().contains("ftv1"));
}

#[rstest]
#[tokio::test]
async fn unhandled_errors_detection(#[values(Embedded, Production)] shape: Shape) {
    let (app, fleet) = installation(shape).await;
    let documents =
        ["qwerty cop { abc }", "{ node(id: 7) { id } }", "{ nodes(ids: [null]) { id } }", "{"];
    for document in documents {
        for caller in [&app.anonymous(None), &*fleet] {
            let (code, body) = asked(caller, document).await;
            assert!(code != "none" && code != "INTERNAL_SERVER_ERROR", "{document}: {body:#}");
            let text = body.to_string();
            for leak in ["stack", "exception", "panicked", ".rs", "sqlx", "SELECT", "async_graphql"]
            {
                assert!(!text.contains(leak), "{leak}: {text}");
            }
        }
    }
}
