//! Who learns the schema: developers, and in development everybody; strangers not even by errors.

use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json,
};

const SCHEMA: &str = "{ __schema { queryType { name } types { name fields { name } } } }";
async fn code(caller: &Client, document: &str) -> Value {
    let answer = caller.send(document, json!({})).await;
    answer.body["errors"][0]["extensions"]["code"].clone()
}

#[rstest]
#[tokio::test]
async fn in_development_everybody_may_ask(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let schema = app.anonymous(None).query(SCHEMA, json!({})).await;
    assert_eq!(schema["__schema"]["queryType"]["name"], "Query");
    assert_eq!(
        app.http().get(format!("{}/graphiql", app.url())).send().await.unwrap().status(),
        200
    );
}

#[rstest]
#[tokio::test]
async fn in_production_developers_may_ask(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start_in_production(shape, &[]).await;
    let fleet = app.fleet("Velo Nord").await;
    let (staff, rider) = (fleet.staff(&app).await, fleet.rider(&app).await);
    for may in [&*fleet, &staff] {
        assert_eq!(code(may, SCHEMA).await, Value::Null);
    }
    for may_not in [&*rider, &app.anonymous(Some(&fleet.slug)), &app.anonymous(None)] {
        assert_eq!(code(may_not, SCHEMA).await, "INTROSPECTION_DISABLED");
        let hidden = "query($no: Boolean!) { ...{ ...F } } fragment F on Query { __typename __schema @skip(if: $no) { types { name } } }";
        let answer = may_not.send(hidden, json!({"no": true})).await;
        assert_eq!(answer.error(), "INTROSPECTION_DISABLED");
        assert_eq!(code(may_not, "{ __typename }").await, Value::Null, "no client lives without");
    }
}

#[rstest]
#[tokio::test]
async fn a_socket_is_no_way_around(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start_in_production(shape, &[]).await;
    let fleet = app.fleet("Velo Nord").await;
    let ask = async |mut socket: Socket| {
        socket.subscribe("1", SCHEMA, json!({})).await;
        socket.message().await
    };
    let refused = ask(app.socket(None).await).await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "INTROSPECTION_DISABLED");
    assert_eq!(ask(app.socket(fleet.token()).await).await["type"], "next");
}

/// With the true names as a list, a stranger learns of each only whether it is a field.
#[rstest]
#[tokio::test]
async fn probing_tells_nothing_beyond_an_unknown_field(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start_in_production(shape, &[]).await;
    let fleet = app.fleet("Velo Nord").await;
    let schema = fleet.query(SCHEMA, json!({})).await;
    let types = schema["__schema"]["types"].as_array().unwrap();
    let names = types.iter().flat_map(|one| one["fields"].as_array().into_iter().flatten());
    let mut names: Vec<_> = names.map(|field| field["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() > 100, "{}", names.len());

    let stranger = app.anonymous(None);
    let probe = async |name: &str| {
        stranger.send(&format!("{{ me {{ {name} }} }}"), json!({})).await.body["errors"][0]["message"]
            .as_str()
            .map(ToOwned::to_owned)
    };
    for name in &names {
        for near in [format!("{name}x"), name[1..].to_owned()] {
            if near.is_empty() || names.contains(&near.as_str()) {
                continue;
            }
            let said = probe(&near).await.unwrap_or_default();
            assert_eq!(said, format!("Unknown field \"{near}\" on type \"User\"."));
        }
    }
}

#[rstest]
#[tokio::test]
async fn the_page_is_served_where_it_is_configured(#[values(Embedded)] shape: Shape) {
    let app = TestApp::start_in_production(shape, &[("BIKELEASE_GRAPHIQL", "true")]).await;
    assert_eq!(
        app.http().get(format!("{}/graphiql", app.url())).send().await.unwrap().status(),
        200
    );
    assert_eq!(code(&app.anonymous(None), SCHEMA).await, "INTROSPECTION_DISABLED");
}
