//! Tenants do not meet: every root field is called as a stranger, and answers as if the object did not exist.

use rstest::rstest;
use tests::{
    Client, Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key, text,
};

/// The objects of one tenant, one of each kind.
struct Objects {
    station: String,
    vehicle: String,
    vehicle_type: String,
    tariff: String,
    customer: String,
    rental: String,
}

/// A call of one root field with ids in it, and where its answer must be what a stranger gets.
struct Case {
    field: &'static str,
    document: &'static str,
    variables: Value,
}

/// Root fields that take no id of an object.
const WITHOUT_IDS: &[&str] = &[
    "me",
    "signIn",
    "refreshSession",
    "signOut",
    "signOutEverywhere",
    "createStation",
    "createTariff",
    "createCustomer",
    "stations",
    "vehicleTypes",
    "customers",
    "tariffs",
    "fleetEvents",
];

#[rstest]
#[tokio::test]
async fn a_stranger_gets_the_answer_for_what_does_not_exist(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (a, b) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let theirs = objects(&app, &b).await;
    let absent = absent();

    for (real, missing) in cases(&theirs).into_iter().zip(cases(&absent)) {
        let answer = call(&a, &real).await;
        assert_eq!(answer, call(&a, &missing).await, "{}", real.field);
        let text = answer.to_string();
        assert!(!text.contains("\"id\""), "{}: {text}", real.field);
    }
    app.assert_sound().await;
}

#[rstest]
#[tokio::test]
async fn every_root_field_has_a_case(#[values(Embedded)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let document = "{ __schema { queryType { fields { name } } mutationType { fields { name } }
        subscriptionType { fields { name } } } }";
    let schema = fleet.query(document, json!({})).await["__schema"].clone();
    let cases = cases(&absent());
    for kind in ["queryType", "mutationType", "subscriptionType"] {
        for field in schema[kind]["fields"].as_array().unwrap() {
            let name = text(&field["name"]);
            let covered =
                cases.iter().any(|case| case.field == name) || WITHOUT_IDS.contains(&name.as_str());
            let live =
                ["stationAvailability", "vehicleChanged", "rentalChanged"].contains(&name.as_str());
            assert!(covered || live, "the root field {name} has no tenancy case");
        }
    }
}

#[rstest]
#[tokio::test]
async fn lists_show_nothing_of_another_tenant(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let (a, b) = (app.fleet("Velo Nord").await, app.fleet("CANARY").await);
    let theirs = objects(&app, &b).await;
    let document = "{ stations { nodes { id } totalCount } vehicles { nodes { id } totalCount }
        customers { nodes { id } totalCount } rentals { nodes { id } totalCount } tariffs { nodes { id } }
        vehicleTypes { nodes { id } } }";
    let seen = a.query(document, json!({})).await.to_string();
    for id in [&theirs.station, &theirs.vehicle, &theirs.customer, &theirs.rental, &theirs.tariff] {
        assert!(!seen.contains(id.as_str()));
    }
}

#[rstest]
#[tokio::test]
async fn a_subscriber_hears_nothing_of_another_tenant(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (a, b) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let theirs = objects(&app, &b).await;
    let mut socket = app.socket(a.token()).await;
    let ids = json!({"ids": [theirs.station], "id": theirs.vehicle});
    socket.subscribe("1", "subscription { fleetEvents { cursor } }", json!({})).await;
    let stations = "subscription($ids: [ID!]) { stationAvailability(stationIds: $ids) { cursor } }";
    socket.subscribe("2", stations, ids).await;
    socket.subscribe("3", "subscription { vehicleChanged { cursor } }", json!({})).await;

    objects(&app, &b).await;

    assert!(socket.silent().await);
    let rental = json!({"id": theirs.rental});
    socket
        .subscribe(
            "4",
            "subscription($id: ID!) { rentalChanged(rentalId: $id) { cursor } }",
            rental,
        )
        .await;
    assert_eq!(socket.message().await["payload"][0]["extensions"]["code"], "NOT_FOUND");
}

