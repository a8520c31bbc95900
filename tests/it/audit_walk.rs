//! Every mutation of the schema, done by an owner, is in the audit log; one that is not in this table fails.

mod payment;

use rstest::rstest;
use tests::{
    Client, Fleet,
    Shape::{self, Embedded, Production},
    TestApp, Value, json, key, manifest, text,
};

use crate::audit::post;

/// Mutations whose success is in no line of an owner's own, and why.
const SILENT: &[(&str, &str)] = &[
    ("signIn", "nobody has signed in yet; the session itself is the record"),
    ("requestSignInCode", "nobody has signed in yet, and nothing of the login changes"),
    ("signInWithCode", "nobody has signed in yet; the session itself is the record"),
    ("signUp", "nobody has signed in yet, and nothing is made before the code is shown"),
    ("completeSignUp", "nobody has signed in yet; the login itself is the record"),
    ("requestPasswordReset", "nobody has signed in yet, and nothing of the login changes"),
    ("resetPassword", "is told as done by the login that the link was for: see `audit_people`"),
    ("acceptInvitation", "is told as done by the new login: see `audit_people`"),
    ("requestVerification", "sends a code, and nothing of the login changes"),
    ("createTenant", "is for the platform's administrators: see `audit_people`"),
    ("suspendTenant", "is for the platform's administrators: see `audit_people`"),
    ("resumeTenant", "is for the platform's administrators: see `audit_people`"),
    ("refreshSession", "changes nothing but the session's own tokens"),
    ("signOut", "is called with a refresh token, not as somebody; the session is the record"),
];

/// A mutation that succeeds, and what the audit log says of it.
struct Case {
    mutation: &'static str,
    /// The object in its payload.
    object: &'static str,
    action: &'static str,
    input: Value,
}

#[rstest]
#[tokio::test]
async fn every_mutation_leaves_a_line(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let reader = app.owner_of(&fleet.slug).await;
    let me = fleet.query("{ me { id } }", json!({})).await["me"]["id"].clone();
    let cases = cases(&app, &fleet).await;
    every_mutation_has_a_case(&fleet, &cases).await;

    for (number, case) in cases.iter().enumerate() {
        let request = format!("walk-{number}-{}", case.mutation);
        let payload = called(&fleet, &request, case).await;
        let subject = match &payload[case.object] {
            Value::Array(several) => several[0]["id"].clone(),
            one => one["id"].clone(),
        };
        let lines = lines(&reader, &request).await;
        let line = lines.iter().find(|line| line["subjectId"] == subject);
        let line = line.unwrap_or_else(|| panic!("{} left no line: {lines:#?}", case.mutation));
        assert_eq!(line["action"], case.action, "{}", case.mutation);
        assert_eq!(line["subjectKind"], case.action.split('.').next().unwrap());
        for line in &lines {
            assert_eq!(line["requestId"], request);
            assert_eq!(line["actorId"], me);
        }
    }

    own_login(&app, &fleet, &reader, &me).await;
    app.assert_sound().await;
}

/// What is done with one's own login, and what the audit log says of it.
const OWN: &[(&str, &str)] = &[
    ("setUpSecondFactor", "user.set_up_second_factor"),
    ("confirmSecondFactor", "user.confirm_second_factor"),
    ("removeSecondFactor", "user.remove_second_factor"),
    ("verifyContact", "user.verify_contact"),
    ("revokeSession", "session.revoke"),
    ("signOutEverywhere", "user.sign_out_everywhere"),
    ("changePassword", "user.change_password"),
];

