//! People become users because somebody invited them.

use chrono::Duration;
use futures_util::future::join_all;
use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json, text,
};

use super::{set, sign_in};

#[rstest]
#[tokio::test]
async fn an_invitation_is_accepted_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let invite = json!({"email": "Ann@Example.test", "role": "ACCOUNTANT"});
    fleet.mutate("inviteUser", "invitation { id }", invite).await.ok();
    let token = app.token_sent_to("ann@example.test").await;
    let input = json!({"token": token, "name": "Ann", "password": "correct horse"});
    let anyone = app.anonymous(None);
    let fields = "accessToken user { role name emailVerifiedAt }";
    let all =
        join_all((0..4).map(|_| anyone.mutate("acceptInvitation", fields, input.clone()))).await;
    let made: Vec<_> =
        all.iter().map(tests::Answer::payload).filter(|p| p["accessToken"].is_string()).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(
        (&made[0]["user"]["role"], &made[0]["user"]["name"]),
        (&json!("ACCOUNTANT"), &json!("Ann"))
    );
    sign_in(&app, &fleet, "ann@example.test", json!({})).await.ok();
    let document = "{ invitations { totalCount nodes { email acceptedAt invitedBy { id } } } users { totalCount } }";
    let seen = fleet.query(document, json!({})).await;
    assert_eq!(
        (&seen["invitations"]["totalCount"], &seen["users"]["totalCount"]),
        (&json!(1), &json!(2))
    );
    assert!(seen["invitations"]["nodes"][0]["acceptedAt"].is_string());
}

#[rstest]
#[tokio::test]
async fn a_link_that_was_taken_back_or_is_old_does_nothing(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let anyone = app.anonymous(None);
    let mut tokens = vec!["nonsense".to_owned()];
    let mut ids = Vec::new();
    for email in ["ann@example.test", "ben@example.test"] {
        let invite = json!({"email": email, "role": "STAFF"});
        let made = fleet.mutate("inviteUser", "invitation { id }", invite).await.ok();
        ids.push(text(&made["invitation"]["id"]));
        tokens.push(app.token_sent_to(email).await);
    }
    let back = json!({"invitationId": ids[0]});
    fleet.mutate("revokeInvitation", "invitation { revokedAt }", back).await.ok();
    app.advance(Duration::days(7));
    for token in tokens {
        let input = json!({"token": token, "name": "Ann", "password": "correct horse"});
        let refused = anyone.mutate("acceptInvitation", "accessToken", input).await;
        assert_eq!(refused.code(), "INVALID_CODE");
    }
}

#[rstest]
#[tokio::test]
async fn who_may_invite_whom(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let admin = fleet.member(&app, entity::user::Role::Admin).await.0;
    let (staff, rider) = (fleet.staff(&app).await, fleet.rider(&app).await);
    let invite = async |client: &tests::Client, role: &str| {
        let input = json!({"email": format!("new{}@example.test", tests::key()), "role": role});
        let answer = client.mutate("inviteUser", "invitation { id }", input).await;
        if answer.body.get("errors").is_some() { answer.error() } else { "OK".to_owned() }
    };
    assert_eq!(invite(&fleet, "OWNER").await, "OK");
    assert_eq!(invite(&admin, "OWNER").await, "FORBIDDEN");
    assert_eq!(invite(&admin, "ADMIN").await, "OK");
    assert_eq!(invite(&fleet, "ADMINISTRATOR").await, "FORBIDDEN");
    assert_eq!(invite(&staff, "STAFF").await, "FORBIDDEN");
    assert_eq!(invite(&staff, "CUSTOMER").await, "OK");
    assert_eq!(invite(&rider, "CUSTOMER").await, "FORBIDDEN");

    let company = json!({"email": "emp@example.test", "role": "EMPLOYEE"});
    let refused = fleet.mutate("inviteUser", "invitation { id }", company).await;
    assert_eq!(refused.code(), "CUSTOMER_REQUIRED");
    set(&fleet, json!({"signUp": "CLOSED"})).await;
    let late = json!({"email": "late@example.test", "role": "CUSTOMER"});
    assert_eq!(
        fleet.mutate("inviteUser", "invitation { id }", late).await.code(),
        "SIGN_UP_CLOSED"
    );
}

/// An employee rides for the company, and sees what the company has rented.
#[rstest]
#[tokio::test]
async fn an_employee_rides_for_the_company(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let made = fleet.mutate(
        "createCustomer",
        "customer { id }",
        json!({"name": "Mills Ltd", "rentalLimit": 5}),
    );
    let company = made.await.ok()["customer"]["id"].clone();
    let invite = json!({"phone": "+254700123456", "role": "EMPLOYEE", "customerId": company});
    fleet.mutate("inviteUser", "invitation { id }", invite).await.ok();
    let token = app.token_sent_to("+254700123456").await;
    let input = json!({"token": token, "name": "Eve"});
    let made = app
        .anonymous(None)
        .mutate("acceptInvitation", "accessToken user { hasPassword phone }", input)
        .await
        .ok();
    assert_eq!(made["user"]["hasPassword"], false);
    let employee = super::caller(&app, &made);
    let vehicle = fleet.vehicle().await;
    let rental = employee.start_rental(&vehicle).await.ok();
    let document = "query($id: ID!) { node(id: $id) { ... on Rental { customer { id } } } }";
    let seen = fleet.query(document, json!({"id": rental["rental"]["id"]})).await;
    assert_eq!(seen["node"]["customer"]["id"], company);
}

#[rstest]
#[tokio::test]
async fn what_somebody_gave_away_does_not_outlast_their_rights(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let second = app.owner_of(&fleet.slug).await;
    let invite = json!({"email": "friend@example.test", "role": "OWNER"});
    second.mutate("inviteUser", "invitation { id }", invite).await.ok();
    let token = app.token_sent_to("friend@example.test").await;
    let gone = json!({"userId": super::id_of(&second).await});
    fleet.mutate("disableUser", "user { id }", gone).await.ok();
    let input = json!({"token": token, "name": "Friend", "password": "correct horse"});
    let refused = app.anonymous(None).mutate("acceptInvitation", "accessToken", input).await;
    assert_eq!(refused.code(), "INVALID_CODE");
}