#[rstest]
#[tokio::test]
async fn the_database_itself_refuses_a_reference_across_tenants(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let (a, b) = (app.fleet("Velo Nord").await, app.fleet("Rad Sued").await);
    let (ours, theirs) = (a.vehicle().await, b.station(3).await);
    let bytes = |id: &str| {
        let hex = id.rsplit_once('_').unwrap().1.to_owned();
        match shape {
            Embedded => format!("x'{hex}'"),
            Production => format!("'{hex}'"),
        }
    };
    let statement =
        format!("UPDATE vehicle SET station_id = {} WHERE id = {}", bytes(&theirs), bytes(&ours));
    let error = app.sql(&statement).await.unwrap_err().to_string().to_lowercase();
    assert!(error.contains("foreign key"), "{error}");
}

async fn objects(app: &TestApp, fleet: &Fleet) -> Objects {
    let station = fleet.station(5).await;
    let (vehicle, ridden) = (fleet.vehicle_at(&station).await, fleet.vehicle_at(&station).await);
    let ann = fleet.rider(app).await;
    let rental = text(&ann.start_rental(&ridden).await.ok()["rental"]["id"]);
    let (vehicle_type, tariff) = (fleet.vehicle_type.clone(), fleet.tariff.clone());
    Objects { station, vehicle, vehicle_type, tariff, customer: ann.customer.clone(), rental }
}

fn absent() -> Objects {
    let id = |kind: &str| format!("{kind}_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f");
    Objects {
        station: id("station"),
        vehicle: id("vehicle"),
        vehicle_type: id("vehicle_type"),
        tariff: id("tariff"),
        customer: id("customer"),
        rental: id("rental"),
    }
}

async fn call(client: &Client, case: &Case) -> Value {
    let mut body = client.send(case.document, case.variables.clone()).await.body;
    if let Some(errors) = body.get_mut("errors").and_then(Value::as_array_mut) {
        for error in errors {
            error["extensions"].as_object_mut().map(|extensions| extensions.remove("requestId"));
        }
    }
    body
}