async fn own_login(app: &TestApp, fleet: &Fleet, reader: &Client, me: &Value) {
    let password = "correct horse";
    let mut secret = String::new();
    let document = "{ me { email sessions { id } } }";
    let mine = fleet.query(document, json!({})).await["me"].clone();
    let again = json!({"tenant": fleet.slug, "email": mine["email"], "password": password});
    for (mutation, action) in OWN {
        let request = format!("walk-{mutation}");
        if *mutation == "changePassword" {
            let signed_in =
                app.anonymous(None).mutate("signIn", "accessToken", again.clone()).await.ok();
            fleet.owner.tokens.lock().unwrap().access = Some(text(&signed_in["accessToken"]));
        }
        let (input, fields) = match *mutation {
            "setUpSecondFactor" => (json!(null), "setup { secret }"),
            "confirmSecondFactor" => (json!({"totpCode": app.totp(&secret)}), "user { id }"),
            "removeSecondFactor" => (json!({"password": password}), "user { id }"),
            "verifyContact" => {
                let ask = json!({"phone": "+254700123456", "currentPassword": password});
                fleet.mutate("requestVerification", "accepted", ask).await.ok();
                let code = app.code_sent_to("+254700123456").await;
                (json!({"phone": "+254700123456", "code": code}), "user { id }")
            }
            "revokeSession" => {
                let anyone = app.anonymous(None);
                let there = anyone.mutate("signIn", "user { sessions { id } }", again.clone());
                let there = there.await.payload()["user"]["sessions"][0]["id"].clone();
                (json!({"sessionId": there}), "signedOut")
            }
            "changePassword" => (
                json!({"currentPassword": password, "newPassword": "battery staple"}),
                "user { id }",
            ),
            _ => (json!(null), "signedOut"),
        };
        let (head, rest) = mutation.split_at(1);
        let document = match input.is_null() {
            true => format!("mutation {{ {mutation} {{ {fields} userErrors {{ code }} }} }}"),
            false => format!(
                "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code }} }} }}",
                head.to_uppercase()
            ),
        };
        let answer = post(fleet, &request, &document, json!({"input": input})).await;
        assert_eq!(answer["data"][*mutation]["userErrors"], json!([]), "{answer:#}");
        if let Some(made) = answer["data"][*mutation]["setup"]["secret"].as_str() {
            made.clone_into(&mut secret);
        }
        let lines = lines(reader, &request).await;
        let line = lines.first().unwrap_or_else(|| panic!("{mutation} left no line"));
        assert_eq!(line["action"], *action);
        let subject = if *mutation == "revokeSession" { &input["sessionId"] } else { me };
        assert_eq!(&line["subjectId"], subject, "{mutation}");
    }
}

async fn every_mutation_has_a_case(fleet: &Fleet, cases: &[Case]) {
    let document = "{ __schema { mutationType { fields { name } } } }";
    let schema = fleet.query(document, json!({})).await;
    let fields = schema["__schema"]["mutationType"]["fields"].as_array().unwrap();
    let names: Vec<String> = fields.iter().map(|field| text(&field["name"])).collect();
    let walked = |name: &str| {
        OWN.iter().any(|(own, ..)| *own == name) || cases.iter().any(|case| case.mutation == name)
    };
    for name in &names {
        let silent = SILENT.iter().any(|(silent, _)| silent == name);
        assert!(walked(name) != silent, "the mutation {name} is walked, or silent with a reason");
    }
    for (name, _) in SILENT {
        assert!(names.iter().any(|known| known == name), "{name} is no mutation any more");
    }
}

async fn called(client: &Client, request: &str, case: &Case) -> Value {
    let Case { mutation, object, .. } = case;
    let (head, rest) = mutation.split_at(1);
    let input = format!("{}{rest}Input", head.to_uppercase());
    let document = format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ {object} {{ id }} userErrors {{ code message }} }} }}"
    );
    let answer = post(client, request, &document, json!({"input": case.input})).await;
    let payload = answer["data"][mutation].clone();
    assert_eq!(payload["userErrors"], json!([]), "{mutation}: {answer:#}");
    payload
}

async fn lines(reader: &Client, request: &str) -> Vec<Value> {
    let document = "query($request: String!) { auditLog(filter: {requestId: $request}) {
        nodes { action subjectKind subjectId actorId requestId } } }";
    let log = reader.query(document, json!({"request": request})).await;
    log["auditLog"]["nodes"].as_array().unwrap().clone()
}

async fn cases(app: &TestApp, fleet: &Fleet) -> Vec<Case> {
    let mut cases = stock(fleet).await;
    cases.extend(workshop(fleet).await);
    cases.extend(rides(app, fleet).await);
    cases.extend(team(app, fleet).await);
    cases.extend(partners(fleet).await);
    cases.extend(payment::cases(app, fleet).await);
    cases.extend(jobs(app, fleet).await);
    cases
}

fn case(mutation: &'static str, object: &'static str, action: &'static str, input: Value) -> Case {
    Case { mutation, object, action, input }
}

