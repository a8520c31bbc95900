//! The ledger: what rentals come to, wallets that nobody overdraws, holds, and a database that lets nothing be rewritten.

use std::sync::Arc;

use api::node::Node;
use chrono::Duration;
use entity::{
    Id,
    customer::CustomerId,
    money::{Currency, Money},
    payment::Provider,
    transfer::Kind,
};
use rstest::rstest;
use sea_orm::{ConnectionTrait, Statement};
use service::{
    Error,
    ctx::Ctx,
    ledger::{self, Entry, Purse},
    refusal::Refusal,
};
use tests::{
    Fleet, Rider,
    Shape::{self, Embedded, Production},
    TestApp, key, text,
};

fn euros(minor: i64) -> Money {
    Money::new(minor, "EUR".parse::<Currency>().unwrap())
}

fn entry(debit: Purse, credit: Purse, minor: i64) -> Entry {
    let (kind, reference) = (Kind::Correction, key());
    Entry { debit, credit, amount: euros(minor), kind, reference, rental: None, payment: None }
}

async fn post(ctx: &Ctx, entries: &[Entry]) -> service::Result<()> {
    ctx.write(|tx| async move { ledger::post(&tx, entries).await }).await
}

fn customer(rider: &Rider) -> CustomerId {
    rider.customer.parse().unwrap()
}

/// In minor units.
async fn balance(fleet: &Fleet, purse: Purse) -> i64 {
    let ctx = fleet.system();
    let euros = euros(0).currency();
    ledger::balance(ctx.reader(), ctx.tenant, purse, euros).await.unwrap().minor()
}

fn is_short_of_funds<T: std::fmt::Debug>(outcome: service::Result<T>) -> bool {
    matches!(outcome, Err(Error::Refused(Refusal::InsufficientFunds)))
}

