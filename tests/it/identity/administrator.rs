//! The platform's administrators: they make, suspend and resume tenants, and see nothing inside them.

use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, json, text,
};

use super::{PASSWORD, email_of, sign_in};

async fn administrator(app: &TestApp) -> Client {
    let email = "ops@example.test".to_owned();
    let (name, password) = ("Operations".to_owned(), PASSWORD.to_owned());
    let appoint = service::tenant::administrator::appoint;
    appoint(&app.node.app, email.clone(), name, password).await.unwrap();
    let input = json!({"tenant": "platform", "email": email, "password": PASSWORD});
    let signed_in = app.anonymous(None).mutate("signIn", "accessToken", input).await.ok();
    super::caller(app, &signed_in)
}

#[rstest]
#[tokio::test]
async fn a_tenant_begins_with_an_invitation_to_its_owner(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let platform = administrator(&app).await;
    let input = json!({
        "slug": "velo-west", "name": "Velo West", "timeZone": "Africa/Nairobi", "currency": "KES",
        "ownerEmail": "wanjiru@example.test",
    });
    let made =
        platform.mutate("createTenant", "tenant { id slug currency }", input.clone()).await.ok();
    assert_eq!(made["tenant"]["currency"], "KES");
    let token = app.token_sent_to("wanjiru@example.test").await;
    let accept = json!({"token": token, "name": "Wanjiru", "password": PASSWORD});
    let owner = app.anonymous(None).mutate("acceptInvitation", "accessToken", accept).await.ok();
    let owner = super::caller(&app, &owner);
    let seen = owner
        .query("{ tenant { slug } me { role } auditLog { nodes { action actorKind } } }", json!({}))
        .await;
    assert_eq!(
        (&seen["tenant"]["slug"], &seen["me"]["role"]),
        (&json!("velo-west"), &json!("OWNER"))
    );
    let told = seen["auditLog"]["nodes"].to_string();
    assert!(told.contains("tenant.create") && told.contains("PLATFORM"), "{told}");
    assert_eq!(platform.mutate("createTenant", "tenant { id }", input).await.code(), "SLUG_TAKEN");
    for (field, value) in
        [("slug", "UP"), ("timeZone", "Mars/Base"), ("currency", "BIKE"), ("ownerEmail", "x")]
    {
        let mut input = json!({"slug": "new", "name": "N", "timeZone": "UTC", "currency": "EUR"});
        input[field] = json!(value);
        let refused = platform.mutate("createTenant", "tenant { id }", input).await;
        assert_eq!((refused.code().as_str(), refused.field()), ("INVALID_INPUT", json!([field])));
    }
}

#[rstest]
#[tokio::test]
async fn a_suspended_tenant_answers_nobody_and_loses_nothing(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let platform = administrator(&app).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let rider = fleet.rider(&app).await;
    let vehicle = fleet.vehicle().await;
    rider.start_rental(&vehicle).await.ok();
    let email = email_of(&fleet).await;
    let mut signed_in = app.socket(fleet.token()).await;
    let mut anonymous = app.socket_with(json!({"tenant": fleet.slug})).await;
    let mut others = app.socket(other.token()).await;
    let id = text(&fleet.query("{ tenant { id } }", json!({})).await["tenant"]["id"]);

    let one = json!({"tenantId": id});
    platform.mutate("suspendTenant", "tenant { suspendedAt }", one.clone()).await.ok();

    assert_eq!((signed_in.closed().await, anonymous.closed().await), (4403, 4403));
    let answer = fleet.send_once("{ me { id } }", json!({})).await;
    assert_eq!((answer.status, answer.error().as_str()), (403, "TENANT_SUSPENDED"));
    let answer =
        app.anonymous(Some(&fleet.slug)).send("{ stations { nodes { id } } }", json!({})).await;
    assert_eq!(answer.error(), "TENANT_SUSPENDED");
    assert_eq!(sign_in(&app, &fleet, &email, json!({})).await.code(), "TENANT_SUSPENDED");
    assert_eq!(
        sign_in(&app, &fleet, &email, json!({"password": "wrong horse"})).await.code(),
        "INVALID_CREDENTIALS"
    );
    other.query("{ me { id } }", json!({})).await;
    others.settle().await;
    let refresh = fleet.tokens.lock().unwrap().refresh.clone();
    let renew = json!({"refreshToken": refresh});
    let renewed = app.anonymous(None).mutate("refreshSession", "accessToken", renew.clone()).await;
    assert_eq!(renewed.code(), "TENANT_SUSPENDED");
    app.advance(chrono::Duration::seconds(11));

    platform.mutate("resumeTenant", "tenant { suspendedAt }", one).await.ok();
    sign_in(&app, &fleet, &email, json!({})).await.ok();
    app.anonymous(None).mutate("refreshSession", "accessToken", renew).await.ok();
    assert_eq!(fleet.state(&vehicle).await, "ON_TRIP");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn an_administrator_sees_tenants_and_nothing_inside(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let platform = administrator(&app).await;
    let (fleet, _) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let station = fleet.station(3).await;
    let document = "query($filter: TenantFilter) { tenants(filter: $filter) { totalCount nodes { slug name } } }";
    let all = platform.query(document, json!({})).await["tenants"].clone();
    assert_eq!(all["totalCount"], 2, "the platform itself is none of them: {all}");
    let found = platform.query(document, json!({"filter": {"search": "velo"}})).await;
    assert_eq!(found["tenants"]["nodes"][0]["name"], "Velo Nord");
    for hidden in ["stations", "vehicles", "customers", "rentals", "users", "auditLog"] {
        let answer =
            platform.send(&format!("{{ {hidden} {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(answer.error(), "FORBIDDEN", "{hidden}");
    }
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert!(platform.query(node, json!({"id": station})).await["node"].is_null());
    let nobody = json!({"tenantId": "tenant_00000000000000000000000000000000"});
    let refused = platform.mutate("suspendTenant", "tenant { id }", nobody).await;
    assert_eq!(refused.code(), "NOT_FOUND", "the platform cannot be suspended");
}
