//! Numbers without a gap, one for each payment and refund, for ever.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use service::{
    Error,
    receipt::{Cause, issue},
};
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json,
    receipt::{Paid, pay, refund},
};

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_at_once_have_the_numbers_1_to_20(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let customer = fleet.rider(&app).await.customer;
    let ctx = fleet.system();
    let all = (0..20).map(|_| pay(&ctx, Paid::top_up(&customer, 500)));
    let mut numbers: Vec<i64> =
        join_all(all).await.into_iter().map(|paid| paid.unwrap().1.seq).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_write_that_fails_uses_up_no_number(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let customer = fleet.rider(&app).await.customer;
    let ctx = fleet.system();
    pay(&ctx, Paid::top_up(&customer, 500)).await.unwrap();
    let paid = &Paid::top_up(&customer, 500);
    let failed: Result<(), Error> = ctx
        .write(|tx| async move {
            let payment = paid.model(&tx).into_active_model().reset_all().insert(&*tx).await?;
            assert_eq!(issue(&tx, Cause::Payment(&payment)).await?.seq, 2);
            Err(Error::Forbidden)
        })
        .await;
    assert!(matches!(failed, Err(Error::Forbidden)), "{failed:?}");
    let (_, next) = pay(&ctx, paid.clone()).await.unwrap();
    assert_eq!(next.number, "2035-000002");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn each_year_of_the_tenant_s_time_zone_begins_with_1(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (north, south) = (app.fleet("Velo Nord").await, app.fleet("Velo Sur").await);
    // Where the new year comes later than in Copenhagen.
    let zone = json!({"timeZone": "America/Bogota"});
    south.mutate("updateTenant", "__typename", zone).await.ok();
    let (ann, ben) = (north.rider(&app).await.customer, south.rider(&app).await.customer);
    let at = |time: &str| app.advance(time.parse::<DateTime<Utc>>().unwrap() - app.node.app.now());
    let mut numbers = Vec::new();
    for time in ["2035-12-31T22:59:59Z", "2035-12-31T23:00:00Z", "2036-01-01T05:00:00Z"] {
        at(time);
        for (fleet, customer) in [(&north, &ann), (&south, &ben)] {
            let (_, made) = pay(&fleet.system(), Paid::top_up(customer, 100)).await.unwrap();
            numbers.push(made.number);
        }
    }
    assert_eq!(
        numbers,
        ["2035-000001", "2035-000001", "2036-000001", "2035-000002", "2036-000002", "2036-000001"]
    );
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn nothing_has_two_receipts(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let customer = fleet.rider(&app).await.customer;
    let ctx = fleet.system();
    let (payment, _) = pay(&ctx, Paid::top_up(&customer, 500)).await.unwrap();
    let payment = &payment;
    let again =
        ctx.write(|tx| async move { issue(&tx, Cause::Payment(payment)).await }).await.unwrap_err();
    assert!(again.is_defect(), "{again:?}");
    refund(&ctx, payment, 100).await.unwrap();
    assert_eq!(app.count("SELECT count(*) FROM receipt").await, 2);
    let copies = "UPDATE refund SET state = 'failed'";
    assert_eq!(app.sql(copies).await.unwrap(), 1);
    app.sql("UPDATE refund SET state = 'completed'").await.unwrap();
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn nobody_changes_what_is_issued(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let customer = fleet.rider(&app).await.customer;
    let (payment, _) = pay(&fleet.system(), Paid::top_up(&customer, 500)).await.unwrap();
    refund(&fleet.system(), &payment, 100).await.unwrap();
    let columns = "tenant_id, id, number, year, seq, kind, payment_id, refund_id, round, original_number, customer_id,
        rental_id, issued_at, time_zone, currency, total_minor, tax_minor, taxes, description, lines, seller, buyer, provider";
    let copy = |id: &str, seq: &str| {
        format!(
            "INSERT OR REPLACE INTO receipt ({columns}) SELECT {}, 'forged' FROM receipt",
            columns
                .replace(" id,", &format!(" {id},"))
                .replace(" seq,", &format!(" {seq},"))
                .replace(", provider", "")
        )
    };
    let mut attempts =
        vec!["UPDATE receipt SET total_minor = 1".to_owned(), "DELETE FROM receipt".to_owned()];
    attempts.extend(match shape {
        Embedded => vec![
            copy("id", "seq"),
            copy("randomblob(16)", "seq"),
            copy("randomblob(16)", "seq + 7"),
            "UPDATE OR REPLACE receipt SET number = 'forged'".to_owned(),
        ],
        Production => vec![
            "TRUNCATE receipt".to_owned(),
            "TRUNCATE payment CASCADE".to_owned(),
            "SET session_replication_role = replica; DELETE FROM receipt".to_owned(),
        ],
    });
    for attempt in attempts {
        let error = app.sql(&attempt).await.unwrap_err().to_string();
        assert!(error.contains("receipt is append-only"), "{attempt}: {error}");
    }
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_gap_and_a_missing_receipt_are_found(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let customer = fleet.rider(&app).await.customer;
    let (payment, _) = pay(&fleet.system(), Paid::top_up(&customer, 500)).await.unwrap();
    refund(&fleet.system(), &payment, 100).await.unwrap();
    app.assert_sound().await;
    for (change, back, rule) in [
        ("receipt_counter SET last_seq = 3", "receipt_counter SET last_seq = 2", "receipt_numbers"),
        ("receipt_counter SET last_seq = 1", "receipt_counter SET last_seq = 2", "receipt_numbers"),
        ("payment SET state = 'failed'", "payment SET state = 'completed'", "payment_receipts"),
        ("payment SET state = 'reversed'", "payment SET state = 'completed'", "payment_receipts"),
        ("refund SET state = 'unknown'", "refund SET state = 'completed'", "refund_receipts"),
        ("refund SET amount_minor = 99", "refund SET amount_minor = 100", "receipt_amounts"),
        ("payment SET captured_minor = 499", "payment SET captured_minor = 500", "receipt_amounts"),
        ("payment SET currency = 'USD'", "payment SET currency = 'EUR'", "receipt_amounts"),
    ] {
        assert_eq!(app.sql(&format!("UPDATE {change}")).await.unwrap(), 1, "{change}");
        let findings = service::invariant::check(&app.node.app).await.unwrap();
        let broken = findings.iter().find(|finding| finding.name == rule).unwrap();
        assert!(broken.count > 0, "not found: {change}");
        app.sql(&format!("UPDATE {back}")).await.unwrap();
    }
    app.assert_sound().await;
}
