//! Putting the mark wherever words of a tenant can stand.

use service::user::CreateUser;
use tests::{
    Fleet, Shape, TestApp, Value, json, key,
    receipt::{Paid, pay, refund},
};

use super::{super::catalogue::literal, MARKS};

/// Puts the mark wherever a tenant can put words.
pub async fn mark(app: &TestApp, fleet: &Fleet) {
    let mark = |what: &str| format!("Canary {what} {}", key());
    let http = reqwest::Client::builder().user_agent("Canary/7.2").build().unwrap();
    let mut fleet = fleet.clone();
    fleet.owner.http = http;
    let ok = async |mutation: &str, fields: &str, input: Value| {
        let payload = fleet.mutate(mutation, fields, input).await.ok();
        payload
            .as_object()
            .unwrap()
            .values()
            .find_map(|made| made["id"].as_str().map(str::to_owned))
    };
    let station = json!({
        "name": mark("Square"), "shortCode": mark("S"), "address": mark("Street"), "region": mark("Quarter"),
        "capacity": 9, "position": {"latitude": 55.0, "longitude": 12.0},
    });
    let station = ok("createStation", "station { id }", station).await.unwrap();
    let kind = json!({
        "name": mark("bike"), "make": mark("make"), "model": mark("model"), "formFactor": "BICYCLE",
        "propulsionType": "HUMAN",
    });
    let kind = ok("createVehicleType", "vehicleType { id }", kind).await.unwrap();
    let tariff =
        json!({"name": mark("tariff"), "description": mark("words"), "terms": {"currency": "EUR"}});
    ok("createTariff", "tariff { id }", tariff).await.unwrap();
    let vehicle =
        |number| json!({"number": number, "vehicleTypeId": kind, "at": {"stationId": station}});
    let broken = ok("createVehicle", "vehicle { id }", vehicle(mark("1"))).await.unwrap();
    let out = json!({"vehicleId": broken, "reason": mark("tyre")});
    ok("takeOutOfService", "vehicle { id }", out).await;
    let rented = ok("createVehicle", "vehicle { id }", vehicle(mark("2"))).await.unwrap();
    let email = format!("canary-{}@example.test", key());
    let customer =
        json!({"name": mark("rider"), "email": email, "phone": format!("+{}", MARKS[1])});
    let customer = ok("createCustomer", "customer { id }", customer).await.unwrap();
    let start =
        json!({"vehicleId": rented, "customerId": customer, "idempotencyKey": mark("start")});
    let rental = ok("startRental", "rental { id }", start).await.unwrap();
    let end = json!({"rentalId": rental, "stationId": station, "reason": mark("end"), "idempotencyKey": key()});
    let ended = ok("forceEndRental", "rental { id }", end).await.unwrap();
    let paid = Paid { reference: mark("charge"), ..Paid::rental(&customer, &ended, 125) };
    let (payment, _) = pay(&fleet.system(), paid).await.unwrap();
    refund(&fleet.system(), &payment, 25).await.unwrap();
    let asked = json!({
        "customerId": customer, "provider": "DEMO", "amount": "1.00", "idempotencyKey": key(),
    });
    ok("topUpWallet", "payment { id }", asked).await;
    ok("updateTenant", "tenant { id }", json!({"signUp": "OPEN"})).await;
    let invited = format!("canary-staff-{}@example.test", key());
    ok("inviteUser", "invitation { id }", json!({"email": invited, "role": "STAFF"})).await;
    let guest = format!("canary-guest-{}@example.test", key());
    let guest = json!({"tenant": fleet.slug, "email": guest});
    app.anonymous(None).mutate("signUp", "accepted", guest).await.ok();
    let partner = json!({"name": mark("partner"), "allowedOrigins": ["https://canary.example"]});
    let partner = fleet.partner(&["BOARD_READ"], partner).await;
    fleet.publish(&partner.id, &["query Canary { stations { totalCount } }"]).await;
    let user = CreateUser {
        email: format!("canary-user-{}@example.test", key()),
        name: mark("user"),
        role: entity::user::Role::Staff,
        password: "correct horse".to_owned(),
        customer: None,
    };
    service::user::create(&app.node.app.system(fleet.tenant.id, "test"), user).await.unwrap();
}

/// Words that come from somewhere else than the calls above.
pub async fn mark_by_sql(app: &TestApp, shape: Shape, fleet: &Fleet) {
    let tenant = literal(shape, &fleet.tenant.id.to_string());
    for change in [
        format!("\"user\" SET phone = '+{}' WHERE role = 'owner'", MARKS[1]),
        format!("invitation SET phone = '+{}' WHERE phone IS NULL", MARKS[1]),
        "session SET user_agent = 'Canary 7.2' WHERE user_agent IS NULL".to_owned(),
        "payment SET failure_code = 'canary', failure_message = 'canary' WHERE failure_code IS NULL".to_owned(),
        "payment_attempt SET failure_code = 'canary', failure_message = 'canary' WHERE failure_code IS NULL".to_owned(),
        "refund SET failure_code = 'canary', failure_message = 'canary', reason = 'canary', provider_reference = 'canary' WHERE failure_code IS NULL".to_owned(),
        "dead_job SET discarded_at = last_failed_at, discard_reason = 'canary' WHERE retried_at IS NULL".to_owned(),
    ] {
        let changed = app.sql(&format!("UPDATE {change} AND tenant_id = {tenant}")).await.unwrap();
        assert!(changed > 0, "{change}");
    }
}
