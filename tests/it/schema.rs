//! The schema as text: committed, described, and with codes that do not change by accident.

use rstest::rstest;
use service::refusal::Code;
use tests::{Shape, TestApp, Value, json, text};

#[test]
fn the_committed_schema_is_the_codes() {
    let committed =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql")).unwrap();
    assert!(committed == api::schema::sdl(), "schema.graphql is not current: run `make schema`");
}

/// A code that clients branch on is never renamed: this list only grows.
#[test]
fn the_codes_of_user_errors_stay() {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(
        codes.join(" "),
        "VEHICLE_TAKEN VEHICLE_RESERVED VEHICLE_NOT_AVAILABLE VEHICLE_NOT_RESERVABLE VEHICLE_NOT_RESERVED \
         VEHICLE_STATE_CONFLICT CUSTOMER_REQUIRED CUSTOMER_BLOCKED CUSTOMER_LIMIT_REACHED STATION_NOT_RENTING \
         STATION_FULL STATION_NOT_RETURNING RENTAL_NOT_OPEN RENTAL_NOT_CANCELLABLE TARIFF_REQUIRED \
         TARIFF_NOT_OFFERED IDEMPOTENCY_MISMATCH ARCHIVED STATION_IN_USE VEHICLE_TYPE_IN_USE VEHICLE_IN_USE CUSTOMER_IN_USE \
         TARIFF_IN_USE NUMBER_TAKEN SHORT_CODE_TAKEN EMAIL_TAKEN SLUG_TAKEN INVALID_CREDENTIALS \
         PHONE_TAKEN INVALID_CODE SECOND_FACTOR_CODE_REQUIRED INVALID_SECOND_FACTOR SECOND_FACTOR_EXISTS \
         SIGN_UP_CLOSED DELIVERY_UNAVAILABLE INVITATION_ACCEPTED LAST_OWNER ROLE_NOT_CHANGEABLE \
         TENANT_SUSPENDED SECOND_FACTOR_REQUIRED API_KEY_LIMIT_REACHED API_CLIENT_DISABLED \
         OPERATIONS_REFUSED INSUFFICIENT_FUNDS INVALID_REFRESH_TOKEN INVALID_INPUT NOT_FOUND"
    );
}

#[test]
fn the_committed_permissions_are_the_codes() {
    let committed = include_str!("../../docs/permissions.md");
    assert_eq!(committed, service::permission::table(), "run `make schema`");
}

#[rstest]
#[tokio::test]
async fn everything_public_is_described(#[values(Shape::Embedded)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let document = "{ __schema { types { name kind description
        fields(includeDeprecated: true) { name description args { name description } }
        inputFields { name description } enumValues(includeDeprecated: true) { name description } } } }";
    let schema = fleet.query(document, json!({})).await;
    let mut bare = Vec::new();
    for kind in schema["__schema"]["types"].as_array().unwrap() {
        let name = text(&kind["name"]);
        // `ID` is of the language itself.
        if name.starts_with("__") || name == "ID" {
            continue;
        }
        check(&mut bare, &name, kind);
        for part in ["fields", "inputFields", "enumValues"] {
            for member in kind[part].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", text(&member["name"]));
                check(&mut bare, &path, member);
                for argument in member["args"].as_array().into_iter().flatten() {
                    check(&mut bare, &format!("{path}({})", text(&argument["name"])), argument);
                }
            }
        }
    }
    assert!(bare.is_empty(), "without a description: {bare:#?}");
}

fn check(bare: &mut Vec<String>, path: &str, item: &Value) {
    if item["description"].as_str().is_none_or(|description| description.trim().is_empty()) {
        bare.push(path.to_owned());
    }
}
