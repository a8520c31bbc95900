//! API clients and their keys: what lets in, what it lets do, and how much.

use chrono::Duration;
use rstest::rstest;
use tests::{
    Client, Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, document_id, json, key, text,
};

const STATIONS: &str = "query Stations { stations { nodes { name } } }";
const TARIFFS: &str = "query Tariffs { tariffs { nodes { name } } }";

async fn keys(owner: &Client, client: &str) -> Value {
    let document = "query($id: ID!) { apiClient(id: $id) { keys { totalCount nodes {
        id prefix scopes lastUsedAt revokedAt expiresAt } } } }";
    owner.query(document, json!({"id": client})).await["apiClient"]["keys"].clone()
}

async fn revoke(owner: &Client, key: &str) {
    owner.mutate("revokeApiKey", "apiKey { revokedAt }", json!({"keyId": key})).await.ok();
}

#[rstest]
#[tokio::test]
async fn a_key_is_told_once_and_never_kept(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    let secret = partner.token().unwrap();
    assert!(secret.starts_with("blk_") && secret.len() > 80, "{secret}");

    fleet.publish(&partner.id, &[STATIONS]).await;
    partner.call(STATIONS, json!({})).await.payload();

    let shown = keys(&fleet, &partner.id).await;
    assert!(!shown.to_string().contains(&secret));
    assert!(secret.starts_with(&text(&shown["nodes"][0]["prefix"])));
    for part in [&secret, &secret[secret.len() - 40..]] {
        assert_eq!(rows_with(&app, part).await, 0);
    }
    assert_eq!(rows_with(&app, &text(&shown["nodes"][0]["prefix"])).await, 1);
}

/// Of the table of keys, those that have this anywhere.
async fn rows_with(app: &TestApp, text: &str) -> i64 {
    let whole = match app.shape {
        Embedded => "prefix || hex(sha256) || CAST(sha256 AS TEXT) || coalesce(scopes, '')",
        Production => "k::text || encode(sha256, 'escape')",
    };
    app.count(&format!("SELECT count(*) FROM api_key k WHERE {whole} LIKE '%{text}%'")).await
}

#[rstest]
#[tokio::test]
async fn two_keys_work_so_that_a_program_can_change_over(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let old = fleet.partner(&["BOARD_READ"], json!({})).await;
    fleet.publish(&old.id, &[STATIONS]).await;
    let (_, secret) = fleet.api_key(&old.id, json!({})).await;
    let new = fleet.with_token(Some(secret));
    for key in [&old.client, &new] {
        key.call(STATIONS, json!({})).await.payload();
    }

    let third = fleet.try_api_key(&old.id, json!({})).await;
    assert_eq!(third.code(), "API_KEY_LIMIT_REACHED");

    revoke(&fleet, &old.key).await;
    let answer = old.call(STATIONS, json!({})).await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "UNAUTHENTICATED"));
    new.call(STATIONS, json!({})).await.payload();
    fleet.api_key(&old.id, json!({})).await;
    assert_eq!(keys(&fleet, &old.id).await["totalCount"], 3);
}

#[rstest]
#[tokio::test]
async fn of_many_keys_at_once_two_are_made(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    revoke(&fleet, &partner.key).await;
    let tries = (0..8).map(|_| fleet.try_api_key(&partner.id, json!({})));
    let answers = futures_util::future::join_all(tries).await;
    let made = answers.iter().filter(|answer| !answer.payload()["secret"].is_null());
    assert_eq!(made.count(), 2);
}

#[rstest]
#[tokio::test]
async fn a_key_works_until_it_expires(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    fleet.publish(&partner.id, &[STATIONS]).await;
    let past = fleet.try_api_key(&partner.id, json!({"expiresAt": "2034-12-31T00:00:00Z"})).await;
    assert_eq!((past.code().as_str(), past.field()), ("INVALID_INPUT", json!(["expiresAt"])));

    let soon = json!({"expiresAt": "2035-01-01T12:05:00Z"});
    let (_, secret) = fleet.api_key(&partner.id, soon).await;
    let brief = fleet.with_token(Some(secret));
    brief.call(STATIONS, json!({})).await.payload();
    app.advance(Duration::minutes(5));
    assert_eq!(brief.call(STATIONS, json!({})).await.status, 401);
    // It makes room for another.
    fleet.api_key(&partner.id, json!({})).await;
}

