//! One-time codes: each works once, for one address, and a few wrong guesses end it.

use chrono::Duration;
use futures_util::future::join_all;
use rstest::rstest;
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    TestApp, json,
};

use super::{caller, email_of, id_of};

async fn request(app: &TestApp, fleet: &Fleet, email: &str) -> tests::Answer {
    let input = json!({"tenant": fleet.slug, "email": email});
    app.anonymous(None).mutate("requestSignInCode", "accepted", input).await
}

async fn show(app: &TestApp, fleet: &Fleet, email: &str, code: &str) -> tests::Answer {
    let input = json!({"tenant": fleet.slug, "email": email, "code": code});
    app.anonymous(None).mutate("signInWithCode", "accessToken user { id }", input).await
}

#[rstest]
#[tokio::test]
async fn a_code_signs_in_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    request(&app, &fleet, &email).await.ok();
    let code = app.code_sent_to(&email).await;

    let all = join_all((0..5).map(|_| show(&app, &fleet, &email, &code))).await;
    let (worked, refused): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|answer| answer.payload()["accessToken"].is_string());

    assert_eq!(worked.len(), 1);
    assert!(refused.iter().all(|answer| answer.code() == "INVALID_CODE"));
    let me = caller(&app, &worked[0].payload());
    assert_eq!(id_of(&me).await, id_of(&fleet).await);
}

#[rstest]
#[tokio::test]
async fn five_wrong_guesses_end_a_code_also_when_they_come_at_once(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    request(&app, &fleet, &email).await.ok();
    let code = app.code_sent_to(&email).await;
    let wrong = if code == "123456" { "654321" } else { "123456" };

    let all = join_all((0..8).map(|_| show(&app, &fleet, &email, wrong))).await;
    assert!(all.iter().all(|answer| answer.code() == "INVALID_CODE"));
    let spent = app.count("SELECT count(*) FROM one_time_code WHERE attempts_left = 0").await;
    assert_eq!(spent, 1);
    assert_eq!(show(&app, &fleet, &email, &code).await.code(), "INVALID_CODE");
}

#[rstest]
#[tokio::test]
async fn a_newer_code_replaces_the_older_and_time_ends_both(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    request(&app, &fleet, &email).await.ok();
    let first = app.code_sent_to(&email).await;
    app.advance(Duration::seconds(1));
    let second = loop {
        request(&app, &fleet, &email).await.ok();
        let code = app.code_sent_to(&email).await;
        if code != first {
            break code;
        }
    };
    assert_eq!(show(&app, &fleet, &email, &first).await.code(), "INVALID_CODE");
    app.advance(Duration::minutes(5));
    assert_eq!(show(&app, &fleet, &email, &second).await.code(), "INVALID_CODE");
}

#[rstest]
#[tokio::test]
async fn nobody_learns_whether_an_address_has_a_login(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (fleet, other) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let (known, elsewhere) = (email_of(&fleet).await, email_of(&other).await);
    let mut answers = Vec::new();
    for email in [known.as_str(), elsewhere.as_str(), "nobody@example.test"] {
        let asked = request(&app, &fleet, email).await;
        let shown = show(&app, &fleet, email, "000000").await;
        answers.push((asked.body, shown.body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    app.message_to(&known).await;
    let outbox = app.node.app.outbox.as_ref().unwrap().messages();
    assert!(outbox.iter().all(|(_, message)| message.to.address() == known), "{outbox:?}");
}

#[rstest]
#[tokio::test]
async fn a_code_is_nowhere_to_be_read(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    request(&app, &fleet, &email).await.ok();
    let code = app.code_sent_to(&email).await;
    // A keyed hash: neither the digits nor what anybody can compute of them.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let known = [hex(code.as_bytes()), hex(&service::keys::sha256(code.as_bytes()))];
    let mac = match shape {
        Embedded => "lower(hex(mac))",
        Production => "encode(mac, 'hex')",
    };
    for shown in known {
        let same = format!("SELECT count(*) FROM one_time_code WHERE {mac} LIKE '%{shown}%'");
        assert_eq!(app.count(&same).await, 0);
    }
    let kept = "SELECT count(*) FROM one_time_code WHERE length(mac) = 32 AND purpose = 'sign_in'";
    assert_eq!(app.count(kept).await, 1);
}

/// A new address, a phone, is the caller's once the code was shown; and nobody else's at the same time.
#[rstest]
#[tokio::test]
async fn an_address_is_verified_before_it_is_used(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (ann, ben) = (fleet.rider(&app).await, fleet.rider(&app).await);
    let phone = json!({"phone": "+254700123456", "currentPassword": super::PASSWORD});
    let guess = json!({"phone": "+254700123456", "currentPassword": "guess"});
    let refused = ann.mutate("requestVerification", "accepted", guess).await;
    assert_eq!(refused.field(), json!(["currentPassword"]), "a new address is a new way in");
    for (client, refused) in [(&ann, None), (&ben, Some("PHONE_TAKEN"))] {
        client.mutate("requestVerification", "accepted", phone.clone()).await.ok();
        let code = app.code_sent_to("+254700123456").await;
        let wrong = json!({"phone": "+254700123457", "code": code});
        let answer = client.mutate("verifyContact", "user { phone }", wrong).await;
        assert_eq!(answer.code(), "INVALID_CODE");
        let right = json!({"phone": "+254700123456", "code": code});
        let answer = client.mutate("verifyContact", "user { phone }", right).await;
        match refused {
            None => assert_eq!(answer.ok()["user"]["phone"], "+254700123456"),
            Some(refused) => assert_eq!(answer.code(), refused),
        }
    }
    let input =
        json!({"tenant": fleet.slug, "phone": "+254700123456", "password": "correct horse"});
    app.anonymous(None).mutate("signIn", "accessToken", input).await.ok();
}

/// Who reads at the old address is told, and a link that was sent there is no way in any more.
#[rstest]
#[tokio::test]
async fn an_address_that_was_left_is_told_and_closed(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let old = email_of(&fleet).await;
    let anyone = app.anonymous(None);
    let ask = json!({"tenant": fleet.slug, "email": old});
    anyone.mutate("requestPasswordReset", "accepted", ask).await.ok();
    let token = app.token_sent_to(&old).await;
    let new = json!({"email": "new@example.test", "currentPassword": super::PASSWORD});
    fleet.mutate("requestVerification", "accepted", new).await.ok();
    let code = app.code_sent_to("new@example.test").await;
    let shown = json!({"email": "new@example.test", "code": code});
    fleet.mutate("verifyContact", "user { email }", shown).await.ok();

    let reset = json!({"token": token, "password": "battery staple"});
    assert_eq!(anyone.mutate("resetPassword", "reset", reset).await.code(), "INVALID_CODE");
    app.until_told(&old, "another address").await;
}
