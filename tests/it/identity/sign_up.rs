//! Customers make their own logins, where the tenant lets them.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json,
};

use super::{caller, email_of, set};

#[rstest]
#[tokio::test]
async fn a_customer_signs_up_and_rides(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    set(&fleet, json!({"signUp": "OPEN"})).await;
    let (anyone, ann) = (app.anonymous(None), "ann@example.test");
    let input =
        json!({"tenant": fleet.slug, "name": "Ann", "email": ann, "password": "correct horse"});
    anyone.mutate("signUp", "accepted", input).await.ok();
    let code = app.code_sent_to(ann).await;
    let input = json!({"tenant": fleet.slug, "email": "Ann@Example.test", "code": code});
    let fields = "accessToken user { email emailVerifiedAt role customer { name email } }";
    let made = anyone.mutate("completeSignUp", fields, input.clone()).await.ok();
    assert_eq!(made["user"]["role"], "CUSTOMER");
    assert_eq!(made["user"]["customer"]["email"], ann);
    assert!(made["user"]["emailVerifiedAt"].is_string());

    let vehicle = fleet.vehicle().await;
    caller(&app, &made).start_rental(&vehicle).await.ok();

    let again = anyone.mutate("completeSignUp", "accessToken", input).await;
    assert_eq!(again.code(), "INVALID_CODE");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn signing_up_again_says_nothing_but_to_who_reads_there(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    set(&fleet, json!({"signUp": "OPEN"})).await;
    let known = email_of(&fleet.rider(&app).await.client).await;
    let anyone = app.anonymous(None);
    let mut answers = Vec::new();
    for email in [known.as_str(), "new@example.test"] {
        let input = json!({"tenant": fleet.slug, "name": "Ann", "email": email});
        let answer = anyone.mutate("signUp", "accepted", input).await;
        answers.push((answer.status, answer.body));
    }
    assert_eq!(answers[0], answers[1]);
    let told = app.message_to(&known).await;
    assert!(told.text.contains("has a login already"), "{}", told.text);
    let guess = json!({"tenant": fleet.slug, "email": known, "code": "000000"});
    assert_eq!(anyone.mutate("completeSignUp", "accessToken", guess).await.code(), "INVALID_CODE");
}

#[rstest]
#[tokio::test]
async fn a_customer_whom_staff_has_entered_is_taken(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    set(&fleet, json!({"signUp": "OPEN"})).await;
    let ben = json!({"name": "Ben", "email": "ben@example.test"});
    let entered = fleet.mutate("createCustomer", "customer { id }", ben).await.ok();
    let anyone = app.anonymous(None);
    let input = json!({"tenant": fleet.slug, "name": "Benjamin", "email": "ben@example.test"});
    anyone.mutate("signUp", "accepted", input).await.ok();
    let code = app.code_sent_to("ben@example.test").await;
    let input = json!({"tenant": fleet.slug, "email": "ben@example.test", "code": code});
    let made = anyone.mutate("completeSignUp", "user { customer { id } }", input).await.ok();
    assert_eq!(made["user"]["customer"]["id"], entered["customer"]["id"]);
}

#[rstest]
#[tokio::test]
async fn a_closed_tenant_and_none_at_all_say_the_same(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    for tenant in [fleet.slug.as_str(), "nowhere", "platform"] {
        let input = json!({"tenant": tenant, "name": "Ann", "email": "ann@example.test"});
        let refused = app.anonymous(None).mutate("signUp", "accepted", input).await;
        assert_eq!(
            (refused.code().as_str(), refused.field()),
            ("SIGN_UP_CLOSED", json!(["tenant"]))
        );
    }
}