#[rstest]
#[tokio::test]
async fn a_forged_key_lets_nobody_in(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    let theirs = other.partner(&["BOARD_READ"], json!({})).await.token().unwrap();
    let own = partner.token().unwrap();
    // The ids of one with the chance of the other.
    let crossed = format!("{}{}", &own[..48], &theirs[48..]);
    let last = if own.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{last}", &own[..own.len() - 1]);
    for wrong in ["blk_", "blk_AAAA", &own[..60], &crossed, &changed, &format!("{own}A")] {
        let answer = fleet.with_token(Some(wrong.to_owned())).call(STATIONS, json!({})).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
}

#[rstest]
#[tokio::test]
async fn a_disabled_client_is_out(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    fleet.publish(&partner.id, &[STATIONS]).await;
    let set = |disabled: bool| {
        let input = json!({"clientId": partner.id, "disabled": disabled});
        fleet.mutate("updateApiClient", "apiClient { disabledAt }", input)
    };
    set(true).await.ok();
    assert_eq!(partner.call(STATIONS, json!({})).await.status, 401);
    assert_eq!(fleet.try_api_key(&partner.id, json!({})).await.code(), "API_CLIENT_DISABLED");
    let listed = fleet.query("{ apiClients { totalCount } }", json!({})).await;
    assert_eq!(listed["apiClients"]["totalCount"], 0);
    set(false).await.ok();
    partner.call(STATIONS, json!({})).await.payload();
}

/// Each scope with a document that needs it and no other.
const SCOPES: &[(&str, &str)] = &[
    ("BOARD_READ", STATIONS),
    ("TARIFFS_READ", TARIFFS),
    ("VEHICLES_READ", "query Vehicles { vehicles { nodes { number } } }"),
    ("CUSTOMERS_READ", "query Customers { customers { nodes { name } } }"),
    ("MONEY_READ", "query Accounts { accounts { nodes { kind } } }"),
    ("RENTALS_READ", "query Rentals { rentals { nodes { state } } }"),
    (
        "FLEET_WRITE",
        "mutation MakeStation($name: String!) { createStation(input: {name: $name, shortCode: $name, capacity: 1,
            position: {latitude: 55, longitude: 12}}) { userErrors { code } } }",
    ),
    (
        "CUSTOMERS_WRITE",
        "mutation MakeCustomer($name: String!) { createCustomer(input: {name: $name}) { userErrors { code } } }",
    ),
    (
        "TARIFFS_WRITE",
        "mutation MakeTariff($name: String!) { createTariff(input: {name: $name, terms: {currency: \"EUR\"}}) {
            userErrors { code } } }",
    ),
    (
        "RENTALS_WRITE",
        "mutation End($name: String!) { endRental(input: {rentalId: \"rental_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f\",
            stationId: \"station_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f\", idempotencyKey: $name}) { userErrors { code } } }",
    ),
];

