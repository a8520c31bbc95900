//! Bad input gets a clear error with a code, and changes nothing.

use rstest::rstest;
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key,
};

/// Everything that could have changed.
async fn changes(app: &TestApp) -> i64 {
    app.count("SELECT CAST((SELECT coalesce(sum(last_seq), 0) FROM stream_head) + (SELECT count(*) FROM idempotency) AS BIGINT)").await
}

#[rstest]
#[tokio::test]
async fn bodies_that_are_no_request(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let before = changes(&app).await;
    let post = async |content_type: &str, body: String| {
        let request =
            app.http().post(format!("{}/graphql", app.url())).bearer_auth(fleet.token().unwrap());
        let answer = request.header("content-type", content_type).body(body).send().await.unwrap();
        let (status, id) = (
            answer.status().as_u16(),
            answer.headers()["x-request-id"].to_str().unwrap().to_owned(),
        );
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["requestId"], json!(id), "{body:#}");
        (status, body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned())
    };
    let json = "application/json";
    let bad_request = "BAD_REQUEST".to_owned();

    assert_eq!(post(json, "{\"query\": ".into()).await, (400, bad_request.clone()));
    assert_eq!(post(json, "[]".into()).await, (400, bad_request.clone()));
    assert_eq!(post(json, "{\"variables\": {}}".into()).await, (400, bad_request.clone()));
    assert_eq!(
        post(json, "{\"query\": \"{ __typename }\", \"variables\": 7}".into()).await,
        (400, bad_request)
    );
    let open = format!("{{\"query\": \"{{ __typename }}\", \"variables\": {}", "[".repeat(50_000));
    assert_eq!(post(json, open).await, (400, "QUERY_REJECTED".to_owned()));
    assert_eq!(post("text/plain", "{\"query\": \"{ __typename }\"}".into()).await.0, 415);
    assert_eq!(post("application/x-www-form-urlencoded", "query=x".into()).await.0, 415);
    assert_eq!(post(json, format!("{{\"query\": \"{}\"}}", " ".repeat(1 << 20))).await.0, 413);
    assert_eq!(changes(&app).await, before);
}

