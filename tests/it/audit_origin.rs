//! Who is in the audit log, and from where: partners, the platform, websockets and proxies.

use entity::{
    api_client::ClientId,
    tenant::TenantId,
    user::{Role, UserId},
};
use rstest::rstest;
use service::{ctx::Actor, station::CreateStation};
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
};

use crate::audit::{changes, lines};

#[rstest]
#[tokio::test]
async fn a_change_over_a_websocket_is_told_too(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    let mut socket = app.socket(fleet.token()).await;
    let document = "mutation($input: UpdateVehicleInput!) {
        updateVehicle(input: $input) { vehicle { odometerMeters } } }";
    let input = json!({"vehicleId": vehicle, "odometerMeters": 70});
    socket.subscribe("1", document, json!({"input": input})).await;
    assert_eq!(socket.data().await["vehicle"]["odometerMeters"], 70);

    let line = lines(&fleet, json!({"subjectId": vehicle})).await.remove(0);
    assert_eq!(line["address"], "127.0.0.1");
    assert!(line["requestId"].is_string(), "{line:#}");
    assert_eq!(changes(&line), ["odometerMeters: 0 -> 70"]);
}

#[rstest]
#[tokio::test]
async fn partners_and_the_platform_are_told_as_such(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (client, administrator) =
        (app.node.app.new_id::<ClientId>(), app.node.app.new_id::<UserId>());
    let scopes = "fleet:write".parse().unwrap();
    let mut partner = fleet.system();
    partner.actor = Actor::Partner { client, scopes };
    let mut platform = app.node.app.system(TenantId::PLATFORM, "test");
    platform.actor = Actor::Staff { user: administrator, role: Role::Administrator };
    let harbour = CreateStation {
        name: "Harbour".to_owned(),
        short_code: "H".to_owned(),
        position: entity::Position::new(55.5, 12.5).unwrap(),
        address: None,
        region: None,
        capacity: 1,
        is_virtual: false,
        is_charging: false,
    };
    service::station::create(&partner, harbour).await.unwrap();
    let tenant = fleet.tenant.id;
    let there = platform.platform().unwrap().at(tenant);
    let suspend = there.write(|tx| async move {
        tx.audit_act("tenant.suspend", tenant);
        Ok(())
    });
    suspend.await.unwrap();
    assert!(matches!(partner.platform(), Err(service::Error::Forbidden)));

    let told = lines(&fleet, json!({})).await;
    let [suspended, created, ..] = &told[..] else { panic!("{told:#?}") };
    assert_eq!(suspended["actorKind"], "PLATFORM");
    assert_eq!(suspended["actorId"], administrator.to_string());
    assert_eq!(suspended["actorRole"], "ADMINISTRATOR");
    assert_eq!(suspended["subjectId"], tenant.to_string());
    assert_eq!(created["actorKind"], "PARTNER");
    assert_eq!(created["actorId"], client.to_string());
    assert_eq!(created["actorRole"], Value::Null);
    assert_eq!(created["address"], Value::Null);
    assert_eq!(created["action"], "station.create");
}

#[rstest]
#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_told(#[values(Embedded, Production)] shape: Shape) {
    let settings = [("BIKELEASE_TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::start_with(shape, &settings).await;
    let fleet = app.fleet("Velo Nord").await;
    let call = fleet.http.post(format!("{}/graphql", fleet.url));
    let call = call.bearer_auth(fleet.token().unwrap());
    let call = call.header("x-forwarded-for", "6.6.6.6, 2001:db8::7");
    let document = "mutation($input: CreateCustomerInput!) {
        createCustomer(input: $input) { customer { id } } }";
    let body = json!({"query": document, "variables": {"input": {"name": "Ann"}}});
    assert_eq!(call.json(&body).send().await.unwrap().status(), 200);

    let line = lines(&fleet, json!({"action": "customer.create"})).await.remove(0);
    assert_eq!(line["address"], "2001:db8::7");
}