#[rstest]
#[tokio::test]
async fn a_scope_gives_what_it_says_and_nothing_else(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let documents: Vec<&str> = SCOPES.iter().map(|(_, document)| *document).collect();
    for (scope, _) in SCOPES {
        let partner = fleet.partner(&[scope], json!({})).await;
        fleet.publish(&partner.id, &documents).await;
        for (needed, document) in SCOPES {
            let answer = partner.call(document, json!({"name": key()})).await;
            let refused = answer.body["errors"][0]["extensions"]["code"] == "FORBIDDEN";
            assert_eq!(refused, needed != scope, "{needed} with {scope}: {:#}", answer.body);
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_key_may_do_less_than_its_client_and_never_more(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ", "TARIFFS_READ"], json!({})).await;
    fleet.publish(&partner.id, &[STATIONS, TARIFFS]).await;
    let scopes = json!({"scopes": ["TARIFFS_READ", "CUSTOMERS_READ"]});
    let (_, secret) = fleet.api_key(&partner.id, scopes).await;
    let narrow = fleet.with_token(Some(secret));
    assert_eq!(narrow.call(STATIONS, json!({})).await.error(), "FORBIDDEN");
    narrow.call(TARIFFS, json!({})).await.payload();

    let input = json!({"clientId": partner.id, "scopes": ["BOARD_READ"]});
    fleet.mutate("updateApiClient", "apiClient { scopes }", input).await.ok();
    assert_eq!(narrow.call(TARIFFS, json!({})).await.error(), "FORBIDDEN");
    assert_eq!(partner.call(TARIFFS, json!({})).await.error(), "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn the_last_use_of_a_key_is_known_to_the_minute(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    let used = async || keys(&fleet, &partner.id).await["nodes"][0]["lastUsedAt"].clone();
    assert_eq!(used().await, Value::Null);
    partner.call(STATIONS, json!({})).await;
    assert_eq!(used().await, "2035-01-01T12:00:00Z");
    app.advance(Duration::seconds(30));
    partner.call(STATIONS, json!({})).await;
    assert_eq!(used().await, "2035-01-01T12:00:00Z");
    app.advance(Duration::seconds(30));
    partner.call(STATIONS, json!({})).await;
    assert_eq!(used().await, "2035-01-01T12:01:00Z");
}

const PAGE: &str = "query Page($first: Int) { stations(first: $first) { nodes { name } } }";

#[rstest]
#[tokio::test]
async fn over_its_budget_a_program_waits(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ", "CUSTOMERS_WRITE"], json!({"costPerMinute": 60}));
    let partner = partner.await;
    let make = SCOPES.iter().find(|(scope, _)| *scope == "CUSTOMERS_WRITE").unwrap().1;
    fleet.publish(&partner.id, &[PAGE, make]).await;

    // 5 for the list, and for each of its items 2.
    let answer = partner.call(PAGE, json!({"first": 25})).await;
    let cost = json!({"requested": 55, "budget": 60, "remaining": 5});
    assert_eq!(answer.body["extensions"]["cost"], cost);

    let again = json!({"documentId": document_id(PAGE), "variables": {"first": 15}});
    let over = partner.request("POST", "/graphql").json(&again).send().await.unwrap();
    assert_eq!(
        (over.status().as_u16(), &over.headers()["retry-after"]),
        (429, &"30".parse().unwrap())
    );
    let over: Value = over.json().await.unwrap();
    assert_eq!(over["extensions"]["cost"], json!({"requested": 35, "budget": 60, "remaining": 5}));
    let error = &over["errors"][0]["extensions"];
    assert_eq!((&error["code"], &error["retryAfter"]), (&json!("COST_EXCEEDED"), &json!(30)));

    app.advance(Duration::seconds(30));
    let answer = partner.call(PAGE, json!({"first": 15})).await;
    assert_eq!(answer.body["extensions"]["cost"]["remaining"], 0);

    // What is not paid does not happen.
    let before = app.count("SELECT count(*) FROM customer").await;
    let refused = partner.call(make, json!({"name": "Nobody"})).await;
    assert_eq!(refused.error(), "COST_EXCEEDED");
    assert_eq!(app.count("SELECT count(*) FROM customer").await, before);

    app.advance(Duration::minutes(5));
    let dear = partner.call(PAGE, json!({"first": 100})).await;
    assert_eq!(dear.error(), "COST_EXCEEDED");
    assert_eq!(dear.body["errors"][0]["extensions"]["retryAfter"], Value::Null);
}

#[rstest]
#[tokio::test]
async fn everybody_is_told_what_a_call_costs(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let unlimited = fleet.partner(&["BOARD_READ"], json!({})).await;
    fleet.publish(&unlimited.id, &[PAGE]).await;
    let cost = json!({"requested": 7, "budget": null, "remaining": null});
    for answer in [
        unlimited.call(PAGE, json!({"first": 1})).await,
        fleet.send(PAGE, json!({"first": 1})).await,
        app.anonymous(Some(&fleet.slug)).send(PAGE, json!({"first": 1})).await,
    ] {
        assert_eq!(answer.body["extensions"]["cost"], cost, "{:#}", answer.body);
    }
}

#[rstest]
#[tokio::test]
async fn pages_of_other_sites_do_not_call(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let origins = json!({"allowedOrigins": ["https://app.example"]});
    let partner = fleet.partner(&["BOARD_READ"], origins).await;
    let other = fleet.partner(&["BOARD_READ"], json!({"allowedOrigins": ["https://b.example"]}));
    let other = other.await;
    for client in [&partner, &other] {
        fleet.publish(&client.id, &[STATIONS]).await;
    }
    let body = json!({"documentId": document_id(STATIONS)});
    let from = async |origin: &str| {
        let request = partner.request("POST", "/graphql").header("origin", origin);
        request.json(&body).send().await.unwrap()
    };
    let answer = from("https://app.example").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example");
    for foreign in
        ["https://b.example", "https://evil.example", "https://app.example.evil.example", "null"]
    {
        assert_eq!(from(foreign).await.status(), 403, "{foreign}");
    }
    assert!(
        !from("https://evil.example").await.headers().contains_key("access-control-allow-origin")
    );

    let init = json!({"type": "connection_init", "payload": {"token": partner.token()}});
    assert_eq!(Socket::open_from(app.address(), "https://evil.example").await.err(), Some(403));
    let mut foreign = Socket::open_from(app.address(), "https://b.example").await.unwrap();
    foreign.send(init.clone()).await;
    assert_eq!(foreign.closed().await, 4403);
    let mut own = Socket::open_from(app.address(), "https://app.example").await.unwrap();
    own.send(init).await;
    assert_eq!(own.message().await["type"], "connection_ack");

    let wrong = json!({"name": "X", "scopes": [], "allowedOrigins": ["https://app.example/path"]});
    let refused = fleet.mutate("createApiClient", "apiClient { id }", wrong).await;
    assert_eq!(refused.field(), json!(["allowedOrigins"]));
}

#[rstest]
#[tokio::test]
async fn a_socket_ends_with_its_key(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    let (_, other) = fleet.api_key(&partner.id, json!({})).await;
    let mut socket = app.socket(partner.token()).await;
    let mut stays = app.socket(Some(other)).await;
    revoke(&fleet, &partner.key).await;
    assert_eq!(socket.closed().await, 4403);
    assert_eq!(stays.frame_within(std::time::Duration::from_millis(100)).await, None::<Frame>);
    // With another set of scopes, a program comes back.
    let input = json!({"clientId": partner.id, "scopes": ["TARIFFS_READ"]});
    app.advance(Duration::seconds(1));
    fleet.mutate("updateApiClient", "apiClient { id }", input).await.ok();
    assert_eq!(stays.closed().await, 4403);
}

#[rstest]
#[tokio::test]
async fn staff_do_not_manage_partners(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    let staff = fleet.staff(&app).await;
    let one = "query($id: ID!) { apiClient(id: $id) { name } }";
    for document in ["{ apiClients { nodes { id } } }", one] {
        let answer = staff.send(document, json!({"id": partner.id})).await;
        assert_eq!(answer.error(), "FORBIDDEN", "{document}");
    }
    let id = json!({"id": partner.id});
    let node =
        "query($id: ID!) { node(id: $id) { id ... on ApiClient { name keys { nodes { id } } } } }";
    assert_eq!(staff.query(node, id.clone()).await["node"], Value::Null);
    assert_eq!(fleet.query(node, id).await["node"]["keys"]["nodes"][0]["id"], partner.key);
    let input = json!({"clientId": partner.id, "manifest": "{}"});
    let answer = staff.mutate("publishOperations", "manifest { version }", input).await;
    assert_eq!(answer.error(), "FORBIDDEN");
}
