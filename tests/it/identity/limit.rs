//! How often somebody may try: by account, by address, by user and by tenant.

use chrono::Duration;
use futures_util::future::join_all;
use rstest::rstest;
use tests::{
    Answer,
    Shape::{self, Embedded, Production},
    TestApp, json,
};

use super::{email_of, sign_in};

fn limited(answer: &Answer) -> bool {
    answer.body["errors"][0]["extensions"]["code"] == "RATELIMITED"
}

#[rstest]
#[tokio::test]
async fn guessing_one_account_is_slow_whether_or_not_it_exists(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start_with(shape, &[("BIKELEASE_SIGN_INS_PER_ADDRESS", "")]).await;
    let fleet = app.fleet("Velo Nord").await;
    let known = email_of(&fleet).await;
    app.advance(Duration::hours(1));
    for email in [known.as_str(), "nobody@example.test"] {
        let wrong = json!({"password": "wrong horse"});
        let all = join_all((0..15).map(|_| sign_in(&app, &fleet, email, wrong.clone()))).await;
        assert_eq!(all.iter().filter(|answer| limited(answer)).count(), 5);
        let refused = all.iter().find(|answer| limited(answer)).unwrap();
        assert_eq!(refused.body["errors"][0]["extensions"]["retryAfter"], 60);
    }
    // The right password waits too, and works when its turn has come.
    assert!(limited(&sign_in(&app, &fleet, &known, json!({})).await));
    app.advance(Duration::minutes(1));
    sign_in(&app, &fleet, &known, json!({})).await.ok();
}

#[rstest]
#[tokio::test]
async fn an_address_that_tries_many_accounts_is_stopped(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start_with(shape, &[("BIKELEASE_SIGN_INS_PER_ADDRESS", "5")]).await;
    let fleet = app.fleet("Velo Nord").await;
    let wrong = json!({"password": "wrong horse"});
    let mut stopped = 0;
    for number in 0..8 {
        let answer =
            sign_in(&app, &fleet, &format!("user{number}@nowhere.test"), wrong.clone()).await;
        stopped += usize::from(limited(&answer));
    }
    assert_eq!(stopped, 3);
}

#[rstest]
#[tokio::test]
async fn messages_to_one_address_are_few(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let input = json!({"tenant": fleet.slug, "email": email_of(&fleet).await});
    let anyone = app.anonymous(None);
    for _ in 0..5 {
        anyone.mutate("requestSignInCode", "accepted", input.clone()).await.ok();
    }
    assert!(limited(&anyone.mutate("requestSignInCode", "accepted", input.clone()).await));
    assert!(limited(&anyone.mutate("requestPasswordReset", "accepted", input).await));
}

#[rstest]
#[case("BIKELEASE_REQUESTS_PER_ADDRESS")]
#[case("BIKELEASE_REQUESTS_PER_USER")]
#[case("BIKELEASE_REQUESTS_PER_TENANT")]
#[tokio::test]
async fn requests_are_limited_where_it_is_configured(
    #[values(Embedded, Production)] shape: Shape,
    #[case] setting: &str,
) {
    let plain = TestApp::start(shape).await;
    let fleet = plain.fleet("Velo Nord").await;
    let app = plain.beside(&[(setting, "6")]).await;
    let caller = app.anonymous(None).with_token(fleet.token());
    let mut answers = Vec::new();
    for _ in 0..8 {
        let request = app
            .http()
            .post(format!("{}/graphql", app.url()))
            .bearer_auth(caller.token().unwrap())
            .json(&json!({"query": "{ me { id } }"}));
        let answer = request.send().await.unwrap();
        let waits =
            answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap().to_owned());
        answers.push((answer.status().as_u16(), waits));
    }
    assert!(answers[..6].iter().all(|answer| *answer == (200, None)), "{answers:?}");
    assert!(
        answers[6..].iter().all(|answer| *answer == (429, Some("10".to_owned()))),
        "{answers:?}"
    );
    app.advance(Duration::seconds(10));
    caller.query("{ me { id } }", json!({})).await;
}

/// Two nodes count together where there is Redis; a node whose Redis is away counts for itself, and does not stop counting.
#[rstest]
#[tokio::test]
async fn nodes_count_together(#[values(Production)] shape: Shape) {
    let limit = [("BIKELEASE_REQUESTS_PER_USER", "6")];
    let plain = TestApp::start(shape).await;
    let fleet = plain.fleet("Velo Nord").await;
    let one = plain.beside(&limit).await;
    let other = one.beside(&limit).await;
    let away =
        [("BIKELEASE_REQUESTS_PER_USER", "6"), ("BIKELEASE_REDIS_URL", "redis://127.0.0.1:1")];
    let alone = one.beside(&away).await;
    let passed = async |app: &TestApp, times: usize| {
        let caller = app.anonymous(None).with_token(fleet.token());
        let mut passed = 0;
        for _ in 0..times {
            passed += usize::from(caller.send_once("{ me { id } }", json!({})).await.status == 200);
        }
        passed
    };
    let spent = 6 - passed(&one, 4).await;
    assert_eq!(passed(&other, 10).await, spent);
    assert_eq!(passed(&alone, 10).await, 6);
}

/// However the tenant is spelled, and whichever of its addresses is typed, it is one account.
#[rstest]
#[tokio::test]
async fn one_account_has_one_count(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start_with(shape, &[("BIKELEASE_SIGN_INS_PER_ADDRESS", "")]).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    app.sql("UPDATE \"user\" SET phone = '+254700123456'").await.unwrap();
    app.advance(Duration::hours(1));
    let mut passed = 0;
    for number in 0..20 {
        let spelled = format!("{}{}", fleet.slug, " ".repeat(number % 5));
        let mut input = json!({"tenant": spelled, "password": "wrong horse"});
        match number % 2 {
            0 => input["email"] = json!(email),
            _ => input["phone"] = json!("+254700123456"),
        }
        let answer = app.anonymous(None).mutate("signIn", "accessToken", input).await;
        passed += usize::from(!limited(&answer));
    }
    assert_eq!(passed, 10);
    // Whoever is signed in has no more guesses by another door.
    let guess = json!({"password": "wrong horse"});
    assert!(limited(&fleet.mutate("removeSecondFactor", "user { id }", guess).await));
}
