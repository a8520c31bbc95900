//! Ids that nobody was given: of another kind, cut, or junk. They are refused as such, and none is a defect.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json, text,
};

use super::{
    door::{Door, WAYS},
    objects::Tenant,
    sdl::{BEYOND, Leaf, Sdl},
};

/// What answers an id that cannot be one, or is one of nothing.
const CODES: &[&str] = &["BAD_USER_INPUT", "INVALID_INPUT", "NOT_FOUND"];

#[rstest]
#[tokio::test]
async fn a_forged_id_is_refused(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let ours = Tenant::create(&app, "Velo Nord").await;
    let theirs = Tenant::create(&app, "Rad Sued").await;
    let (sdl, mut problems) = (Sdl::read(), Vec::new());
    for way in WAYS {
        let mut door = Door::open(&app, way, &ours.fleet).await;
        for slot in sdl.slots() {
            let beyond = BEYOND.contains(&slot.field.as_str());
            if slot.leaf != Leaf::Id || slot.parent == "Subscription" || beyond {
                continue;
            }
            let real = theirs.objects.named(slot.path.last().unwrap());
            for forged in forgeries(real) {
                let answer = door.call(&sdl.call(&slot, &forged, &ours.objects, 0)).await;
                if !is_refused(&answer) {
                    problems.push(format!("{way:?} {} with {forged}: {answer}", slot.name()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Bytes that are no text do not get as far as an id.
#[rstest]
#[tokio::test]
async fn bytes_that_are_no_text_are_refused(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let document =
        b"{\"query\":\"query($id: ID!) { node(id: $id) { id } }\",\"variables\":{\"id\":\"vehicle_";
    let request = |body: Vec<u8>| {
        let request = app.http().post(format!("{}/graphql", app.url()));
        let request = request.bearer_auth(fleet.token().unwrap());
        request.header("content-type", "application/json").body(body).send()
    };
    for junk in [&b"\xff\xfe"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\0", b"\xf5\x80\x80\x80"] {
        let answer = request([&document[..], junk, b"\"}}"].concat()).await.unwrap();
        assert_eq!(answer.status(), 400);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(text(&body["errors"][0]["extensions"]["code"]), "BAD_REQUEST");
    }
    for escaped in ["%00", "%ff%fe", "%2e%2e%2f", "\\u0000", "\\ud800"] {
        let answer = request([document, escaped.as_bytes(), b"\"}}"].concat()).await.unwrap();
        assert!(answer.status().is_success() || answer.status() == 400, "{escaped}");
        let body = answer.text().await.unwrap();
        assert!(
            body.contains("BAD_USER_INPUT") || body.contains("BAD_REQUEST"),
            "{escaped}: {body}"
        );
    }
}

fn forgeries(real: &str) -> Vec<Value> {
    let (kind, digits) = real.rsplit_once('_').unwrap();
    let other = if kind == "station" { "vehicle" } else { "station" };
    vec![
        json!(format!("{other}_{digits}")),
        json!(format!("tenant_{digits}")),
        json!(&real[..real.len() - 1]),
        json!(format!("{real}0")),
        json!(format!(
            "{kind}_{}",
            digits.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A")
        )),
        json!(digits),
        json!(format!("{kind}_")),
        json!(kind),
        json!(""),
        json!(format!("{real}\0")),
        json!(format!("{}é", &real[..real.len() - 1])),
        json!(format!("{kind}_{}", "%00".repeat(10))),
        json!(format!("{real}' OR '1'='1")),
        json!(format!("{kind}_{}", "f".repeat(10_000))),
        json!(7),
    ]
}

/// Refused with a code of its own, or answered with nothing where an id may lead nowhere.
fn is_refused(answer: &Value) -> bool {
    if let Some(errors) = answer.get("errors").and_then(Value::as_array) {
        return errors
            .iter()
            .all(|error| CODES.iter().any(|code| error["extensions"]["code"] == *code));
    }
    let payload = answer["data"].as_object().and_then(|data| data.values().next());
    match payload.and_then(|payload| payload.get("userErrors")) {
        Some(errors) => {
            let errors = errors.as_array().unwrap();
            !errors.is_empty()
                && errors.iter().all(|error| CODES.iter().any(|code| error["code"] == *code))
        }
        None => !answer.to_string().contains("\"id\""),
    }
}
