//! Customers make their own logins, where the tenant lets them.

use rstest::rstest;
use tests::{
    Answer, Fleet,
    Shape::{self, Embedded, Production},
    TestApp, json,
};

use super::{PASSWORD, caller, email_of, set, sign_in};

async fn begin(app: &TestApp, fleet: &Fleet, email: &str) -> Answer {
    let input = json!({"tenant": fleet.slug, "email": email});
    app.anonymous(None).mutate("signUp", "accepted", input).await
}

async fn complete(app: &TestApp, fleet: &Fleet, email: &str, code: &str) -> Answer {
    let input = json!({
        "tenant": fleet.slug, "email": email, "code": code, "name": "Ann", "password": PASSWORD,
    });
    let fields = "accessToken user { name email emailVerifiedAt role customer { id name email } }";
    app.anonymous(None).mutate("completeSignUp", fields, input).await
}

#[rstest]
#[tokio::test]
async fn a_customer_signs_up_and_rides(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    set(&fleet, json!({"signUp": "OPEN"})).await;
    let ann = "ann@example.test";
    begin(&app, &fleet, ann).await.ok();
    let code = app.code_sent_to(ann).await;
    let made = complete(&app, &fleet, "Ann@Example.test", &code).await.ok();
    assert_eq!(made["user"]["role"], "CUSTOMER");
    assert_eq!(made["user"]["customer"]["email"], ann);
    assert!(made["user"]["emailVerifiedAt"].is_string());

    let vehicle = fleet.vehicle().await;
    caller(&app, &made).start_rental(&vehicle).await.ok();
    sign_in(&app, &fleet, ann, json!({})).await.ok();

    assert_eq!(complete(&app, &fleet, ann, &code).await.code(), "INVALID_CODE");
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
    let mut answers = Vec::new();
    for email in [known.as_str(), "new@example.test"] {
        let answer = begin(&app, &fleet, email).await;
        answers.push((answer.status, answer.body));
    }
    assert_eq!(answers[0], answers[1]);
    let told = app.message_to(&known).await;
    assert!(told.text.contains("has a login already"), "{}", told.text);
    assert_eq!(complete(&app, &fleet, &known, "000000").await.code(), "INVALID_CODE");
}

#[rstest]
#[tokio::test]
async fn a_customer_whom_staff_has_entered_is_taken(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    set(&fleet, json!({"signUp": "OPEN"})).await;
    let ben = json!({"name": "Ben", "email": "ben@example.test"});
    let entered = fleet.mutate("createCustomer", "customer { id }", ben).await.ok();
    begin(&app, &fleet, "ben@example.test").await.ok();
    let code = app.code_sent_to("ben@example.test").await;
    let made = complete(&app, &fleet, "ben@example.test", &code).await.ok();
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
        let input = json!({"tenant": tenant, "email": "ann@example.test"});
        let refused = app.anonymous(None).mutate("signUp", "accepted", input).await;
        let expected = ("SIGN_UP_CLOSED", json!(["tenant"]));
        assert_eq!((refused.code().as_str(), refused.field()), expected);
    }
    // Also for who began while it was open.
    set(&fleet, json!({"signUp": "OPEN"})).await;
    begin(&app, &fleet, "ann@example.test").await.ok();
    let code = app.code_sent_to("ann@example.test").await;
    set(&fleet, json!({"signUp": "BY_INVITATION"})).await;
    let late = complete(&app, &fleet, "ann@example.test", &code).await;
    assert_eq!(late.code(), "SIGN_UP_CLOSED");
}

/// Two that race for one address: one login, and no defect for the other.
#[rstest]
#[tokio::test]
async fn two_that_show_one_code_make_one_login(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    set(&fleet, json!({"signUp": "OPEN"})).await;
    let ann = "ann@example.test";
    begin(&app, &fleet, ann).await.ok();
    let code = app.code_sent_to(ann).await;
    let all =
        futures_util::future::join_all((0..4).map(|_| complete(&app, &fleet, ann, &code))).await;
    let made = all.iter().filter(|answer| answer.payload()["accessToken"].is_string()).count();
    assert_eq!(made, 1);
    let logins = app.count("SELECT count(*) FROM \"user\" WHERE email = 'ann@example.test'").await;
    assert_eq!(logins, 1);
}
