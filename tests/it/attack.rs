//! Documents that would hurt the process, at every door of the real binary; and it lives.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tests::{
    Frame,
    Shape::{self, Embedded, Production},
    Socket, Value,
    attack::Attack,
    json,
    process::Process,
};

const MOST_MESSAGE: usize = 64 * 1024;
/// What a URL may have, for the HTTP library.
const MOST_ADDRESS: usize = 60_000;

/// What a door answers; `None` where the attack does not fit through it.
type Answer<'a> = BoxFuture<'a, Option<Option<String>>>;
type Door = (&'static str, for<'a> fn(&'a Process, &'a Attack) -> Answer<'a>);

/// A new way in gets a line here.
const DOORS: [Door; 3] = [
    ("POST", |node, attack| Box::pin(post(node, attack))),
    ("GET", |node, attack| Box::pin(get(node, attack))),
    ("websocket", |node, attack| Box::pin(socket(node, attack))),
];

#[rstest::rstest]
#[tokio::test]
async fn every_attack_is_answered_at_every_door(#[values(Embedded, Production)] shape: Shape) {
    let place = shape.place().await;
    let often = ("BIKELEASE_REQUESTS_PER_ADDRESS", String::new());
    let settings = [place.settings(), vec![often]].concat();
    let node = Process::serve(&settings, &["--no-worker"]).await;
    let process = node.id();
    let mut wrong = Vec::new();
    for attack in Attack::all() {
        for (door, knock) in DOORS {
            let said = tokio::time::timeout(Duration::from_secs(20), knock(&node, &attack)).await;
            match said {
                Ok(Some(code)) if code != attack.code => {
                    wrong.push(format!("{}, {door}: {code:?}, not {:?}", attack.name, attack.code));
                }
                Err(_) => wrong.push(format!("{}, {door}: no answer", attack.name)),
                Ok(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let alive = node.client(None).send("{ __typename }", json!({})).await;
    assert_eq!(alive.body["data"]["__typename"], "Query");
    assert_eq!(node.id(), process);
    assert_eq!(node.terminate().await, Some(0));
}

async fn post(node: &Process, attack: &Attack) -> Option<Option<String>> {
    let request = reqwest::Client::new().post(format!("{}/graphql", node.url()));
    let request = request.header("content-type", "application/json").body(attack.parameters());
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    Some(code(&body["errors"]))
}

async fn get(node: &Process, attack: &Attack) -> Option<Option<String>> {
    let mut address = reqwest::Url::parse(&format!("{}/graphql", node.url())).unwrap();
    address
        .query_pairs_mut()
        .append_pair("query", &attack.document())
        .append_pair("variables", &attack.variables())
        .append_pair("operationName", attack.operation().as_str().unwrap_or_default());
    if address.as_str().len() > MOST_ADDRESS {
        return None;
    }
    let answer = reqwest::Client::new().get(address).send().await.unwrap();
    // A mutation is refused whatever it is.
    if answer.status() == 405 {
        return None;
    }
    let body: Value = answer.json().await.unwrap();
    Some(code(&body["errors"]))
}

async fn socket(node: &Process, attack: &Attack) -> Option<Option<String>> {
    let message = format!(r#"{{"id":"1","type":"subscribe","payload":{}}}"#, attack.parameters());
    if message.len() > MOST_MESSAGE {
        return None;
    }
    let mut socket = Socket::connect(node.address(), json!({})).await;
    socket.send_raw(&message).await;
    match socket.frame().await {
        Frame::Message(message) if message["type"] == "error" => Some(code(&message["payload"])),
        Frame::Message(message) => Some(code(&message["payload"]["errors"])),
        Frame::Closed(close) => Some(Some(format!("closed with {close}"))),
    }
}

fn code(errors: &Value) -> Option<String> {
    errors[0]["extensions"]["code"].as_str().map(ToOwned::to_owned)
}
