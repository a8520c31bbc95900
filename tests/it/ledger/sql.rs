//! What SQL may not do to the ledger, and what a migration does for it.

use std::sync::Arc;

use api::node::Node;
use chrono::Duration;
use entity::{Id, money::Money, payment::Provider};
use migration::{Migrator, MigratorTrait};
use rstest::rstest;
use sea_orm::{ConnectionTrait, Statement};
use service::ledger::{self, Entry, Purse};
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, text,
};

use super::{balance, customer, entry, post};

#[rstest]
#[tokio::test]
async fn sql_rewrites_nothing_and_crosses_nothing(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (ours, theirs) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    for fleet in [&ours, &theirs] {
        let ann = customer(&fleet.rider(&app).await);
        let fill = entry(Purse::clearing(Provider::Cash), Purse::wallet(ann), 1_000);
        post(&fleet.system(), &[fill]).await.unwrap();
    }
    let yen = Entry {
        amount: Money::new(5, "JPY".parse().unwrap()),
        ..entry(Purse::clearing(Provider::Cash), Purse::TAX, 5)
    };
    post(&ours.system(), &[yen]).await.unwrap();

    let copy = "INSERT INTO transfer (tenant_id, id, reference, group_id, kind, phase, pending_id, debit_account_id, credit_account_id,
        amount_minor, currency, created_at)
        SELECT t.tenant_id, a.id, 'again', t.group_id, t.kind, 'single', NULL, t.debit_account_id, t.credit_account_id, t.amount_minor,
        t.currency, t.created_at FROM transfer t JOIN account a ON a.kind = 'customer_wallet' AND a.tenant_id <> t.tenant_id
        WHERE t.currency = 'EUR'";
    let with = |from: &str, to: &str| {
        assert!(copy.contains(from));
        copy.replace(from, to)
    };
    for (statement, why) in [
        ("UPDATE transfer SET amount_minor = 1".to_owned(), "append-only"),
        ("DELETE FROM transfer".to_owned(), "append-only"),
        (
            "UPDATE account SET debits_posted = 2000 WHERE kind = 'customer_wallet'".to_owned(),
            "account_no_overdraft",
        ),
        ("UPDATE account SET credits_posted = -1 WHERE kind = 'tax'".to_owned(), "account_sums"),
        (
            "UPDATE account SET currency = 'USD' WHERE kind = 'customer_wallet'".to_owned(),
            "foreign key",
        ),
        ("DELETE FROM account".to_owned(), "foreign key"),
        (with("t.amount_minor,", "0,"), "transfer_amount_positive"),
        (with("t.amount_minor,", "-5,"), "transfer_amount_positive"),
        (
            with("t.debit_account_id, t.credit", "t.credit_account_id, t.credit"),
            "transfer_two_accounts",
        ),
        (with("'single'", "'posted'"), "transfer_ends_a_pending_one"),
        (with("'single', NULL", "'posted', t.id"), "pending"),
        (with("'again'", "t.reference"), "transfer"),
        // Another currency, and an account of another tenant.
        (with("t.currency, t.created_at", "'JPY', t.created_at"), "foreign key"),
        (with("t.debit_account_id,", "a.id,"), "foreign key"),
    ] {
        let error = app.sql(&statement).await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains(why), "{statement}: {error}");
    }
    if shape == Production {
        assert!(app.sql("TRUNCATE transfer").await.is_err());
    } else {
        assert!(app.sql("INSERT OR REPLACE INTO transfer SELECT * FROM transfer").await.is_err());
    }
    app.assert_sound().await;
}

/// What ended before there was a ledger is in it afterwards.
#[rstest]
#[tokio::test]
async fn rentals_from_before_are_booked_by_the_migration(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    fleet.tariff(serde_json::json!({"dailyCap": "2.00"})).await;
    let (ann, ben, station) =
        (fleet.rider(&app).await, fleet.rider(&app).await, fleet.station(9).await);
    for rider in [&ann, &ben, &ann] {
        let vehicle = fleet.vehicle().await;
        let rental = text(&rider.start_rental(&vehicle).await.ok()["rental"]["id"]);
        app.advance(Duration::minutes(12));
        rider.end_rental(&rental, &station).await.ok();
    }
    let all = "SELECT reference || kind || phase || amount_minor || currency AS c FROM transfer ORDER BY reference";
    let before = strings(&app, all).await;
    assert_eq!(before.len(), 12);

    let files = Migrator::get_migration_files();
    let steps = files.iter().rev().position(|file| file.name().ends_with("create_ledger")).unwrap();
    let clock = Arc::new(app.clock.clone());
    let owner = Node::start(&app.config.of_owner(), clock).await.unwrap();
    owner.migrate_down(u32::try_from(steps).unwrap() + 1).await.unwrap();
    owner.migrate().await.unwrap();

    assert_eq!(strings(&app, all).await, before);
    assert_eq!(balance(&fleet, Purse::receivable(customer(&ann))).await, 500);
    app.assert_sound().await;
    // And goes on where it was.
    post(
        &fleet.system(),
        &[entry(Purse::clearing(Provider::Cash), Purse::receivable(customer(&ann)), 500)],
    )
    .await
    .unwrap();
    assert_eq!(balance(&fleet, Purse::receivable(customer(&ann))).await, 0);
    assert_eq!(
        ledger::reference(customer(&ann), "x"),
        format!("customer:{}:x", customer(&ann).uuid().simple())
    );
    app.assert_sound().await;
}

async fn strings(app: &TestApp, sql: &str) -> Vec<String> {
    let admin = app.admin().await;
    let statement = Statement::from_string(admin.get_database_backend(), sql.to_owned());
    let rows = admin.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "c").unwrap()).collect()
}
