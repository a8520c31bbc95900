//! What a tenant offers: by whom, in which currency, and how much.

use super::*;

const ACCOUNT: &str =
    "providerAccount { id provider offers { currency min { amount } max { amount } } disabledAt }";

#[rstest]
#[tokio::test]
async fn a_tenant_takes_what_it_offers(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    let set = |offers: Value| {
        fleet.mutate("setProviderAccount", ACCOUNT, json!({"provider": "DEMO", "offers": offers}))
    };
    set(json!([{"currency": "KES", "min": "1"}])).await.ok();
    assert_eq!(pay(&rider, &rental, "demo_success").await.code(), "PROVIDER_NOT_OFFERED");
    set(json!([{"currency": "EUR", "min": "3", "max": "10"}])).await.ok();
    let small = pay(&rider, &rental, "demo_success").await;
    assert_eq!(small.code(), "AMOUNT_NOT_OFFERED");
    assert_eq!(small.field(), json!(["amount"]));
    let twice =
        set(json!([{"currency": "EUR", "min": "1"}, {"currency": "EUR", "min": "2"}])).await;
    assert_eq!(twice.field(), json!(["offers", "0", "currency"]));
    let kept = set(json!([{"currency": "EUR", "min": "0.50"}])).await.ok();
    assert_eq!(kept["providerAccount"]["offers"][0]["max"], Value::Null);
    let off = json!({"provider": "DEMO", "enabled": false});
    fleet.mutate("setProviderAccount", ACCOUNT, off).await.ok();
    assert_eq!(pay(&rider, &rental, "demo_success").await.code(), "PROVIDER_NOT_OFFERED");
    let on = json!({"provider": "DEMO", "enabled": true});
    fleet.mutate("setProviderAccount", ACCOUNT, on).await.ok();
    pay(&rider, &rental, "demo_success").await.ok();
    let input = json!({"rentalId": rental, "provider": "STRIPE", "idempotencyKey": key()});
    let stranger = rider.mutate("createPayment", FIELDS, input).await;
    assert!(["NOTHING_DUE", "PROVIDER_NOT_OFFERED"].contains(&stranger.code().as_str()));
}

#[rstest]
#[tokio::test]
async fn nobody_pretends_in_production(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start_in_production(shape, &[]).await;
    let fleet = app.fleet("Velo Nord").await;
    let (rider, rental) = ended(&app, &fleet).await;
    assert_eq!(pay(&rider, &rental, "demo_success").await.code(), "PROVIDER_NOT_OFFERED");
    let input = json!({"provider": "DEMO", "offers": [{"currency": "EUR", "min": "1"}]});
    let refused = fleet.mutate("setProviderAccount", ACCOUNT, input).await;
    assert_eq!(refused.field(), json!(["provider"]));
}
