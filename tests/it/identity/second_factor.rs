//! The second factor: asked for where there is one, and needed where the tenant says so.

use chrono::Duration;
use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, json, text,
};

use super::{PASSWORD, caller, email_of, id_of, set, sign_in};

async fn set_up(app: &TestApp, client: &Client) -> String {
    let document = "mutation { setUpSecondFactor { setup { secret uri } userErrors { code } } }";
    let made = client.send(document, json!({})).await.ok();
    let secret = text(&made["setup"]["secret"]);
    let uri = text(&made["setup"]["uri"]);
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&secret), "{uri}");
    let code = json!({"totpCode": app.totp(&secret)});
    client.mutate("confirmSecondFactor", "user { hasSecondFactor }", code).await.ok();
    secret
}

#[rstest]
#[tokio::test]
async fn signing_in_asks_for_it_and_a_code_works_once(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let secret = set_up(&app, &fleet).await;

    let code = |answer: tests::Answer| answer.code();
    assert_eq!(code(sign_in(&app, &fleet, &email, json!({})).await), "SECOND_FACTOR_CODE_REQUIRED");
    let used = json!({"totpCode": app.totp(&secret)});
    assert_eq!(code(sign_in(&app, &fleet, &email, used).await), "INVALID_SECOND_FACTOR");
    app.advance(Duration::seconds(30));
    let fresh = json!({"totpCode": app.totp(&secret)});
    let both = futures_util::future::join_all(
        (0..4).map(|_| sign_in(&app, &fleet, &email, fresh.clone())),
    );
    let worked = both.await.into_iter().filter(|a| a.payload()["accessToken"].is_string()).count();
    assert_eq!(worked, 1);
    let wrong = json!({"password": "wrong horse", "totpCode": app.totp(&secret)});
    assert_eq!(code(sign_in(&app, &fleet, &email, wrong).await), "INVALID_CREDENTIALS");
}

#[rstest]
#[tokio::test]
async fn a_tenant_that_asks_for_it_lets_staff_do_nothing_before(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (staff, rider) = (fleet.staff(&app).await, fleet.rider(&app).await);
    set(&fleet, json!({"requiresSecondFactor": true})).await;
    let (staff_email, rider_email) = (email_of(&staff).await, email_of(&rider).await);

    let signed_in = sign_in(&app, &fleet, &staff_email, json!({})).await.ok();
    assert_eq!(signed_in["needsSecondFactor"], true);
    let limited = caller(&app, &signed_in);
    for document in ["{ vehicles { nodes { id } } }", "{ customers { nodes { id } } }"] {
        assert_eq!(limited.send(document, json!({})).await.error(), "SECOND_FACTOR_REQUIRED");
    }
    let mut socket = app.socket(limited.token()).await;
    socket.subscribe("1", "subscription { fleetEvents { kind } }", json!({})).await;
    let refused = socket.message().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "SECOND_FACTOR_REQUIRED", "{refused}");

    let elsewhere = caller(&app, &sign_in(&app, &fleet, &staff_email, json!({})).await.ok());
    let change = json!({"currentPassword": PASSWORD, "newPassword": "battery staple"});
    let refused = limited.mutate("changePassword", "user { id }", change).await;
    assert_eq!(refused.code(), "SECOND_FACTOR_REQUIRED", "nothing else can be done");

    set_up(&app, &limited).await;
    limited.query("{ vehicles { nodes { id } } }", json!({})).await;
    // The other one has shown nothing but the password.
    let ended = elsewhere.send_once("{ me { id } }", json!({})).await;
    assert_eq!(ended.error(), "UNAUTHENTICATED");
    let back = limited.mutate("removeSecondFactor", "user { id }", json!({"password": PASSWORD}));
    assert_eq!(back.await.code(), "SECOND_FACTOR_REQUIRED");
    // Who was at work before has to comply when their tokens are renewed.
    let before = fleet.tokens.lock().unwrap().refresh.clone();
    let renew = json!({"refreshToken": before});
    let renewed = app.anonymous(None).mutate("refreshSession", "accessToken", renew).await.ok();
    let late = caller(&app, &renewed).send("{ vehicles { nodes { id } } }", json!({})).await;
    assert_eq!(late.error(), "SECOND_FACTOR_REQUIRED");

    let riding = sign_in(&app, &fleet, &rider_email, json!({})).await.ok();
    assert_eq!(riding["needsSecondFactor"], false);
    caller(&app, &riding).query("{ vehicles { nodes { id } } }", json!({})).await;
}

#[rstest]
#[tokio::test]
async fn it_is_taken_away_by_its_owner_with_the_password_or_by_the_team(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let staff = fleet.staff(&app).await;
    let email = email_of(&staff).await;
    set_up(&app, &staff).await;
    let again = "mutation { setUpSecondFactor { setup { secret } userErrors { code } } }";
    assert_eq!(staff.send(again, json!({})).await.code(), "SECOND_FACTOR_EXISTS");
    let guess = json!({"password": "wrong horse"});
    let refused = staff.mutate("removeSecondFactor", "user { id }", guess).await;
    assert_eq!(refused.code(), "INVALID_CREDENTIALS");
    staff.mutate("removeSecondFactor", "user { id }", json!({"password": PASSWORD})).await.ok();
    sign_in(&app, &fleet, &email, json!({})).await.ok();

    app.advance(Duration::seconds(30));
    set_up(&app, &staff).await;
    let lost = json!({"userId": id_of(&staff).await});
    fleet.mutate("resetSecondFactor", "user { hasSecondFactor }", lost).await.ok();
    sign_in(&app, &fleet, &email, json!({})).await.ok();
}

#[rstest]
#[tokio::test]
async fn its_secret_cannot_be_read_in_the_database(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let secret = set_up(&app, &fleet).await;
    let bytes = totp_rs::Secret::Encoded(secret).to_bytes().unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = match shape {
        Embedded => "lower(hex(totp_secret))",
        Production => "encode(totp_secret, 'hex')",
    };
    let holds = format!("SELECT count(*) FROM \"user\" WHERE {text} LIKE '%{hex}%'");
    let any = "SELECT count(*) FROM \"user\" WHERE totp_secret IS NOT NULL";
    assert_eq!((app.count(&holds).await, app.count(any).await), (0, 1));
}
