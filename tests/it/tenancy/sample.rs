//! What a call says beside the id that is tried: mostly by type, and by name where a rule asks for something.

use tests::{Value, json, key};

use super::{objects::Objects, sdl::Sdl};

/// Values that a type alone does not tell, by the field of an input or by the argument of a field.
const VALUES: &[(&str, &str)] = &[
    ("SignInInput.tenant", "nowhere"),
    ("InviteUserInput.role", "CUSTOMER"),
    ("SignInInput.password", "correct horse"),
];

/// Optional fields without which a rule would say no before the id is looked up.
pub fn extra(kind: &str, own: &Objects) -> Value {
    match kind {
        "DestinationInput" | "EndRentalInput" | "ForceEndRentalInput" => {
            json!({"stationId": own.get("station")})
        }
        "SignInInput"
        | "RequestSignInCodeInput"
        | "SignInWithCodeInput"
        | "SignUpInput"
        | "CompleteSignUpInput"
        | "RequestVerificationInput"
        | "VerifyContactInput"
        | "InviteUserInput" => json!({"email": "nobody@example.test"}),
        "LocateInput" => json!({"vehicleId": own.missing}),
        "ReturnToServiceInput" => json!({"vehicleId": own.broken}),
        "StartRentalInput" | "ReserveVehicleInput" => json!({"customerId": own.get("customer")}),
        _ => json!({}),
    }
}

pub fn value(sdl: &Sdl, kind: &str, place: &str, own: &Objects) -> Value {
    let name = place.rsplit('.').next().unwrap();
    if let Some((_, value)) = VALUES.iter().find(|(field, _)| *field == place) {
        return json!(value);
    }
    match (kind, name) {
        ("ID", "id") if place == "Query.user.id" => json!(own.get("user")),
        ("ID", "id") if place == "Query.apiClient.id" => json!(own.get("client")),
        ("ID", "id") if place == "Query.receipt.id" => json!(own.get("receipt")),
        ("ID", _) => json!(own.named(name)),
        (_, "idempotencyKey") => json!(key()),
        ("String", "email") => json!("nobody@example.test"),
        ("String", _) => json!("Sample"),
        ("Int", _) => json!(1),
        ("Float", _) => json!(1.0),
        ("Boolean", _) => json!(true),
        ("Decimal", _) => json!("1.00"),
        ("CurrencyCode", _) => json!("EUR"),
        ("DateTime", _) => json!("2035-01-01T12:00:00Z"),
        _ => match sdl.enum_values(kind).first() {
            Some(value) => json!(value),
            None => panic!("{place}: say in tenancy/sample.rs what a {kind} may be"),
        },
    }
}
