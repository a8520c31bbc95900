//! Many at the same moment: one payment, no more refunds than money, no wallet below zero.

use futures_util::future::join_all;

use super::*;

#[rstest]
#[tokio::test]
async fn fifty_who_ask_the_same_get_one_payment_and_one_answer(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let input = json!({"rentalId": rental, "provider": "DEMO", "idempotencyKey": key()});
    let calls = (0..50).map(|_| rider.mutate("createPayment", FIELDS, input.clone()));
    let answers: Vec<Value> = join_all(calls).await.iter().map(Answer::ok).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(answers[0]["payment"]["attempts"].as_array().unwrap().len(), 1);
    let all = rider.query("{ payments { totalCount } }", json!({})).await;
    assert_eq!(all["payments"]["totalCount"], 1);
    let mut other = input;
    other["amount"] = json!("1.00");
    let mismatch = rider.mutate("createPayment", FIELDS, other).await;
    assert_eq!(mismatch.code(), "IDEMPOTENCY_MISMATCH");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn fifty_who_pay_one_rental_pay_it_once(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let answers = join_all((0..50).map(|_| pay(&rider, &rental, "demo_success"))).await;
    let made = answers.iter().filter(|answer| answer.payload()["payment"].is_object()).count();
    assert_eq!(made, 1);
    app.advance(Duration::seconds(2));
    app.run_jobs().await;
    assert_eq!(owes(&fleet, &rider.customer).await, 0);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn twenty_refunds_at_once_give_back_no_more_than_was_paid(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (_, payment) = paid(&app, &fleet).await;
    let answers = join_all((0..20).map(|_| refund(&fleet, &payment, "0.50"))).await;
    let (done, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.payload()["refund"].is_object());
    assert_eq!((done.len(), refused.len()), (5, 15));
    assert!(refused.iter().all(|answer| answer.code() == "REFUND_EXCEEDS_PAYMENT"));
    let document =
        "query($id: ID!) { payment(id: $id) { refunded { amount } refundable { amount } } }";
    let left = fleet.query(document, json!({"id": payment})).await;
    assert_eq!(left["payment"]["refunded"]["amount"], "2.50");
    assert_eq!(left["payment"]["refundable"]["amount"], "0.25");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn fifty_debits_at_once_leave_no_wallet_below_zero(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, _) = ended(&app, &fleet).await;
    wallet::fill(&app, &fleet, &rider, "1.00").await;
    let debit = || {
        let input =
            json!({"customerId": rider.customer, "amount": "0.05", "idempotencyKey": key()});
        rider.mutate("payFromWallet", FIELDS, input)
    };
    let answers = join_all((0..50).map(|_| debit())).await;
    let done = answers.iter().filter(|answer| answer.payload()["payment"].is_object()).count();
    assert_eq!(done, 20);
    let refused = answers.iter().filter(|answer| answer.payload()["payment"].is_null());
    assert!(refused.into_iter().all(|answer| answer.code() == "INSUFFICIENT_FUNDS"));
    assert_eq!(owes(&fleet, &rider.customer).await, 175);
    app.assert_sound().await;
}