/// Making, changing and archiving.
async fn stock(fleet: &Fleet) -> Vec<Case> {
    let (station, vehicle) = (fleet.station(3).await, fleet.vehicle().await);
    let bike = json!({"name": "Cargo", "formFactor": "CARGO_BICYCLE", "propulsionType": "HUMAN"});
    let spare = fleet.mutate("createVehicleType", "vehicleType { id }", bike.clone()).await.ok();
    let vehicle_type = spare["vehicleType"]["id"].clone();
    let tariff = json!({"name": "Spare", "terms": {"currency": "EUR", "unlockPrice": "1.00"}});
    let spare = fleet.mutate("createTariff", "tariff { id }", tariff.clone()).await.ok();
    let spare_tariff = spare["tariff"]["id"].clone();
    let ann = json!({"name": "Ann Example", "email": "ann@example.com"});
    let spare =
        fleet.mutate("createCustomer", "customer { id }", json!({"name": "Ben"})).await.ok();
    let customer = spare["customer"]["id"].clone();
    let place = json!({"latitude": 55.5, "longitude": 12.5});
    let new_station = json!({"name": "New", "shortCode": "NEW", "capacity": 3, "position": place});
    let new_vehicle = json!({"number": "NEW", "vehicleTypeId": fleet.vehicle_type});
    vec![
        case("createStation", "station", "station.create", new_station),
        case(
            "updateStation",
            "station",
            "station.update",
            json!({"stationId": station, "capacity": 4}),
        ),
        case("archiveStation", "station", "station.archive", json!({"stationId": station})),
        case("createVehicleType", "vehicleType", "vehicle_type.create", bike),
        case(
            "updateVehicleType",
            "vehicleType",
            "vehicle_type.update",
            json!({"vehicleTypeId": vehicle_type, "make": "Larry"}),
        ),
        case(
            "archiveVehicleType",
            "vehicleType",
            "vehicle_type.archive",
            json!({"vehicleTypeId": vehicle_type}),
        ),
        case("createVehicle", "vehicle", "vehicle.create", new_vehicle),
        case(
            "updateVehicle",
            "vehicle",
            "vehicle.update",
            json!({"vehicleId": vehicle, "odometerMeters": 7}),
        ),
        case("archiveVehicle", "vehicle", "vehicle.archive", json!({"vehicleId": vehicle})),
        case("createCustomer", "customer", "customer.create", ann),
        case(
            "updateCustomer",
            "customer",
            "customer.update",
            json!({"customerId": customer, "name": "Benjamin"}),
        ),
        case(
            "updateCustomer",
            "customer",
            "customer.block",
            json!({"customerId": customer, "blocked": true}),
        ),
        case(
            "updateCustomer",
            "customer",
            "customer.unblock",
            json!({"customerId": customer, "blocked": false}),
        ),
        case("archiveCustomer", "customer", "customer.archive", json!({"customerId": customer})),
        case("createTariff", "tariff", "tariff.create", tariff),
        case(
            "updateTariff",
            "tariff",
            "tariff.update",
            json!({"tariffId": spare_tariff, "name": "Other"}),
        ),
        case("archiveTariff", "tariff", "tariff.archive", json!({"tariffId": spare_tariff})),
    ]
}

/// What is done with vehicles on the street, one after the other.
async fn workshop(fleet: &Fleet) -> Vec<Case> {
    let (vehicle, at) = (fleet.vehicle().await, json!({"stationId": fleet.station(3).await}));
    let one = json!({"vehicleId": vehicle});
    let with = |name: &str, value: &Value| json!({"vehicleId": vehicle, name: value});
    vec![
        case(
            "moveVehicles",
            "vehicles",
            "vehicle.move",
            json!({"vehicleIds": [vehicle], "to": at}),
        ),
        case(
            "takeOutOfService",
            "vehicle",
            "vehicle.take_out_of_service",
            with("reason", &json!("flat tyre")),
        ),
        case("returnToService", "vehicle", "vehicle.return_to_service", one.clone()),
        case("reportMissing", "vehicle", "vehicle.report_missing", one),
        case("locate", "vehicle", "vehicle.locate", with("at", &at)),
    ]
}

