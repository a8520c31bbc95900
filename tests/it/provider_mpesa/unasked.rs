//! Customers who pay by hand: the tenant is asked first, and told afterwards.

use service::payment::provider::{About, ProviderError};
use tests::provider::{
    Peer,
    mpesa::{PAYS, Unasked},
};

use super::desk::{ACCOUNT, Desk, code, kes};

#[tokio::test]
async fn a_payment_by_hand_is_asked_about_and_told() {
    let desk = Desk::open().await;
    desk.provider.listen(&desk.url).await.unwrap();
    let phone = desk.peer.phone(PAYS);
    let Unasked::Paid(transaction) = desk.peer.pays(&phone, "350.00", ACCOUNT).await else {
        panic!("refused")
    };
    let (asked, told) = (desk.told().await, desk.told().await);
    let About::Question(asked) = asked.about else { panic!("{asked:?}") };
    let About::Unasked(told) = told.about else { panic!("{told:?}") };
    assert_eq!(asked, told);
    assert_eq!((told.transaction, told.amount), (transaction, kes(35_000)));
    assert_eq!(told.account_reference, ACCOUNT);
    assert_eq!(desk.booked().captured_minor, 35_000);
}

#[tokio::test]
async fn a_payment_for_nobody_we_know_is_turned_away() {
    let desk = Desk::open().await;
    desk.provider.listen(&desk.url).await.unwrap();
    let refused = desk.peer.pays(&desk.peer.phone(PAYS), "350.00", "NOBODY").await;
    assert_eq!(refused, Unasked::Refused("C2B00012".into()));
    assert!(desk.peer.books().is_empty());
    assert_eq!(desk.all_told().await.len(), 1);
}

/// One receipt and the account of the payment: it is no other money.
#[tokio::test]
async fn a_prompt_that_is_paid_is_told_as_if_paid_by_hand_too() {
    let desk = Desk::open().await;
    desk.provider.listen(&desk.url).await.unwrap();
    let charge = desk.charge(PAYS, 35_000);
    desk.pushed(&charge).await;
    let [by_hand, prompt] = desk.all_told().await.try_into().unwrap();
    let About::Unasked(by_hand) = by_hand.about else { panic!("{by_hand:?}") };
    let About::Payment { claims, .. } = prompt.about else { panic!("{prompt:?}") };
    assert_eq!(Some(by_hand.transaction), claims.transaction);
    assert_eq!(by_hand.account_reference, charge.account_reference);
    assert_eq!(desk.booked().captured_minor, 35_000);
}

#[tokio::test]
async fn while_we_are_away_nobody_pays_by_hand() {
    let desk = Desk::open().await;
    desk.provider.listen("http://127.0.0.1:1/webhooks/daraja/0f").await.unwrap();
    let refused = desk.peer.pays(&desk.peer.phone(PAYS), "350.00", ACCOUNT).await;
    assert_eq!(refused, Unasked::Refused("unreachable".into()));
    assert!(desk.peer.books().is_empty());
}

#[tokio::test]
async fn an_address_with_a_banned_word_is_not_registered() {
    let desk = Desk::open().await;
    let refused = desk.provider.listen("https://bikes.example/webhooks/mpesa/0f").await;
    assert_eq!(code(refused), "callback_url_not_allowed");
    let capital = desk.provider.listen("https://bikes.example/Webhooks/daraja/0f").await;
    assert!(matches!(capital, Err(ProviderError::Refused(_))), "{capital:?}");
}
