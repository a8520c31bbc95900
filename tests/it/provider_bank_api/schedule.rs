//! A whole schedule is collected on its dates.

use service::payment::provider::{Outcome, Schedule, ScheduledPayment};
use tests::provider::{Fault, Peer, Script};

use super::{Shop, charge, code, day, id, money};

fn schedule(method: String, instalments: &[(&str, i64, &str)]) -> Schedule {
    let instalment = |(on, minor, currency): &(&str, i64, &str)| (day(on), money(*minor, currency));
    Schedule {
        attempt: id(),
        name: "Lease of a cargo bike".to_owned(),
        method,
        instalments: instalments.iter().map(instalment).collect(),
    }
}

const QUARTER: [(&str, i64, &str); 3] =
    [("2035-02-01", 3_334, "EUR"), ("2035-03-01", 3_333, "EUR"), ("2035-04-01", 3_333, "EUR")];

#[tokio::test]
async fn each_instalment_is_a_payment_of_its_own() {
    let shop = Shop::open().await;
    let mandate = shop.peer.mandate("EUR", Script::TakesTime);
    let asked = schedule(mandate.clone(), &QUARTER);
    let other = charge(3_334, "EUR", Some(mandate.clone()));
    shop.provider.charge(&other).await.unwrap();
    shop.peer.faults().next([Fault::CutAfter]);
    shop.provider.schedule(&asked).await.unwrap_err();

    let payments = shop.provider.schedule(&asked).await.unwrap();
    let told: Vec<_> = payments.iter().map(|one| (one.on, one.amount)).collect();
    assert_eq!(told, asked.instalments);
    assert_eq!(shop.provider.schedule(&asked).await.unwrap(), payments);
    assert_eq!(shop.peer.books().len(), 4);

    let ScheduledPayment { reference, .. } = &payments[0];
    let instalment = charge(3_334, "EUR", Some(mandate));
    assert_eq!(shop.outcome(&instalment, reference).await, Outcome::Processing);
    shop.peer.settle(reference, true).await;
    assert_eq!(shop.outcome(&instalment, reference).await, Outcome::Completed);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_is_refused() {
    let shop = Shop::open().await;
    let mandate = shop.peer.mandate("EUR", Script::TakesTime);
    let refused = async |instalments: &[(&str, i64, &str)]| {
        let asked = schedule(mandate.clone(), instalments);
        code(shop.provider.schedule(&asked).await.unwrap_err())
    };
    assert_eq!(refused(&[]).await, "no_instalments");
    assert_eq!(refused(&[("2035-02-01", 0, "EUR")]).await, "amount_too_small");
    let mixed = [("2035-02-01", 1, "EUR"), ("2035-03-01", 1, "GBP")];
    assert_eq!(refused(&mixed).await, "instalments_invalid");
    assert_eq!(refused(&[("2035-02-01", 500, "JPY")]).await, "currency_not_supported");
    assert_eq!(shop.peer.calls(), 0);
    assert_eq!(refused(&[("2035-01-02", 500, "EUR")]).await, "validation_failed");
    assert_eq!(refused(&[("2035-02-01", 500, "GBP")]).await, "validation_failed");
    assert!(shop.peer.books().is_empty());
}

#[tokio::test]
async fn another_total_under_the_same_key_is_refused() {
    let shop = Shop::open().await;
    let mut asked = schedule(shop.peer.mandate("EUR", Script::TakesTime), &QUARTER);
    shop.provider.schedule(&asked).await.unwrap();
    asked.instalments.pop();
    let error = shop.provider.schedule(&asked).await.unwrap_err();
    assert_eq!(code(error), "idempotent_creation_conflict");
}
