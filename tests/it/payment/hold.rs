//! Money that is held first: taken in part, let go, or lapsed.

use super::*;

async fn held(client: &Client, rental: &str) -> String {
    let input = json!({
        "rentalId": rental, "provider": "DEMO", "manualCapture": true, "idempotencyKey": key(),
    });
    let made = client.mutate("createPayment", FIELDS, input).await.ok();
    assert_eq!(made["payment"]["state"], "AUTHORIZED");
    text(&made["payment"]["id"])
}

#[rstest]
#[tokio::test]
async fn a_hold_is_taken_in_part_and_the_rest_let_go(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let payment = held(&rider, &rental).await;
    assert_eq!(owes(&fleet, &rider.customer).await, 275);
    let take =
        |amount: &str| json!({"paymentId": payment, "amount": amount, "idempotencyKey": key()});
    assert_eq!(rider.mutate("capturePayment", FIELDS, take("1.00")).await.error(), "FORBIDDEN");
    let much = fleet.mutate("capturePayment", FIELDS, take("2.76")).await;
    assert_eq!(much.code(), "AMOUNT_EXCEEDS_DUE");
    let taken = fleet.mutate("capturePayment", FIELDS, take("2.00")).await.ok();
    assert_eq!(taken["payment"]["state"], "COMPLETED");
    assert_eq!(taken["payment"]["captured"]["amount"], "2.00");
    assert_eq!(owes(&fleet, &rider.customer).await, 75);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_hold_that_is_let_go_has_taken_nothing(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let payment = held(&rider, &rental).await;
    let input = json!({"paymentId": payment, "idempotencyKey": key()});
    let gone = fleet.mutate("cancelPayment", FIELDS, input).await.ok();
    assert_eq!(gone["payment"]["state"], "CANCELED");
    assert_eq!(owes(&fleet, &rider.customer).await, 275);
    let input = json!({"paymentId": payment, "idempotencyKey": key()});
    let late = fleet.mutate("capturePayment", FIELDS, input).await;
    assert_eq!(late.code(), "PAYMENT_STATE_CONFLICT");
    // The rental can be paid after all.
    assert_eq!(pay(&rider, &rental, "demo_success").await.ok()["payment"]["state"], "PROCESSING");
    app.assert_sound().await;
}
