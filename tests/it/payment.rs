//! Payments: asked for once, followed live, refunded within what was taken, and booked.

mod contract;
mod crash;
mod hold;
mod offer;
mod race;
mod wallet;

use chrono::Duration;
use rstest::rstest;
use tests::{
    Answer, Client, Fleet, Rider,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key, text,
};

const FIELDS: &str = "payment { id state purpose amount { amount currency } captured { amount } refunded { amount }
    refundable { amount } failureCode nextAction { __typename } attempts { number verb state failureCode } }";
const FOLLOW: &str = "subscription($payment: ID, $customer: ID, $after: Cursor) {
    paymentStatusChanged(paymentId: $payment, customerId: $customer, after: $after) {
        cursor payment { id state refunded { amount } } refund { state amount { amount } } } }";

/// A rental that came to 2.75 EUR, and its rider.
async fn ended(app: &TestApp, fleet: &Fleet) -> (Rider, String) {
    let station = fleet.station(9).await;
    let vehicle = fleet.vehicle_at(&station).await;
    let rider = fleet.rider(app).await;
    let rental = text(&rider.start_rental(&vehicle).await.ok()["rental"]["id"]);
    app.advance(Duration::minutes(12));
    rider.end_rental(&rental, &station).await.ok();
    (rider, rental)
}

async fn pay(client: &Client, rental: &str, method: &str) -> Answer {
    let input = json!({
        "rentalId": rental, "provider": "DEMO", "paymentMethod": method, "idempotencyKey": key(),
    });
    client.mutate("createPayment", FIELDS, input).await
}

async fn refund(client: &Client, payment: &str, amount: &str) -> Answer {
    let input = json!({"paymentId": payment, "amount": amount, "idempotencyKey": key()});
    let fields = "refund { id state amount { amount } } payment { id refunded { amount } refundable { amount } }";
    client.mutate("refundPayment", fields, input).await
}

async fn state(client: &Client, payment: &str) -> String {
    let document = "query($id: ID!) { payment(id: $id) { state } }";
    text(&client.query(document, json!({"id": payment})).await["payment"]["state"])
}

/// A rental that its rider has paid.
async fn paid(app: &TestApp, fleet: &Fleet) -> (Rider, String) {
    let (rider, rental) = ended(app, fleet).await;
    let payment = text(&pay(&rider, &rental, "demo_success").await.ok()["payment"]["id"]);
    app.advance(Duration::seconds(2));
    app.run_jobs().await;
    assert_eq!(state(&rider, &payment).await, "COMPLETED");
    (rider, payment)
}

async fn owes(fleet: &Fleet, customer: &str) -> i64 {
    let customer = customer.parse().unwrap();
    let purse = service::ledger::Purse::receivable(customer);
    let ctx = fleet.system();
    let currency = fleet.tenant.currency;
    service::ledger::balance(ctx.reader(), ctx.tenant, purse, currency).await.unwrap().minor()
}

#[rstest]
#[tokio::test]
async fn a_rental_is_paid_followed_and_half_refunded(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    assert_eq!(owes(&fleet, &rider.customer).await, 275);
    let mut board = app.socket(rider.token()).await;
    board.subscribe("1", FOLLOW, json!({"customer": rider.customer})).await;
    board.settle().await;

    let made = pay(&rider, &rental, "demo_success").await.ok();
    assert_eq!(made["payment"]["state"], "PROCESSING");
    assert_eq!(made["payment"]["amount"], json!({"amount": "2.75", "currency": "EUR"}));
    let payment = text(&made["payment"]["id"]);
    // While it is under way, nobody pays the same rental again.
    assert_eq!(pay(&rider, &rental, "demo_success").await.code(), "NOTHING_DUE");

    app.advance(Duration::seconds(2));
    app.run_jobs().await;
    assert_eq!(owes(&fleet, &rider.customer).await, 0);
    let back = refund(&fleet, &payment, "1.00").await.ok();
    assert_eq!(back["refund"]["state"], "COMPLETED");
    assert_eq!(back["payment"]["refunded"]["amount"], "1.00");
    assert_eq!(back["payment"]["refundable"]["amount"], "1.75");

    let mut seen = Vec::new();
    for _ in 0..5 {
        let change = board.data().await;
        assert_eq!(change["payment"]["id"], json!(payment));
        seen.push((text(&change["payment"]["state"]), change["refund"]["state"].clone()));
    }
    let none = Value::Null;
    assert_eq!(
        seen,
        [
            ("PENDING".to_owned(), none.clone()),
            ("PROCESSING".to_owned(), none.clone()),
            ("COMPLETED".to_owned(), none),
            ("COMPLETED".to_owned(), json!("PENDING")),
            ("COMPLETED".to_owned(), json!("COMPLETED")),
        ]
    );
    assert_eq!(pay(&rider, &rental, "demo_success").await.code(), "NOTHING_DUE");
    app.assert_sound().await;
}

