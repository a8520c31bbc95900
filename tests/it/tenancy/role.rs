//! Each role calls every root field: it is refused exactly where the table of permissions says so.

use entity::user::Role;
use rstest::rstest;
use service::permission::{
    Permission::{self, *},
    ROLES,
};
use tests::{
    Client, Frame,
    Shape::{self, Embedded, Production},
    Socket, TestApp, Value, json,
};

use super::{
    objects::{Objects, Tenant},
    sdl::{Call, Sdl},
};

/// What a caller must be to get further than the door.
#[derive(Clone, Copy)]
enum Need {
    /// Anybody, signed in or not.
    Nothing,
    SignedIn,
    /// One of these.
    May(&'static [Permission]),
    /// As `May`, but whoever may not sees nothing instead of a refusal.
    Sees(&'static [Permission]),
}

use Need::{May, Nothing, Sees, SignedIn};

/// Every root field, and who may call it.
const NEEDS: &[(Need, &str)] = &[
    (Nothing, "me signIn refreshSession signOut requestSignInCode signInWithCode signUp"),
    (Nothing, "completeSignUp requestPasswordReset resetPassword acceptInvitation"),
    (SignedIn, "signOutEverywhere revokeSession changePassword requestVerification verifyContact"),
    (SignedIn, "setUpSecondFactor confirmSecondFactor removeSecondFactor tenant"),
    // Who manages no team sees nobody but themself.
    (SignedIn, "user"),
    (May(&[ManageTeam]), "users invitations revokeInvitation updateUser disableUser"),
    (May(&[ManageTeam]), "enableUser signOutUser resetSecondFactor"),
    // Called for a customer; whoever else is invited is the team's.
    (May(&[ManageCustomers]), "inviteUser"),
    (May(&[ManageTenant]), "updateTenant"),
    (May(&[ManageTenants]), "tenants createTenant suspendTenant resumeTenant"),
    (May(&[ViewAudit]), "auditLog"),
    // Called with a station's id.
    (Sees(&[ViewBoard]), "node nodes"),
    (May(&[ViewBoard]), "stations vehicleTypes stationAvailability"),
    (May(&[ViewVehicles]), "vehicles vehicleChanged rentalQuote"),
    (May(&[ViewTariffs]), "tariffs"),
    (May(&[ViewCustomers]), "customers"),
    (May(&[ViewFleet]), "fleetEvents"),
    (May(&[Ride, ViewRentals]), "rentals rentalChanged"),
    (May(&[Ride, ViewMoney]), "receipt receipts"),
    (
        May(&[Ride, ManageRentals]),
        "reserveVehicle cancelReservation startRental endRental cancelRental",
    ),
    (May(&[ManageRentals]), "forceEndRental"),
    (May(&[ManageCustomers]), "createCustomer updateCustomer archiveCustomer"),
    (May(&[ManageTariffs]), "createTariff updateTariff archiveTariff"),
    (May(&[ManagePartners]), "apiClients apiClient createApiClient updateApiClient"),
    (May(&[ManagePartners]), "createApiKey revokeApiKey publishOperations retireOperations"),
    (May(&[ManageFleet]), "createStation updateStation archiveStation"),
    (May(&[ManageFleet]), "createVehicleType updateVehicleType archiveVehicleType"),
    (May(&[ManageFleet]), "createVehicle updateVehicle archiveVehicle moveVehicles"),
    (May(&[ManageFleet]), "takeOutOfService returnToService reportMissing locate"),
];

/// The answer to a caller who may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Further,
    Forbidden,
    Unauthenticated,
    /// Null, where others see an object.
    Hidden,
}

#[rstest]
#[tokio::test]
async fn each_role_is_refused_exactly_where_the_table_says_so(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let tenant = Tenant::create(&app, "Velo Nord").await;
    let sdl = Sdl::read();
    let mut problems = Vec::new();
    for role in ROLES {
        let (caller, objects) = member(&app, &tenant, role).await;
        let expected = |need| expected(need, |permission| Permission::of(role, permission));
        problems.extend(compare(&app, &sdl, &caller, &objects, expected).await);
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[rstest]
#[tokio::test]
async fn who_has_not_signed_in_sees_a_public_board_and_nothing_else(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let tenant = Tenant::create(&app, "Velo Nord").await;
    let sdl = Sdl::read();
    let mut problems = Vec::new();
    for (slug, public) in [(Some(tenant.fleet.slug.as_str()), true), (None, false)] {
        let caller = app.anonymous(slug);
        let expected = |need| match need {
            Nothing => Outcome::Further,
            May(any) | Sees(any) if public && any.contains(&ViewBoard) => Outcome::Further,
            _ => Outcome::Unauthenticated,
        };
        problems.extend(compare(&app, &sdl, &caller, &tenant.objects, expected).await);
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_root_field_has_a_row() {
    let sdl = Sdl::read();
    let mut rows: Vec<&str> = NEEDS.iter().flat_map(|(_, fields)| fields.split(' ')).collect();
    let mut fields: Vec<String> = ["Query", "Mutation", "Subscription"]
        .iter()
        .flat_map(|root| sdl.fields(root).into_iter().map(|field| field.name.node.to_string()))
        .collect();
    rows.sort_unstable();
    fields.sort();
    assert_eq!(rows, fields, "the rows of tenancy/role.rs are the root fields");
}

/// A caller of this role, and the objects that it calls with; whoever rides, rides for themself.
async fn member(app: &TestApp, tenant: &Tenant, role: Role) -> (Client, Objects) {
    let (caller, customer) = match role {
        Role::Administrator => (app.administrator().await, None),
        role => tenant.fleet.member(app, role).await,
    };
    let mut objects = tenant.objects.absent();
    objects.set("station", tenant.objects.get("station"));
    if let Some(customer) = customer {
        objects.set("customer", &customer);
    }
    (caller, objects)
}

fn expected(need: Need, may: impl Fn(Permission) -> bool) -> Outcome {
    match need {
        Nothing | SignedIn => Outcome::Further,
        May(any) | Sees(any) if any.iter().any(|permission| may(*permission)) => Outcome::Further,
        May(_) => Outcome::Forbidden,
        Sees(_) => Outcome::Hidden,
    }
}

/// The fields whose outcome is another one. What ends the session comes last.
async fn compare(
    app: &TestApp,
    sdl: &Sdl,
    caller: &Client,
    objects: &Objects,
    expected: impl Fn(Need) -> Outcome,
) -> Vec<String> {
    let mut problems = Vec::new();
    let init = json!({"token": caller.token(), "tenant": caller.tenant});
    let mut socket = app.socket_with(init).await;
    let mut rows: Vec<(Need, &str)> = NEEDS
        .iter()
        .flat_map(|(need, fields)| fields.split(' ').map(move |field| (*need, field)))
        .collect();
    rows.sort_by_key(|(_, field)| *field == "signOutEverywhere");
    for (need, field) in rows {
        let parent = ["Query", "Mutation", "Subscription"]
            .into_iter()
            .find(|root| sdl.fields(root).iter().any(|known| known.name.node == field))
            .unwrap();
        let call = sdl.plain(parent, field, objects, 0);
        let answer = match parent {
            "Subscription" => subscribed(&mut socket, field, &call).await,
            _ => caller.send(&call.document, call.variables.clone()).await.body,
        };
        let (found, expected) = (outcome(&answer), expected(need));
        let is_same = match expected {
            Outcome::Hidden => found == Outcome::Further && is_nothing(&answer),
            expected => found == expected,
        };
        if !is_same {
            problems.push(format!("{field}: {found:?}, not {expected:?}: {answer}"));
        }
    }
    problems
}

async fn subscribed(socket: &mut Socket, id: &str, call: &Call) -> Value {
    socket.subscribe(id, &call.document, call.variables.clone()).await;
    match socket.frame_within(std::time::Duration::from_millis(300)).await {
        None => json!({"data": null}),
        Some(Frame::Message(message)) => json!({"errors": message["payload"]}),
        Some(closed) => panic!("{closed:?}"),
    }
}

fn outcome(answer: &Value) -> Outcome {
    match answer["errors"][0]["extensions"]["code"].as_str() {
        Some("FORBIDDEN") => Outcome::Forbidden,
        Some("UNAUTHENTICATED") => Outcome::Unauthenticated,
        _ => Outcome::Further,
    }
}

fn is_nothing(answer: &Value) -> bool {
    let data = answer["data"].as_object().and_then(|data| data.values().next());
    data.is_some_and(|data| data.is_null() || *data == json!([null]))
}
