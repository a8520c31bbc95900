//! The ledger: what rentals come to, wallets that nobody overdraws, holds, and a database that lets nothing be rewritten.

mod sql;

use chrono::Duration;
use entity::{
    customer::CustomerId,
    money::{Currency, Money},
    payment::Provider,
    transfer::Kind,
};
use rstest::rstest;
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