#[rstest]
#[tokio::test]
async fn a_ride_is_owed_line_by_line(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (ann, station) = (fleet.rider(&app).await, fleet.station(5).await);
    let vehicle = fleet.vehicle().await;
    let capped = serde_json::json!({"dailyCap": "2.00"});
    fleet.tariff(capped).await;

    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    app.advance(Duration::minutes(12));
    ann.end_rental(&rental, &station).await.ok();

    // 1.00 + 12 × 0.10, of which the cap takes 0.20; and a quarter in tax.
    assert_eq!(balance(&fleet, Purse::receivable(customer(&ann))).await, 250);
    assert_eq!(balance(&fleet, Purse::of_line(entity::tariff::LineKind::Unlock)).await, 100);
    assert_eq!(balance(&fleet, Purse::of_line(entity::tariff::LineKind::Minutes)).await, 120);
    assert_eq!(balance(&fleet, Purse::DISCOUNTS).await, 20);
    assert_eq!(balance(&fleet, Purse::TAX).await, 50);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_costs_nothing_moves_nothing(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (ann, vehicle) = (fleet.rider(&app).await, fleet.vehicle().await);

    let rental = text(&ann.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let input = serde_json::json!({"rentalId": rental, "idempotencyKey": key()});
    ann.mutate("cancelRental", "rental { state }", input).await.ok();
    post(&fleet.system(), &[entry(Purse::clearing(Provider::Cash), Purse::TAX, 0)]).await.unwrap();

    assert_eq!(app.count("SELECT count(*) FROM transfer").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM account").await, 0);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn many_who_pay_from_one_wallet_never_overdraw_it(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = customer(&fleet.rider(&app).await);
    let ctx = fleet.system();
    let fill = entry(Purse::clearing(Provider::Cash), Purse::wallet(ann), 1_000);
    post(&ctx, &[fill]).await.unwrap();

    let debits = (0..50).map(|_| {
        let ctx = ctx.clone();
        tokio::spawn(async move {
            post(&ctx, &[entry(Purse::wallet(ann), Purse::receivable(ann), 75)]).await
        })
    });
    let mut paid = 0;
    for debit in debits.collect::<Vec<_>>() {
        match debit.await.unwrap() {
            Ok(()) => paid += 1,
            refused => assert!(is_short_of_funds(refused)),
        }
    }

    assert_eq!(paid, 13);
    assert_eq!(balance(&fleet, Purse::wallet(ann)).await, 25);
    app.assert_sound().await;
}

/// The second would not find enough, and need not.
#[rstest]
#[tokio::test]
async fn the_same_payment_from_a_wallet_is_not_refused_when_it_comes_again(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = customer(&fleet.rider(&app).await);
    let ctx = fleet.system();
    post(&ctx, &[entry(Purse::clearing(Provider::Cash), Purse::wallet(ann), 100)]).await.unwrap();
    let paid = entry(Purse::wallet(ann), Purse::receivable(ann), 100);

    let told = (0..20).map(|_| {
        let (ctx, paid) = (ctx.clone(), paid.clone());
        tokio::spawn(async move {
            let paid = std::slice::from_ref(&paid);
            ctx.write(|tx| async move { ledger::post_once(&tx, paid).await }).await
        })
    });
    let mut new = 0;
    for told in told.collect::<Vec<_>>() {
        new += usize::from(told.await.unwrap().unwrap());
    }
    assert_eq!(new, 1);
    assert_eq!(balance(&fleet, Purse::wallet(ann)).await, 0);
    app.assert_sound().await;
}

/// Two that take the same accounts the other way round, and accounts that neither has seen.
#[rstest]
#[tokio::test]
async fn opposite_groups_do_not_stand_in_each_others_way(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (ann, ben) = (customer(&fleet.rider(&app).await), customer(&fleet.rider(&app).await));
    let ctx = fleet.system();
    for who in [ann, ben] {
        let fill = entry(Purse::clearing(Provider::Cash), Purse::wallet(who), 10_000);
        post(&ctx, &[fill]).await.unwrap();
    }
    let groups = (0..40).map(|number| {
        let ctx = ctx.clone();
        let (from, to) = if number % 2 == 0 { (ann, ben) } else { (ben, ann) };
        let group = [
            entry(Purse::receivable(from), Purse::TAX, 3),
            entry(Purse::wallet(from), Purse::wallet(to), 7),
            entry(Purse::fees(Provider::Stripe), Purse::clearing(Provider::Stripe), 1),
            entry(Purse::wallet(to), Purse::receivable(to), 2),
        ];
        tokio::spawn(async move { post(&ctx, &group).await })
    });
    for group in groups.collect::<Vec<_>>() {
        group.await.unwrap().unwrap();
    }
    assert_eq!(balance(&fleet, Purse::wallet(ann)).await, 10_000 - 20 * 2);
    assert_eq!(balance(&fleet, Purse::TAX).await, 40 * 3);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_hold_reserves_and_ends_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = customer(&fleet.rider(&app).await);
    let ctx = &fleet.system();
    let (wallet, owed) = (Purse::wallet(ann), Purse::receivable(ann));
    post(ctx, &[entry(Purse::clearing(Provider::Cash), wallet, 1_000)]).await.unwrap();

    let (first, second) = (&entry(wallet, owed, 600), &entry(wallet, owed, 500));
    ctx.write(|tx| async move { ledger::hold(&tx, first).await }).await.unwrap();
    // What is reserved is not there for others.
    let more = ctx.write(|tx| async move { ledger::hold(&tx, second).await }).await;
    assert!(is_short_of_funds(more));
    assert!(is_short_of_funds(post(ctx, &[entry(wallet, owed, 401)]).await));
    assert_eq!(balance(&fleet, wallet).await, 1_000);

    let name = first.reference.as_str();
    let settle = async |minor| {
        ctx.write(|tx| async move {
            ledger::settle_hold(&tx, name, euros(minor), Kind::Payment, key()).await
        })
        .await
    };
    assert!(is_short_of_funds(settle(601).await));
    assert!(settle(250).await.unwrap());
    assert_eq!(balance(&fleet, wallet).await, 750);
    // The rest is free, and the hold is over.
    assert!(!settle(1).await.unwrap());
    let void = ctx.write(|tx| async move { ledger::void_hold(&tx, name, key()).await }).await;
    assert!(!void.unwrap());
    let held = ctx.write(|tx| async move { ledger::held(&tx, name).await }).await.unwrap();
    assert_eq!(held, None);
    post(ctx, &[entry(wallet, owed, 750)]).await.unwrap();
    assert_eq!(balance(&fleet, wallet).await, 0);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn of_many_who_end_a_hold_one_does(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = customer(&fleet.rider(&app).await);
    let ctx = fleet.system();
    let held = entry(Purse::clearing(Provider::Stripe), Purse::receivable(ann), 900);
    let hold = &held;
    ctx.write(|tx| async move { ledger::hold(&tx, hold).await }).await.unwrap();

    let ends = (0..20).map(|number| {
        let (ctx, name) = (ctx.clone(), held.reference.clone());
        tokio::spawn(async move {
            let name = name.as_str();
            ctx.write(|tx| async move {
                match number % 3 {
                    0 => ledger::settle_hold(&tx, name, euros(900), Kind::Payment, key()).await,
                    1 => ledger::void_hold(&tx, name, key()).await,
                    _ => ledger::expire_hold(&tx, name, key()).await,
                }
            })
            .await
        })
    });
    let mut ended = 0;
    for end in ends.collect::<Vec<_>>() {
        ended += usize::from(end.await.unwrap().unwrap());
    }
    assert_eq!(ended, 1);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn what_is_told_twice_is_posted_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let ann = customer(&fleet.rider(&app).await);
    let ctx = fleet.system();
    let paid = entry(Purse::clearing(Provider::Stripe), Purse::receivable(ann), 900);

    let told = (0..20).map(|_| {
        let (ctx, paid) = (ctx.clone(), paid.clone());
        tokio::spawn(async move {
            let paid = std::slice::from_ref(&paid);
            ctx.write(|tx| async move { ledger::post_once(&tx, paid).await }).await
        })
    });
    let mut new = 0;
    for told in told.collect::<Vec<_>>() {
        new += usize::from(told.await.unwrap().unwrap());
    }
    assert_eq!(new, 1);
    assert_eq!(balance(&fleet, Purse::clearing(Provider::Stripe)).await, 900);
    // By who should have known, it is a defect.
    assert!(post(&ctx, &[paid]).await.unwrap_err().is_defect());
    app.assert_sound().await;
}

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
    use migration::{Migrator, MigratorTrait};
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
