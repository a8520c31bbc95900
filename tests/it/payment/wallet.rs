//! Wallets and cash: money that no provider has to be asked for.

use super::*;

/// Cash into a wallet.
pub async fn fill(_: &TestApp, fleet: &Fleet, rider: &Rider, amount: &str) {
    let input = json!({
        "customerId": rider.customer, "topUp": true, "amount": amount, "idempotencyKey": key(),
    });
    let made = fleet.mutate("recordCashPayment", FIELDS, input).await.ok();
    assert_eq!(made["payment"]["state"], "COMPLETED");
}

#[rstest]
#[tokio::test]
async fn a_wallet_is_filled_and_pays_what_it_has(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let input = json!({"rentalId": rental, "idempotencyKey": key()});
    let empty = rider.mutate("payFromWallet", FIELDS, input).await;
    assert_eq!(empty.code(), "INSUFFICIENT_FUNDS");

    let input = json!({"provider": "DEMO", "amount": "5.00", "idempotencyKey": key()});
    let made = rider.mutate("topUpWallet", FIELDS, input).await.ok();
    assert_eq!(made["payment"]["purpose"], "TOP_UP");
    let top_up = text(&made["payment"]["id"]);
    app.advance(Duration::seconds(2));
    app.run_jobs().await;

    let input = json!({"rentalId": rental, "idempotencyKey": key()});
    let paid = rider.mutate("payFromWallet", FIELDS, input).await.ok();
    assert_eq!(paid["payment"]["captured"]["amount"], "2.75");
    assert_eq!(owes(&fleet, &rider.customer).await, 0);
    // What was spent cannot go back to the card.
    assert_eq!(refund(&fleet, &top_up, "2.26").await.code(), "INSUFFICIENT_FUNDS");
    assert_eq!(refund(&fleet, &top_up, "2.25").await.ok()["refund"]["state"], "COMPLETED");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn cash_is_recorded_by_staff_alone(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let input =
        |amount: &str| json!({"rentalId": rental, "amount": amount, "idempotencyKey": key()});
    assert_eq!(rider.mutate("recordCashPayment", FIELDS, input("1.00")).await.error(), "FORBIDDEN");
    let staff = fleet.staff(&app).await;
    for (amount, code) in
        [("2.76", "AMOUNT_EXCEEDS_DUE"), ("0", "INVALID_INPUT"), ("0.001", "INVALID_INPUT")]
    {
        assert_eq!(staff.mutate("recordCashPayment", FIELDS, input(amount)).await.code(), code);
    }
    staff.mutate("recordCashPayment", FIELDS, input("1.00")).await.ok();
    staff.mutate("recordCashPayment", FIELDS, input("1.75")).await.ok();
    assert_eq!(owes(&fleet, &rider.customer).await, 0);
    app.assert_sound().await;
}
