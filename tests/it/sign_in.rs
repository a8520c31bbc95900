//! Signing in, staying in, and what each role may do.

use chrono::Duration;
use entity::user::Role;
use rstest::rstest;
use service::permission::Permission;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

#[rstest]
#[tokio::test]
async fn wrong_tenant_address_or_password_look_the_same(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = text(&fleet.query("{ me { email } }", json!({})).await["me"]["email"]);
    let anyone = app.anonymous(None);

    let attempt = async |tenant: &str, email: &str, password: &str| {
        let input = json!({"tenant": tenant, "email": email, "password": password});
        anyone.mutate("signIn", "accessToken", input).await.payload()["userErrors"].clone()
    };
    let refused = attempt(&fleet.slug, &email, "wrong horse").await;
    assert_eq!(refused[0]["code"], "INVALID_CREDENTIALS");
    assert_eq!(attempt(&fleet.slug, "nobody@example.test", "wrong horse").await, refused);
    assert_eq!(attempt("no-such-tenant", &email, "correct horse").await, refused);
    assert_eq!(attempt(&fleet.slug, &email.to_uppercase(), "correct horse").await, json!([]));
}

#[rstest]
#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let anyone = app.anonymous(None);
    let first = sign_in(&fleet, &anyone).await;
    let refresh = async |token: &Value| {
        anyone
            .mutate("refreshSession", "accessToken refreshToken", json!({"refreshToken": token}))
            .await
    };

    let second = refresh(&first["refreshToken"]).await.ok();
    app.advance(Duration::seconds(11));
    assert_eq!(refresh(&first["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
    assert_eq!(refresh(&second["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
    assert_eq!(refresh(&json!("nonsense")).await.code(), "INVALID_REFRESH_TOKEN");

    let third = sign_in(&fleet, &anyone).await;
    let out = json!({"refreshToken": third["refreshToken"]});
    anyone.mutate("signOut", "signedOut", out).await.ok();
    assert_eq!(refresh(&third["refreshToken"]).await.code(), "INVALID_REFRESH_TOKEN");
}

#[rstest]
#[tokio::test]
async fn a_token_ends_after_ten_minutes(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    app.advance(Duration::minutes(10));
    let answer = fleet.send_once("{ me { id } }", json!({})).await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "UNAUTHENTICATED"));
}

#[rstest]
#[tokio::test]
async fn a_token_that_was_touched_is_none(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let token = fleet.token().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let cut = token[..token.len() - 4].to_owned();
    for forged in
        [unsigned, cut, "nonsense".to_owned(), format!("{}.{}.{}", parts[0], parts[0], parts[2])]
    {
        let client = app.anonymous(None).with_token(Some(forged));
        assert_eq!(client.send("{ me { id } }", json!({})).await.error(), "UNAUTHENTICATED");
    }
}

#[rstest]
#[tokio::test]
async fn each_role_does_what_the_table_says(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (staff, rider) = (fleet.staff(&app).await, fleet.rider(&app).await);
    let terms = json!({"name": "T", "terms": {"currency": "EUR"}});
    let place = json!({"latitude": 1.0, "longitude": 1.0});
    let mutations = [
        (Permission::ManageTariffs, "createTariff", "tariff { id }", terms),
        (Permission::ManageCustomers, "createCustomer", "customer { id }", json!({"name": "C"})),
        (
            Permission::ManageFleet,
            "createStation",
            "station { id }",
            json!({"name": "S", "shortCode": "", "capacity": 1, "position": place}),
        ),
    ];
    for (role, client) in
        [(Role::Owner, &fleet.owner), (Role::Staff, &staff), (Role::Customer, &rider.client)]
    {
        for (permission, mutation, fields, input) in &mutations {
            let answer = client.mutate(mutation, fields, input.clone()).await;
            let allowed = answer.body.get("errors").is_none();
            assert_eq!(
                allowed,
                Permission::of(role, *permission),
                "{role:?} {mutation}: {:#}",
                answer.body
            );
            assert!(allowed || answer.error() == "FORBIDDEN");
        }
    }
    let anyone = app.anonymous(Some(&fleet.slug));
    anyone
        .query("{ stations { nodes { name } } vehicleTypes { nodes { name } } }", json!({}))
        .await;
    for hidden in ["vehicles", "customers", "rentals", "tariffs"] {
        let answer = anyone.send(&format!("{{ {hidden} {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(answer.error(), "UNAUTHENTICATED");
    }
    assert_eq!(
        app.anonymous(None).send("{ stations { nodes { id } } }", json!({})).await.error(),
        "UNAUTHENTICATED"
    );
}

async fn sign_in(fleet: &tests::Fleet, anyone: &Client) -> Value {
    let email = fleet.query("{ me { email } }", json!({})).await["me"]["email"].clone();
    let input = json!({"tenant": fleet.slug, "email": email, "password": "correct horse"});
    anyone.mutate("signIn", "accessToken refreshToken", input).await.ok()
}
