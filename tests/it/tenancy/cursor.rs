//! Cursors hold for one list of one tenant: another's, a touched one and junk are all refused in the same words.

use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, Value, json,
};

use super::{
    door::{Door, WAYS, Way},
    objects::Tenant,
    sdl::{BEYOND, Leaf, Sdl, Slot},
};

/// How many touched cursors each place gets.
const TOUCHED: u64 = 40;

#[rstest]
#[tokio::test]
async fn a_cursor_of_another_tenant_is_junk(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let ours = Tenant::create(&app, "Velo Nord").await;
    let theirs = Tenant::create(&app, "Rad Sued").await;
    let (sdl, mut problems, mut replayed) = (Sdl::read(), Vec::new(), 0);
    for way in WAYS {
        let mut door = Door::open(&app, way, &ours.fleet).await;
        for slot in places(&sdl, way) {
            let junk = answer(&mut door, &sdl, &slot, &ours, "bm8").await;
            assert!(junk.contains("BAD_USER_INPUT"), "{}: {junk}", slot.name());
            for cursor in cursors(&sdl, &slot, &theirs).await {
                replayed += 1;
                let foreign = answer(&mut door, &sdl, &slot, &ours, &cursor).await;
                if foreign != junk {
                    problems.push(format!("{way:?} {}: {foreign}", slot.name()));
                }
            }
            for cursor in cursors(&sdl, &slot, &ours).await {
                for seed in 0..TOUCHED {
                    let touched = touch(&cursor, seed);
                    if touched == cursor {
                        continue;
                    }
                    let answer = answer(&mut door, &sdl, &slot, &ours, &touched).await;
                    if answer != junk {
                        problems.push(format!("{way:?} {} with {touched}: {answer}", slot.name()));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    assert!(replayed > 20, "only {replayed} cursors were tried");
}

/// Subscriptions come only over sockets.
fn places(sdl: &Sdl, way: Way) -> Vec<Slot> {
    let mut places = sdl.slots();
    places.retain(|slot| {
        slot.leaf == Leaf::Cursor
            && !BEYOND.contains(&slot.field.as_str())
            && (slot.parent != "Subscription" || way == Way::Websocket)
    });
    places
}

async fn answer(door: &mut Door, sdl: &Sdl, slot: &Slot, ours: &Tenant, cursor: &str) -> String {
    door.call(&sdl.call(slot, &json!(cursor), &ours.objects, 0)).await.to_string()
}

/// Those that a tenant gets where the place is: of the list's items, or of the stream.
async fn cursors(sdl: &Sdl, slot: &Slot, tenant: &Tenant) -> Vec<String> {
    if slot.parent == "Subscription" {
        let document = "{ stations { fleetCursor } vehicles { fleetCursor } }";
        return found(&tenant.fleet, document, &json!({})).await;
    }
    let call = sdl.plain(&slot.parent, &slot.field, &tenant.objects, 1);
    found(&tenant.fleet, &call.document, &call.variables).await
}

async fn found(caller: &Client, document: &str, variables: &Value) -> Vec<String> {
    let answer = caller.query(document, variables.clone()).await;
    let (mut open, mut cursors) = (vec![&answer], Vec::new());
    while let Some(value) = open.pop() {
        for (name, value) in value.as_object().into_iter().flatten() {
            match value.as_str() {
                Some(cursor) if name.to_lowercase().ends_with("cursor") => {
                    cursors.push(cursor.to_owned())
                }
                _ => open.push(value),
            }
        }
    }
    cursors
}

/// One change that a number chooses: a letter replaced, removed or doubled.
fn touch(cursor: &str, seed: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=%\0";
    let chance = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(17)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut bytes = cursor.as_bytes().to_vec();
    let at = usize::try_from(chance >> 32).unwrap() % bytes.len();
    let letter = LETTERS[usize::try_from(chance & 0xffff).unwrap() % LETTERS.len()];
    match seed % 4 {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, letter),
        2 => bytes.truncate(at),
        _ => bytes[at] = letter,
    }
    String::from_utf8(bytes).unwrap()
}
