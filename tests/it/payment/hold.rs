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

async fn deposit(rider: &Rider, amount: &str) -> Answer {
    let input = json!({
        "deposit": true, "amount": amount, "provider": "DEMO", "idempotencyKey": key(),
    });
    rider.mutate("createPayment", FIELDS, input).await
}

async fn asks_for_deposits(fleet: &Fleet) {
    let fields = "tenant { requiresDeposit }";
    fleet.mutate("updateTenant", fields, json!({"requiresDeposit": true})).await.ok();
    fleet.tariff(json!({"collateral": "20.00"})).await;
}

#[rstest]
#[tokio::test]
async fn a_deposit_is_held_before_a_ride_and_let_go_after_it(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    asks_for_deposits(&fleet).await;
    let station = fleet.station(9).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let rider = fleet.rider(&app).await;
    assert_eq!(rider.start_rental(&vehicle).await.code(), "DEPOSIT_REQUIRED");
    deposit(&rider, "19.99").await.ok();
    assert_eq!(rider.start_rental(&vehicle).await.code(), "DEPOSIT_REQUIRED");
    let held = deposit(&rider, "20.00").await.ok();
    assert_eq!(
        (&held["payment"]["state"], &held["payment"]["purpose"]),
        (&json!("AUTHORIZED"), &json!("DEPOSIT"))
    );
    let held = text(&held["payment"]["id"]);
    let rental = text(&rider.start_rental(&vehicle).await.ok()["rental"]["id"]);
    let input = json!({"paymentId": held, "idempotencyKey": key()});
    let early = rider.mutate("cancelPayment", FIELDS, input).await;
    assert_eq!(early.code(), "PAYMENT_STATE_CONFLICT");
    app.run_jobs().await;
    assert_eq!(state(&rider, &held).await, "AUTHORIZED");
    app.advance(Duration::minutes(12));
    rider.end_rental(&rental, &station).await.ok();
    app.run_jobs().await;
    assert_eq!(state(&rider, &held).await, "CANCELED");
    assert_eq!(owes(&fleet, &rider.customer).await, 275);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_deposit_pays_what_a_late_rider_has_to(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    asks_for_deposits(&fleet).await;
    let station = fleet.station(9).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let rider = fleet.rider(&app).await;
    let held = text(&deposit(&rider, "20.00").await.ok()["payment"]["id"]);
    let rental = text(&rider.start_rental(&vehicle).await.ok()["rental"]["id"]);
    app.advance(Duration::minutes(121));
    rider.end_rental(&rental, &station).await.ok();
    // 1.00 + 121 x 0.10 + 5.00 for being late, and a quarter of it in tax.
    assert_eq!(owes(&fleet, &rider.customer).await, 2_263);
    app.run_jobs().await;
    let document =
        "query($id: ID!) { payment(id: $id) { state captured { amount } rental { id } } }";
    let taken = fleet.query(document, json!({"id": held})).await["payment"].clone();
    assert_eq!(
        taken,
        json!({"state": "COMPLETED", "captured": {"amount": "6.25"}, "rental": {"id": rental}})
    );
    assert_eq!(owes(&fleet, &rider.customer).await, 2_263 - 625);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn who_owes_too_much_rides_again_after_paying(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let vehicle = fleet.vehicle().await;
    let set = |limit: Value| {
        fleet.mutate("updateTenant", "tenant { debtLimit { amount } }", json!({"debtLimit": limit}))
    };
    assert_eq!(set(json!("-1")).await.field(), json!(["debtLimit"]));
    assert_eq!(set(json!("2.74")).await.ok()["tenant"]["debtLimit"]["amount"], "2.74");
    let refused = rider.start_rental(&vehicle).await;
    assert_eq!(refused.code(), "DEBT_LIMIT_REACHED");
    let input = json!({"rentalId": rental, "amount": "0.01", "idempotencyKey": key()});
    fleet.mutate("recordCashPayment", FIELDS, input).await.ok();
    rider.start_rental(&vehicle).await.ok();
    assert_eq!(set(Value::Null).await.ok()["tenant"]["debtLimit"], Value::Null);
    app.assert_sound().await;
}
