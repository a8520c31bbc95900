//! Money that goes back, by us or by the bank, and the list of all that moved in a day.

use service::payment::provider::MovementKind;

use super::*;

#[tokio::test]
async fn refunds_never_exceed_what_was_captured() {
    let account = Account::open().await;
    let paid = account.pay(1_000).await;
    let part = refund(&paid, 400);

    let first = account.provider.refund(&part).await.unwrap();
    let again = account.provider.refund(&part).await.unwrap();
    assert_eq!((first.outcome.clone(), &first), (RefundOutcome::Completed, &again));
    assert_eq!(account.stripe.books()[0].refunded_minor, 400);

    refusal(account.provider.refund(&refund(&paid, 601)).await);
    account.provider.refund(&refund(&paid, 600)).await.unwrap();
    let over = account.provider.refund(&refund(&paid, 1)).await;
    assert_eq!(refusal(over), "charge_already_refunded");
    let found = account.provider.fetch_refund(&part, None).await.unwrap();
    assert_eq!(found, first);
    assert_eq!(account.stripe.books()[0].refunded_minor, 1_000);
}

#[tokio::test]
async fn a_refund_may_take_days_and_then_fail() {
    let account = Account::open().await;
    let debit = account.provider.charge(&account.charge(1_000, Script::TakesTime)).await.unwrap();
    assert_eq!(debit.outcome, Outcome::Processing);
    account.stripe.settle(&reference(&debit), true).await;

    let back = refund(&debit, 1_000);
    let slow = account.provider.refund(&back).await.unwrap();
    assert_eq!(slow.outcome, RefundOutcome::Processing);
    account.stripe.settle(slow.reference.as_ref().unwrap(), false).await;
    let failed = account.provider.fetch_refund(&back, slow.reference.as_deref()).await.unwrap();
    let RefundOutcome::Failed(decline) = failed.outcome else { panic!("{failed:?}") };
    assert_eq!(decline.code, "expired_or_canceled_card");
}

#[tokio::test]
async fn a_dispute_takes_the_money_back_until_it_is_won() {
    let account = Account::open().await;
    let charge = account.charge(1_000, Script::Succeeds);
    let paid = account.provider.charge(&charge).await.unwrap();

    account.stripe.reverse(&reference(&paid)).await;
    assert_eq!(account.fetch(&charge, &paid).await.outcome, Outcome::Reversed);
    account.stripe.close_dispute(&reference(&paid), true);
    assert_eq!(account.fetch(&charge, &paid).await.outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_day_is_listed_page_by_page() {
    let account = Account::open().await;
    let day = account.clock.now().date_naive();
    account.pay(900).await;
    account.clock.advance(TimeDelta::days(1));
    let held = account.provider.charge(&account.held(20_000)).await.unwrap();
    let mut expected = Vec::new();
    for amount in 1_000..1_104 {
        expected.push((MovementKind::Charge, reference(&account.pay(amount).await), euros(amount)));
    }
    let back = account.provider.refund(&refund(&account.pay(1_104).await, 104)).await.unwrap();
    account.capture(&held, 5_000).await.unwrap();
    account.clock.advance(TimeDelta::days(1));
    account.pay(901).await;

    let (mut listed, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let next = day.succ_opt().unwrap();
        let page = account.provider.list(next, after.as_deref()).await.unwrap();
        let movements = page.movements.into_iter();
        listed
            .extend(movements.map(|movement| (movement.kind, movement.reference, movement.amount)));
        (after, pages) = (page.next, pages + 1);
        if after.is_none() {
            break;
        }
    }
    assert_eq!((pages, listed.len()), (2, 107));
    assert!(expected.iter().all(|movement| listed.contains(movement)));
    assert!(listed.contains(&(MovementKind::Refund, back.reference.unwrap(), euros(104))));
    // On the day on which it was captured, with what was captured.
    assert!(listed.contains(&(MovementKind::Charge, reference(&held), euros(5_000))));
}