#[rstest]
#[case::a_no("demo_decline", "FAILED", "FAILED")]
#[case::a_lost_answer("demo_timeout", "UNKNOWN", "COMPLETED")]
#[case::a_silent_provider("demo_silent", "PROCESSING", "COMPLETED")]
#[case::an_action("demo_action", "REQUIRES_ACTION", "REQUIRES_ACTION")]
#[tokio::test]
async fn every_way_of_a_payment_has_an_end(
    #[case] method: &str,
    #[case] first: &str,
    #[case] later: &str,
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let made = pay(&rider, &rental, method).await.ok();
    assert_eq!(made["payment"]["state"], first);
    let payment = text(&made["payment"]["id"]);
    for minutes in [1, 1, 5, 15] {
        app.advance(Duration::minutes(minutes) + Duration::seconds(1));
        app.run_jobs().await;
    }
    assert_eq!(state(&rider, &payment).await, later);
    let left = if later == "COMPLETED" { 0 } else { 275 };
    assert_eq!(owes(&fleet, &rider.customer).await, left);
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn a_no_leaves_the_way_free_for_another_payment(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let no = pay(&rider, &rental, "demo_decline").await.ok();
    assert_eq!(no["payment"]["failureCode"], "card_declined");
    assert_eq!(no["payment"]["attempts"][0]["state"], "FAILED");
    let asked = pay(&rider, &rental, "demo_action").await.ok();
    assert_eq!(asked["payment"]["nextAction"]["__typename"], "SdkAction");
    let payment = text(&asked["payment"]["id"]);

    let input = json!({"paymentId": payment, "idempotencyKey": key()});
    let confirmed = rider.mutate("confirmPayment", FIELDS, input.clone()).await.ok();
    assert_eq!(confirmed["payment"]["state"], "COMPLETED");
    assert_eq!(confirmed["payment"]["nextAction"], Value::Null);
    let again = rider.mutate("confirmPayment", FIELDS, input).await.ok();
    assert_eq!(again, confirmed);
    let other = json!({"paymentId": payment, "idempotencyKey": key()});
    let late = rider.mutate("confirmPayment", FIELDS, other).await;
    assert_eq!(late.code(), "PAYMENT_STATE_CONFLICT");
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn payments_are_of_those_who_pay(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, payment) = paid(&app, &fleet).await;
    let other = fleet.rider(&app).await;
    let document = "query($id: ID!) { payment(id: $id) { id } }";
    assert_eq!(other.send(document, json!({"id": payment})).await.error(), "NOT_FOUND");
    assert_eq!(
        other.query("{ payments { nodes { id } } }", json!({})).await["payments"]["nodes"],
        json!([])
    );
    let own = rider.query("{ payments { nodes { id } totalCount } }", json!({})).await;
    assert_eq!(own["payments"], json!({"nodes": [{"id": payment}], "totalCount": 1}));
    assert_eq!(refund(&rider, &payment, "1.00").await.error(), "FORBIDDEN");
    let mut socket = app.socket(other.token()).await;
    socket.subscribe("1", FOLLOW, json!({"payment": payment})).await;
    let refused = socket.message().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "NOT_FOUND");
}
