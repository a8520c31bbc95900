//! Looking after other people's logins.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json,
};

use super::{email_of, id_of, sign_in};

#[rstest]
#[tokio::test]
async fn a_disabled_login_is_out_at_once_and_comes_back(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let staff = fleet.staff(&app).await;
    let (id, email) = (id_of(&staff).await, email_of(&staff).await);
    let mut socket = app.socket(staff.token()).await;
    let one = json!({"userId": id});
    fleet.mutate("disableUser", "user { disabledAt }", one.clone()).await.ok();
    assert_eq!(socket.closed().await, 4403);
    assert_eq!(staff.send_once("{ me { id } }", json!({})).await.error(), "UNAUTHENTICATED");
    assert_eq!(sign_in(&app, &fleet, &email, json!({})).await.code(), "INVALID_CREDENTIALS");
    fleet.mutate("enableUser", "user { disabledAt }", one).await.ok();
    sign_in(&app, &fleet, &email, json!({})).await.ok();
}

/// Whoever's role changes comes back as somebody else: open sockets do not keep the old rights.
#[rstest]
#[tokio::test]
async fn another_role_closes_sockets_and_counts_at_the_next_sign_in(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let staff = fleet.staff(&app).await;
    let (id, email) = (id_of(&staff).await, email_of(&staff).await);
    let mut socket = app.socket(staff.token()).await;
    socket.subscribe("1", "subscription { fleetEvents { kind } }", json!({})).await;
    let change = json!({"userId": id, "role": "BROKER"});
    fleet.mutate("updateUser", "user { role }", change).await.ok();
    assert_eq!(socket.closed().await, 4403);
    let again = sign_in(&app, &fleet, &email, json!({})).await.ok();
    let broker = super::caller(&app, &again);
    assert_eq!(broker.send("{ customers { nodes { id } } }", json!({})).await.error(), "FORBIDDEN");
    let ride = json!({"userId": id, "role": "CUSTOMER"});
    assert_eq!(fleet.mutate("updateUser", "user { id }", ride).await.code(), "ROLE_NOT_CHANGEABLE");
}

#[rstest]
#[tokio::test]
async fn a_tenant_keeps_an_owner_also_when_two_go_at_once(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let other = app.owner_of(&fleet.slug).await;
    let (first, second) = (id_of(&fleet).await, id_of(&other).await);
    // Without a way to new tokens: one of them is signed out.
    let (fleet, other) = (fleet.with_token(fleet.token()), other.with_token(other.token()));
    let out = |id: &str| json!({"userId": id});
    let (one, two) = tokio::join!(
        fleet.mutate("disableUser", "user { id }", out(&second)),
        other.mutate("disableUser", "user { id }", out(&first)),
    );
    let gone = [one, two]
        .iter()
        .filter(|answer| answer.body["data"]["disableUser"]["user"].is_object())
        .count();
    assert_eq!(gone, 1);
    let left = app
        .count("SELECT count(*) FROM \"user\" WHERE role = 'owner' AND disabled_at IS NULL")
        .await;
    assert_eq!(left, 1);
}

#[rstest]
#[tokio::test]
async fn admins_do_not_touch_owners(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let admin = fleet.member(&app, entity::user::Role::Admin).await.0;
    let owner = json!({"userId": id_of(&fleet).await});
    for mutation in ["disableUser", "signOutUser", "resetSecondFactor"] {
        assert_eq!(admin.mutate(mutation, "user { id }", owner.clone()).await.error(), "FORBIDDEN");
    }
    let myself = json!({"userId": id_of(&admin).await, "role": "OWNER"});
    assert_eq!(admin.mutate("updateUser", "user { id }", myself).await.error(), "FORBIDDEN");
    let last = json!({"userId": id_of(&fleet).await});
    assert_eq!(fleet.mutate("disableUser", "user { id }", last).await.code(), "LAST_OWNER");
}

#[rstest]
#[tokio::test]
async fn logins_are_listed_searched_and_paged(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    for _ in 0..3 {
        fleet.staff(&app).await;
    }
    let document = "query($after: String, $filter: UserFilter) { users(first: 3, after: $after, filter: $filter) {
        totalCount pageInfo { hasNextPage endCursor } nodes { email role } } }";
    let first = fleet.query(document, json!({})).await["users"].clone();
    assert_eq!(
        (&first["totalCount"], &first["pageInfo"]["hasNextPage"]),
        (&json!(4), &json!(true))
    );
    let after = json!({"after": first["pageInfo"]["endCursor"]});
    let second = fleet.query(document, after).await["users"].clone();
    assert_eq!(second["nodes"].as_array().unwrap().len(), 1);
    let owners = json!({"filter": {"roles": ["OWNER"], "search": &email_of(&fleet).await[..6]}});
    assert_eq!(fleet.query(document, owners).await["users"]["nodes"][0]["role"], "OWNER");
}

/// Looking at a password takes a while: whoever is disabled meanwhile has no session afterwards.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_is_under_way_does_not_outlast_the_login(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start_with(shape, &[("BIKELEASE_SIGN_INS_PER_ADDRESS", "")]).await;
    let fleet = app.fleet("Velo Nord").await;
    let staff = fleet.staff(&app).await;
    let (id, email) = (id_of(&staff).await, email_of(&staff).await);
    let one = json!({"userId": id});
    for pause in [0, 5, 10, 20, 40, 60, 80] {
        let disable = async {
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            fleet.mutate("disableUser", "user { id }", one.clone()).await.ok();
        };
        tokio::join!(sign_in(&app, &fleet, &email, json!({})), disable);
        let live = "SELECT count(*) FROM session s JOIN \"user\" u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
            WHERE u.disabled_at IS NOT NULL AND s.revoked_at IS NULL";
        assert_eq!(app.count(live).await, 0, "after {pause} ms");
        fleet.mutate("enableUser", "user { id }", one.clone()).await.ok();
    }
}
