//! The process dies at each step of a payment in turn: afterwards the provider's books and ours are the same.

use std::time::Duration as Pause;

use service::fail;
use tests::{
    process::{Process, binary},
    provider::{Peer, Script, stripe::Stripe},
};

use super::*;
use crate::nodes::settings;

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_step_takes_money_at_most_once(
    #[values(
        "payment.before_attempt",
        "payment.before_call",
        "payment.after_call",
        "payment.before_books",
        "payment.before_receipt",
        "payment.after_apply",
        "payment.before_announcement"
    )]
    point: &str,
    #[values(Embedded, Production)] shape: Shape,
) {
    assert!(fail::POINTS.contains(&point));
    let stripe = Stripe::start().await;
    let app = TestApp::start_today(shape, &[("BIKELEASE_STRIPE_URL", &stripe.url())]).await;
    let fleet = app.fleet("Velo Nord").await;
    let rider = fleet.rider(&app).await;
    let account = json!({
        "provider": "STRIPE", "credentials": stripe.credentials(),
        "offers": [{"currency": "EUR", "min": "1"}],
    });
    fleet.mutate("setProviderAccount", "providerAccount { id }", account).await.ok();
    let input = json!({
        "provider": "STRIPE", "amount": "10", "paymentMethod": stripe.method(Script::Succeeds),
        "idempotencyKey": key(),
    });

    die(&app, &fleet, &rider, point, (&stripe, &input)).await;

    // Somebody else finds what was left; the lease of a call is over by then.
    recover(&app).await;
    let before = states(&rider).await;
    let known = point != "payment.before_attempt";
    assert_eq!(before.len(), usize::from(known), "{before:?}");
    same_books(&app, &fleet, &rider, &stripe).await;

    // Whoever asked does not know what became of it, and asks again.
    let again = rider.mutate("topUpWallet", FIELDS, input).await.ok();
    recover(&app).await;
    let after = states(&rider).await;
    assert_eq!(after.len(), 1, "{again} {after:?}");
    assert_eq!(after[0], "COMPLETED");
    same_books(&app, &fleet, &rider, &stripe).await;
    app.assert_sound().await;
}

/// Asks a process that will not live to the end of it.
async fn die(
    app: &TestApp,
    fleet: &Fleet,
    rider: &Rider,
    point: &str,
    (stripe, input): (&Stripe, &Value),
) {
    let mut settings = settings(app);
    settings.push(("BIKELEASE_STRIPE_URL", stripe.url()));
    settings.push((fail::VARIABLE, point.to_owned()));
    assert!(binary().exists());
    let process = Process::serve(&settings, &[]).await;
    let email = text(&rider.query("{ me { email } }", json!({})).await["me"]["email"]);
    let there = crate::nodes::signed_in(&process, &fleet.slug, &email).await;
    let document =
        "mutation($input: TopUpWalletInput!) { topUpWallet(input: $input) { payment { id } } }";
    let ask = app
        .http()
        .post(format!("{}/graphql", process.url()))
        .bearer_auth(there.token().unwrap())
        .json(&json!({"query": document, "variables": {"input": input}}));
    let _ = ask.send().await;
    for _ in 0..400 {
        if tokio::net::TcpStream::connect(process.address()).await.is_err() {
            return;
        }
        tokio::time::sleep(Pause::from_millis(50)).await;
    }
    panic!("it did not die at {point}");
}

async fn recover(app: &TestApp) {
    for _ in 0..4 {
        app.try_jobs().await;
        app.advance(Duration::minutes(10));
    }
}

async fn states(rider: &Rider) -> Vec<String> {
    let found = rider.query("{ payments { nodes { state } } }", json!({})).await;
    let nodes = found["payments"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|payment| text(&payment["state"])).collect()
}

/// What the provider took is in the wallet, with one receipt and one word of it.
async fn same_books(app: &TestApp, fleet: &Fleet, rider: &Rider, stripe: &Stripe) {
    let taken: Vec<_> =
        stripe.books().into_iter().map(|booked| booked.captured_minor).filter(|m| *m > 0).collect();
    let purse = service::ledger::Purse::wallet(rider.customer.parse().unwrap());
    let ctx = fleet.system();
    let wallet =
        service::ledger::balance(ctx.reader(), ctx.tenant, purse, fleet.tenant.currency).await;
    assert_eq!(wallet.unwrap().minor(), taken.iter().sum::<i64>());
    let completed = states(rider).await.iter().filter(|state| *state == "COMPLETED").count();
    assert_eq!(completed, taken.len());
    let issued = "SELECT count(*) FROM event WHERE kind = 'receipt_issued'";
    assert_eq!(app.count(issued).await, completed as i64);
    assert_eq!(app.count("SELECT count(*) FROM receipt").await, completed as i64);
}
