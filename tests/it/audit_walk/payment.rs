//! What is done with payments.

use tests::{Fleet, TestApp, Value, json, key, text};

use super::Case;

/// Money that is asked for, held, taken, and given back.
pub async fn cases(app: &TestApp, fleet: &Fleet) -> Vec<Case> {
    let customer = fleet.rider(app).await.customer;
    let ask = |method: &str, held: bool| {
        json!({
            "customerId": customer, "deposit": held, "amount": "1.00", "provider": "DEMO",
            "paymentMethod": method, "idempotencyKey": key(),
        })
    };
    let made = async |mutation: &str, input: Value| {
        let made = fleet.mutate(mutation, "payment { id }", input).await.ok();
        text(&made["payment"]["id"])
    };
    let top_up = |provider: Value| {
        let mut input = json!({"customerId": customer, "amount": "9.00", "idempotencyKey": key()});
        input.as_object_mut().unwrap().extend(provider.as_object().unwrap().clone());
        input
    };
    let cash = made("recordCashPayment", top_up(json!({"topUp": true}))).await;
    let acts = made("createPayment", ask("demo_action", true)).await;
    let (taken, freed) = (
        made("createPayment", ask("demo_success", true)).await,
        made("createPayment", ask("demo_success", true)).await,
    );
    let vehicle = fleet.vehicle().await;
    let station = fleet.station(5).await;
    let start = json!({"vehicleId": vehicle, "customerId": customer, "idempotencyKey": key()});
    let rental = fleet.mutate("startRental", "rental { id }", start).await.ok();
    let rental = text(&rental["rental"]["id"]);
    fleet.end_rental(&rental, &station).await.ok();
    let of = |payment: &str| json!({"paymentId": payment, "idempotencyKey": key()});
    let offer = json!({"provider": "DEMO", "offers": [{"currency": "EUR", "min": "0.01"}]});
    let case = |mutation, action, input| Case { mutation, object: "payment", action, input };
    vec![
        case("createPayment", "payment.create", ask("demo_success", true)),
        case("topUpWallet", "payment.create", top_up(json!({"provider": "DEMO"}))),
        case("recordCashPayment", "payment.create", top_up(json!({"topUp": true}))),
        case("confirmPayment", "payment.confirm", of(&acts)),
        case("capturePayment", "payment.capture", of(&taken)),
        case("cancelPayment", "payment.cancel", of(&freed)),
        case(
            "payFromWallet",
            "payment.create",
            json!({"rentalId": rental, "idempotencyKey": key()}),
        ),
        case("refundPayment", "payment.refund", of(&cash)),
        Case {
            mutation: "setProviderAccount",
            object: "providerAccount",
            action: "provider_account.set",
            input: offer,
        },
    ]
}