#[expect(clippy::too_many_lines, reason = "one table, a row for each root field")]
fn cases(o: &Objects) -> Vec<Case> {
    let case = |field, document, variables| Case { field, document, variables };
    let input = |field, document, input: Value| Case {
        field,
        document,
        variables: json!({"input": input}),
    };
    let at = json!({"stationId": o.station});
    vec![
        case("node", "query($id: ID!) { node(id: $id) { id } }", json!({"id": o.station})),
        case("node", "query($id: ID!) { node(id: $id) { id } }", json!({"id": o.rental})),
        case(
            "nodes",
            "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            json!({"ids": [o.vehicle, o.customer, o.tariff, o.vehicle_type]}),
        ),
        case(
            "vehicles",
            "query($filter: VehicleFilter) { vehicles(filter: $filter) { nodes { id } totalCount } }",
            json!({"filter": {"stationId": o.station, "vehicleTypeId": o.vehicle_type}}),
        ),
        case(
            "rentals",
            "query($filter: RentalFilter) { rentals(filter: $filter) { nodes { id } totalCount } }",
            json!({"filter": {"customerId": o.customer, "vehicleId": o.vehicle}}),
        ),
        case(
            "auditLog",
            "query($filter: AuditLogFilter) { auditLog(filter: $filter) { nodes { id } totalCount } }",
            json!({"filter": {"subjectId": o.station}}),
        ),
        case(
            "rentalQuote",
            "query($input: RentalQuoteInput!) { rentalQuote(input: $input) { price { amount } } }",
            json!({"input": {"vehicleId": o.vehicle, "tariffId": o.tariff, "minutes": 1}}),
        ),
        input(
            "updateStation",
            "mutation($input: UpdateStationInput!) { updateStation(input: $input) { station { name } userErrors { code field } } }",
            json!({"stationId": o.station, "name": "Mine"}),
        ),
        input(
            "archiveStation",
            "mutation($input: ArchiveStationInput!) { archiveStation(input: $input) { station { name } userErrors { code field } } }",
            json!({"stationId": o.station}),
        ),
        input(
            "createVehicleType",
            "mutation($input: CreateVehicleTypeInput!) { createVehicleType(input: $input) { vehicleType { name } userErrors { code field } } }",
            json!({"name": "T", "formFactor": "BICYCLE", "propulsionType": "HUMAN", "defaultTariffId": o.tariff}),
        ),
        input(
            "updateVehicleType",
            "mutation($input: UpdateVehicleTypeInput!) { updateVehicleType(input: $input) { vehicleType { name } userErrors { code field } } }",
            json!({"vehicleTypeId": o.vehicle_type, "name": "Mine"}),
        ),
        input(
            "archiveVehicleType",
            "mutation($input: ArchiveVehicleTypeInput!) { archiveVehicleType(input: $input) { vehicleType { name } userErrors { code field } } }",
            json!({"vehicleTypeId": o.vehicle_type}),
        ),
        input(
            "createVehicle",
            "mutation($input: CreateVehicleInput!) { createVehicle(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"number": "X", "vehicleTypeId": o.vehicle_type, "at": at}),
        ),
        input(
            "updateVehicle",
            "mutation($input: UpdateVehicleInput!) { updateVehicle(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle, "number": "Mine"}),
        ),
        input(
            "archiveVehicle",
            "mutation($input: ArchiveVehicleInput!) { archiveVehicle(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle}),
        ),
        input(
            "moveVehicles",
            "mutation($input: MoveVehiclesInput!) { moveVehicles(input: $input) { vehicles { number } userErrors { code field } } }",
            json!({"vehicleIds": [o.vehicle], "to": at}),
        ),
        input(
            "takeOutOfService",
            "mutation($input: TakeOutOfServiceInput!) { takeOutOfService(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle, "reason": "x"}),
        ),
        input(
            "returnToService",
            "mutation($input: ReturnToServiceInput!) { returnToService(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle}),
        ),
        input(
            "reportMissing",
            "mutation($input: ReportMissingInput!) { reportMissing(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle}),
        ),
        input(
            "locate",
            "mutation($input: LocateInput!) { locate(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle, "at": at}),
        ),
        input(
            "reserveVehicle",
            "mutation($input: ReserveVehicleInput!) { reserveVehicle(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle, "customerId": o.customer, "idempotencyKey": key()}),
        ),
        input(
            "cancelReservation",
            "mutation($input: CancelReservationInput!) { cancelReservation(input: $input) { vehicle { number } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle}),
        ),
        input(
            "updateCustomer",
            "mutation($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { name } userErrors { code field } } }",
            json!({"customerId": o.customer, "name": "Mine"}),
        ),
        input(
            "archiveCustomer",
            "mutation($input: ArchiveCustomerInput!) { archiveCustomer(input: $input) { customer { name } userErrors { code field } } }",
            json!({"customerId": o.customer}),
        ),
        input(
            "updateTariff",
            "mutation($input: UpdateTariffInput!) { updateTariff(input: $input) { tariff { name } userErrors { code field } } }",
            json!({"tariffId": o.tariff, "name": "Mine"}),
        ),
        input(
            "archiveTariff",
            "mutation($input: ArchiveTariffInput!) { archiveTariff(input: $input) { tariff { name } userErrors { code field } } }",
            json!({"tariffId": o.tariff}),
        ),
        input(
            "startRental",
            "mutation($input: StartRentalInput!) { startRental(input: $input) { rental { state } userErrors { code field } } }",
            json!({"vehicleId": o.vehicle, "customerId": o.customer, "tariffId": o.tariff, "idempotencyKey": key()}),
        ),
        input(
            "endRental",
            "mutation($input: EndRentalInput!) { endRental(input: $input) { rental { state } userErrors { code field } } }",
            json!({"rentalId": o.rental, "stationId": o.station, "idempotencyKey": key()}),
        ),
        input(
            "forceEndRental",
            "mutation($input: ForceEndRentalInput!) { forceEndRental(input: $input) { rental { state } userErrors { code field } } }",
            json!({"rentalId": o.rental, "stationId": o.station, "reason": "x", "idempotencyKey": key()}),
        ),
        input(
            "cancelRental",
            "mutation($input: CancelRentalInput!) { cancelRental(input: $input) { rental { state } userErrors { code field } } }",
            json!({"rentalId": o.rental, "idempotencyKey": key()}),
        ),
    ]
}
