//! Subscriptions with another tenant's ids and cursors are silent, whatever happens there.

use std::{collections::BTreeSet, time::Duration};

use rstest::rstest;
use service::event::Kind;
use tests::{
    Fleet, Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json, key, text,
};

use super::{
    objects::{Objects, Tenant},
    sdl::{Call, Leaf, Sdl},
};

/// As long as the slowest way that an event takes.
const SILENCE: Duration = Duration::from_secs(2);
/// Fewer than a socket may have.
const AT_ONCE: usize = 40;

#[rstest]
#[tokio::test]
async fn a_subscriber_hears_nothing_of_another_tenant(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let ours = Tenant::create(&app, "Velo Nord").await;
    let theirs = Tenant::create(&app, "Rad Sued").await;
    // The clock will move, and an open rental would tell of it.
    let (rental, station) = (ours.objects.get("rental"), ours.objects.get("station"));
    ours.rider.end_rental(rental, station).await.ok();
    let calls = calls(&ours, &theirs.objects);
    let mut sockets = Vec::new();
    for caller in [&ours.fleet.owner, &ours.rider.client] {
        for some in calls.chunks(AT_ONCE) {
            let mut socket = app.socket(caller.token()).await;
            subscribe(&mut socket, some).await;
            sockets.push(socket);
        }
    }

    everything_happens(&app, &theirs.fleet).await;

    tokio::time::sleep(SILENCE).await;
    for socket in &mut sockets {
        if let Some(frame) = socket.frame_within(Duration::from_millis(10)).await {
            panic!("heard of another tenant: {frame:?}");
        }
    }
    app.assert_sound().await;
}

/// What each subscription of a whole tenant tells, by its name and the field that says the kind.
const TOLD: [(&str, &str); 2] = [
    ("fleetEvents", "{ fleetEvents { kind } }"),
    ("paymentEvents", "{ paymentEvents { refund { id } } }"),
];

/// The ear works: a subscriber of the same tenant hears every kind of event.
#[rstest]
#[tokio::test]
async fn every_kind_of_event_is_made(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Rad Sued").await;
    let mut socket = app.socket(fleet.token()).await;
    for (name, selection) in TOLD {
        socket.subscribe(name, &format!("subscription {selection}"), json!({})).await;
    }

    everything_happens(&app, &fleet).await;

    let mut heard = BTreeSet::new();
    while let Some(Frame::Message(message)) = socket.frame_within(SILENCE).await {
        let data = &message["payload"]["data"];
        heard.insert(match (&data["fleetEvents"], &data["paymentEvents"]["refund"]) {
            (Value::Null, Value::Null) => "payment_changed".to_owned(),
            (Value::Null, _) => "refund_changed".to_owned(),
            (event, _) => text(&event["kind"]).to_lowercase(),
        });
    }
    let mut missing: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    missing.retain(|kind| !heard.contains(*kind) && !UNHEARD.contains(kind));
    assert!(missing.is_empty(), "make these happen in tenancy/stream.rs: {missing:?}");
}

/// Kinds that no subscriber is told.
const UNHEARD: &[&str] = &["unknown", "webhook_received"];

/// Every subscription, plain and with each of their ids in each place.
fn calls(ours: &Tenant, theirs: &Objects) -> Vec<Call> {
    let sdl = Sdl::read();
    let mut calls = Vec::new();
    for field in sdl.fields("Subscription") {
        // What needs an id gets them all below.
        let of_an_object = field.arguments.iter().any(|argument| {
            let ty = &argument.node.ty.node;
            !ty.nullable && super::sdl::named(ty) == "ID"
        });
        if !of_an_object {
            calls.push(sdl.plain("Subscription", &field.name.node, &ours.objects, 1));
        }
    }
    for slot in sdl.slots() {
        if slot.parent == "Subscription" && slot.leaf == Leaf::Id {
            let ids = theirs.iter().map(|(_, id)| id);
            calls.extend(ids.map(|id| sdl.call(&slot, &json!(id), &ours.objects, 1)));
        }
    }
    calls
}

/// Refusals come at once, and say what they say of ids that do not exist.
async fn subscribe(socket: &mut Socket, calls: &[Call]) {
    for (number, call) in calls.iter().enumerate() {
        let payload = json!({"query": call.document, "variables": call.variables});
        let id = number.to_string();
        socket.send(json!({"id": id, "type": "subscribe", "payload": payload})).await;
    }
    socket.settle().await;
    while let Some(frame) = socket.frame_within(Duration::from_millis(500)).await {
        let Frame::Message(message) = frame else { panic!("{frame:?}") };
        let code = &message["payload"][0]["extensions"]["code"];
        let is_refusal =
            ["NOT_FOUND", "BAD_USER_INPUT", "FORBIDDEN"].iter().any(|known| code == known);
        assert!(message["type"] == "error" && is_refusal, "{message:#}");
    }
}

/// Every kind of event, through the API as staff and customers make it.
pub async fn everything_happens(app: &TestApp, fleet: &Fleet) {
    let (_, objects) = Objects::create(app, fleet).await;
    let ok = async |mutation: &str, input: Value| {
        fleet.mutate(mutation, "__typename", input).await.ok();
    };
    let (vehicle, rental) = (objects.get("vehicle"), objects.get("rental"));
    ok("updateStation", json!({"stationId": objects.get("station"), "name": "Renamed"})).await;
    ok("updateVehicleType", json!({"vehicleTypeId": objects.get("vehicle_type"), "name": "T"}))
        .await;
    ok("updateTariff", json!({"tariffId": objects.get("tariff"), "name": "T"})).await;
    ok("updateCustomer", json!({"customerId": objects.get("customer"), "name": "N"})).await;
    ok("takeOutOfService", json!({"vehicleId": vehicle, "reason": "flat"})).await;
    ok("returnToService", json!({"vehicleId": vehicle})).await;
    app.run_jobs().await;
    app.advance(chrono::Duration::hours(3));
    app.run_jobs().await;
    let end =
        json!({"rentalId": rental, "stationId": objects.get("station"), "idempotencyKey": key()});
    ok("endRental", end).await;
    let rider = fleet.rider(app).await;
    let started = rider.start_rental(vehicle).await.ok();
    let cancel = json!({"rentalId": started["rental"]["id"], "idempotencyKey": key()});
    rider.mutate("cancelRental", "__typename", cancel).await.ok();
    let cash = json!({
        "customerId": rider.customer, "topUp": true, "amount": "5.00", "idempotencyKey": key(),
    });
    let paid = fleet.mutate("recordCashPayment", "payment { id }", cash).await.ok();
    ok("refundPayment", json!({"paymentId": paid["payment"]["id"], "idempotencyKey": key()})).await;
}
