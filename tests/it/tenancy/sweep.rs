//! Every place that takes an id gets another tenant's, at every door: the answer is that for an id that does not exist.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
};

use super::{
    door::{Door, WAYS},
    objects::{Objects, Tenant},
    sdl::{Leaf, Sdl, Slot},
};

/// Places that are not called here, and why.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// Places that are called, but whose answer is the same whatever they get, and why.
const UNREACHED: &[(&str, &str)] = &[
    (
        "Station.vehicles(filter.stationId)",
        "the station is the one whose vehicles are asked for; what the filter says of it is passed over",
    ),
    (
        "Mutation.suspendTenant(input.tenantId)",
        "nobody of a tenant gets there: it is for the platform's administrators",
    ),
    (
        "Mutation.resumeTenant(input.tenantId)",
        "nobody of a tenant gets there: it is for the platform's administrators",
    ),
];

#[rstest]
#[tokio::test]
async fn an_id_of_another_tenant_is_one_that_does_not_exist(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let ours = Tenant::create(&app, "Velo Nord").await;
    let theirs = Tenant::create(&app, "Rad Sued").await;
    let (sdl, absent) = (Sdl::read(), theirs.objects.absent());
    let mut problems = Vec::new();

    for way in WAYS {
        let mut door = Door::open(&app, way, &ours.fleet).await;
        for slot in slots(&sdl) {
            let mut reached = false;
            for ((kind, real), (_, missing)) in theirs.objects.iter().zip(absent.iter()) {
                let [answer, expected] =
                    both(&mut door, &sdl, &slot, &ours.objects, [real, missing]).await;
                if answer != expected {
                    problems.push(format!(
                        "{way:?} {} with a {kind}: {answer} is not {expected}",
                        slot.name()
                    ));
                }
                reached |= says_not_found(&expected, missing);
            }
            if !reached && !UNREACHED.iter().any(|(name, _)| *name == slot.name()) {
                let call = sdl.call(
                    &slot,
                    &json!(absent.named(slot.path.last().unwrap())),
                    &ours.objects,
                    1,
                );
                let answer = door.call(&call).await;
                problems.push(format!(
                    "{way:?} {} never looks for the object: {call:?}: {answer}",
                    slot.name()
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    app.assert_sound().await;
}

/// A place is listed once, exists, and has a reason; the numbers only change when somebody says so.
#[test]
fn exceptions_are_few_and_have_reasons() {
    let sdl = Sdl::read();
    let names: Vec<String> = sdl.slots().iter().map(Slot::name).collect();
    for (name, reason) in EXCEPTIONS.iter().chain(UNREACHED) {
        assert!(names.iter().any(|known| known == name), "{name} is not in the schema");
        assert!(reason.len() > 20, "{name} has no reason");
    }
    assert_eq!((EXCEPTIONS.len(), UNREACHED.len()), (0, 3));
}

/// A new kind of id needs an object of that kind.
#[rstest]
#[tokio::test]
async fn there_is_an_object_of_every_kind(#[values(Embedded)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let ours = Tenant::create(&app, "Velo Nord").await;
    for kind in Sdl::read().kinds() {
        assert!(ours.objects.get(&kind).starts_with(&format!("{kind}_")), "{kind}");
    }
}

fn slots(sdl: &Sdl) -> Vec<Slot> {
    let asked = |slot: &Slot| {
        slot.leaf == Leaf::Id
            // Those are `stream`'s.
            && slot.parent != "Subscription"
            && !EXCEPTIONS.iter().any(|(name, _)| *name == slot.name())
    };
    sdl.slots().into_iter().filter(asked).collect()
}

/// The same call with two ids, each answer with its id taken out.
async fn both(
    door: &mut Door,
    sdl: &Sdl,
    slot: &Slot,
    own: &Objects,
    ids: [&str; 2],
) -> [String; 2] {
    let mut answers = Vec::new();
    for id in ids {
        let answer = door.call(&sdl.call(slot, &json!(id), own, 1)).await;
        answers.push(answer.to_string().replace(id, "ID"));
    }
    answers.try_into().unwrap()
}

/// Whether an answer says that there is no such object, or shows none.
fn says_not_found(answer: &str, id: &str) -> bool {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let text = answer.to_string();
    if text.contains("NOT_FOUND") {
        return true;
    }
    let shows = |id: &str| text.contains(id) || text.contains("\"id\"");
    answer.get("errors").is_none() && !text.contains("userErrors") && !shows(id)
}