/// What owners do with the tenant, and with other people's logins.
async fn team(app: &TestApp, fleet: &Fleet) -> Vec<Case> {
    let id = async || {
        let staff = fleet.staff(app).await;
        staff.query("{ me { id } }", json!({})).await["me"]["id"].clone()
    };
    let user = id().await;
    let one = json!({"userId": user});
    let invite = |email: &str| json!({"email": email, "role": "STAFF"});
    let spare = fleet.mutate("inviteUser", "invitation { id }", invite("spare@example.com"));
    let spare = spare.await.ok()["invitation"]["id"].clone();
    vec![
        case("updateTenant", "tenant", "tenant.update", json!({"graceSeconds": 30})),
        case("inviteUser", "invitation", "invitation.create", invite("new@example.com")),
        case("revokeInvitation", "invitation", "invitation.revoke", json!({"invitationId": spare})),
        case(
            "updateUser",
            "user",
            "user.update",
            json!({"userId": user, "name": "Somebody Else", "role": "ADMIN"}),
        ),
        case("resetSecondFactor", "user", "user.reset_second_factor", one.clone()),
        case("signOutUser", "user", "user.sign_out", one.clone()),
        case("disableUser", "user", "user.disable", one.clone()),
        case("enableUser", "user", "user.enable", one),
    ]
}

/// What staff do in a rider's place.
async fn rides(app: &TestApp, fleet: &Fleet) -> Vec<Case> {
    let (station, held, free) =
        (fleet.station(9).await, fleet.vehicle().await, fleet.vehicle().await);
    let (ann, ben) = (fleet.rider(app).await, fleet.rider(app).await);
    let mut open = Vec::new();
    for _ in 0..3 {
        let (rider, vehicle) = (fleet.rider(app).await, fleet.vehicle().await);
        open.push(text(&rider.start_rental(&vehicle).await.ok()["rental"]["id"]));
    }
    let given = |vehicle: &str, customer: &str| json!({"vehicleId": vehicle, "customerId": customer, "idempotencyKey": key()});
    let ended =
        |rental: &str| json!({"rentalId": rental, "stationId": station, "idempotencyKey": key()});
    let mut forced = ended(&open[1]);
    forced["reason"] = json!("the rider called");
    vec![
        case("reserveVehicle", "vehicle", "vehicle.reserve", given(&held, &ann.customer)),
        case(
            "cancelReservation",
            "vehicle",
            "vehicle.cancel_reservation",
            json!({"vehicleId": held}),
        ),
        case("startRental", "rental", "rental.start", given(&free, &ben.customer)),
        case("endRental", "rental", "rental.end", ended(&open[0])),
        case("forceEndRental", "rental", "rental.force_end", forced),
        case(
            "cancelRental",
            "rental",
            "rental.cancel",
            json!({"rentalId": open[2], "idempotencyKey": key()}),
        ),
    ]
}

/// Programs, their keys, and what they register.
async fn partners(fleet: &Fleet) -> Vec<Case> {
    let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
    let of = |name: &str, value: Value| json!({"clientId": partner.id, name: value});
    let documents = manifest(&["query Stations { stations { totalCount } }"]);
    let made = json!({"name": "City app", "scopes": ["BOARD_READ"]});
    vec![
        case("createApiClient", "apiClient", "client.create", made),
        case("updateApiClient", "apiClient", "client.update", of("name", json!("Other"))),
        case("createApiKey", "apiKey", "key.create", json!({"clientId": partner.id})),
        case("revokeApiKey", "apiKey", "key.revoke", json!({"keyId": partner.key})),
        case("publishOperations", "manifest", "manifest.publish", of("manifest", documents.into())),
        case("retireOperations", "manifest", "manifest.retire", of("version", json!(1))),
    ]
}

/// Jobs that were given up.
async fn jobs(app: &TestApp, fleet: &Fleet) -> Vec<Case> {
    let first = fleet.dead_job(app).await;
    let second = fleet.dead_job(app).await;
    fleet.dead_job(app).await;
    let discard = json!({"deadJobId": second, "reason": "the rental is gone"});
    vec![
        case("retryDeadJob", "deadJob", "dead_job.retry", json!({"deadJobId": first})),
        case("discardDeadJob", "deadJob", "dead_job.discard", discard),
        case("retryDeadJobs", "deadJobs", "dead_job.retry", json!({"name": "mark_overdue"})),
    ]
}