#[rstest]
#[tokio::test]
async fn documents_that_do_not_fit_the_schema(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let before = changes(&app).await;
    let cases = [
        ("{ stations { ", "GRAPHQL_PARSE_FAILED"),
        ("{ bicycles { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ stations { nodes { wheels } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ stations(first: 0) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ stations(first: 101) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ stations(last: -1) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ stations(first: 1, last: 1) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ stations(after: \"bm8\") { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ node(id: \"nonsense\") { id } }", "BAD_USER_INPUT"),
        ("{ rentals(filter: {startedFrom: \"yesterday\"}) { totalCount } }", "BAD_USER_INPUT"),
    ];
    for (document, code) in cases {
        assert_eq!(fleet.send(document, json!({})).await.error(), code, "{document}");
    }
    let nested = format!(
        "{{ stations(after: {}1{}) {{ totalCount }} }}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert_eq!(fleet.send(&nested, json!({})).await.error(), "QUERY_REJECTED");
    assert_eq!(changes(&app).await, before);
}

#[rstest]
#[tokio::test]
async fn ids_of_another_kind_and_cursors_of_another_list(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let station = fleet.station(5).await;
    fleet.station(5).await;
    let wrong = json!({"vehicleId": station, "idempotencyKey": key()});
    assert_eq!(fleet.mutate("startRental", "rental { id }", wrong).await.error(), "BAD_USER_INPUT");

    let page = fleet.query("{ stations(first: 1) { pageInfo { endCursor } } }", json!({})).await;
    let cursor = page["stations"]["pageInfo"]["endCursor"].clone();
    let document = "query($after: String) { vehicles(after: $after) { nodes { id } } }";
    assert_eq!(fleet.send(document, json!({"after": cursor})).await.error(), "BAD_USER_INPUT");
    let sorted = "query($after: String) { stations(after: $after, sort: {field: SHORT_CODE}) { nodes { id } } }";
    assert_eq!(fleet.send(sorted, json!({"after": cursor})).await.error(), "BAD_USER_INPUT");
    let other = app.fleet("Rad Sued").await;
    let theirs = "query($after: String) { stations(after: $after) { nodes { id } } }";
    assert_eq!(other.send(theirs, json!({"after": cursor})).await.error(), "BAD_USER_INPUT");
    let mut touched = cursor.as_str().unwrap().to_owned();
    touched.replace_range(5..6, if &touched[5..6] == "A" { "B" } else { "A" });
    assert_eq!(fleet.send(theirs, json!({"after": touched})).await.error(), "BAD_USER_INPUT");
    fleet.query(theirs, json!({"after": cursor})).await;
}

#[rstest]
#[tokio::test]
async fn places_outside_the_world(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let before = changes(&app).await;
    for (latitude, longitude, field) in
        [(90.5, 0.0, "latitude"), (0.0, 181.0, "longitude"), (-91.0, 0.0, "latitude")]
    {
        let position = json!({"latitude": latitude, "longitude": longitude});
        let input = json!({"name": "S", "shortCode": "S", "capacity": 1, "position": position});
        let refused = fleet.mutate("createStation", "station { id }", input).await;
        assert_eq!(
            (refused.code().as_str(), refused.field()),
            ("INVALID_INPUT", json!(["position", field]))
        );
    }
    let corner = json!({"latitude": 95.0, "longitude": 0.0});
    let within = json!({"within": {"southWest": corner, "northEast": corner}});
    let document = "query($filter: StationFilter) { stations(filter: $filter) { totalCount } }";
    assert_eq!(fleet.send(document, json!({"filter": within})).await.error(), "BAD_USER_INPUT");
    assert_eq!(changes(&app).await, before);
}

#[rstest]
#[tokio::test]
async fn amounts_that_are_no_money(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let before = changes(&app).await;

    let refused = tariff(&fleet, json!({"currency": "EUR", "unlockPrice": "1.005"})).await;
    assert_eq!(
        (refused.code().as_str(), refused.field()),
        ("INVALID_INPUT", json!(["terms", "unlockPrice"]))
    );
    let refused = tariff(&fleet, json!({"currency": "JPY", "dailyCap": "1.5"})).await;
    assert_eq!(refused.field(), json!(["terms", "dailyCap"]));
    let refused = tariff(&fleet, json!({"currency": "EUR", "unlockPrice": "-1"})).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    let refused = tariff(&fleet, json!({"currency": "EUR", "taxRate": "1.5"})).await;
    assert_eq!(refused.field(), json!(["terms", "taxRate"]));
    for terms in [
        json!({"currency": "XYZ"}),
        json!({"currency": "eur"}),
        json!({"currency": "EUR", "unlockPrice": 1.5}),
        json!({"currency": "EUR", "unlockPrice": "1e5"}),
        json!({"currency": "EUR", "unlockPrice": "NaN"}),
    ] {
        assert_eq!(tariff(&fleet, terms).await.error(), "BAD_USER_INPUT");
    }
    assert_eq!(changes(&app).await, before);
}

#[rstest]
#[tokio::test]
async fn keys_and_texts_of_a_wrong_length(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let ann = fleet.rider(&app).await;
    for bad in [String::new(), "k".repeat(256), "a\0b".to_owned()] {
        let input = json!({"vehicleId": vehicle, "idempotencyKey": bad});
        let refused = ann.mutate("startRental", "rental { id }", input).await;
        assert_eq!(
            (refused.code().as_str(), refused.field()),
            ("INVALID_INPUT", json!(["idempotencyKey"]))
        );
    }
    for name in [" ".to_owned(), "n".repeat(201), "a\u{7}b".to_owned()] {
        let refused =
            fleet.mutate("createCustomer", "customer { id }", json!({"name": name})).await;
        assert_eq!(refused.field(), json!(["name"]));
    }
    for (field, value) in [("phone", "0700123456"), ("email", "nobody")] {
        let mut input = json!({"name": "Ann"});
        input[field] = json!(value);
        let refused = fleet.mutate("createCustomer", "customer { id }", input).await;
        assert_eq!(refused.field(), json!([field]));
    }
    // PostgreSQL keeps no NUL, and SQLite finds nothing with one.
    let search = fleet
        .send("{ stations(filter: {search: \"a\\u0000\"}) { nodes { id } } }", json!({}))
        .await;
    match shape {
        Embedded => assert_eq!(search.payload()["nodes"], json!([])),
        Production => assert_eq!(search.error(), "BAD_USER_INPUT"),
    }
    assert_eq!(app.count("SELECT count(*) FROM rental").await, 0);
}

#[rstest]
#[tokio::test]
async fn methods_and_paths_that_do_not_exist(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let get =
        async |path: &str| app.http().get(format!("{}{path}", app.url())).send().await.unwrap();
    let mutation =
        "/graphql?query=mutation%7BsignOut(input%3A%7BrefreshToken%3A%22x%22%7D)%7BsignedOut%7D%7D";
    let answer = get(mutation).await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()),
        (405, "POST")
    );
    assert_eq!(get("/graphql?query=%7B__typename%7D").await.status(), 200);
    assert_eq!(get("/nowhere").await.status(), 404);
    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/readyz").await.status(), 200);
    let version: Value = get("/version").await.json().await.unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

async fn tariff(fleet: &Fleet, terms: Value) -> tests::Answer {
    fleet.mutate("createTariff", "tariff { id }", json!({"name": "T", "terms": terms})).await
}
