//! The ways in. A call must be answered in the same way at each of them.

use std::collections::HashSet;

use tests::{Client, Frame, Socket, TestApp, Value, json, manifest, text};

use super::sdl::Call;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Http,
    Websocket,
    /// By the id of an operation that was published before.
    Registered,
}

/// All ways in that take queries and mutations.
pub const WAYS: [Way; 3] = [Way::Http, Way::Websocket, Way::Registered];

pub enum Door {
    Http(Client),
    Websocket(Box<Socket>),
    Registered(Box<Registry>),
}

/// The operations of a page of the tenant's own, which its people call with their own rights.
pub struct Registry {
    caller: Client,
    client: String,
    published: HashSet<String>,
}

impl Registry {
    async fn create(caller: &Client) -> Self {
        let page = json!({"name": "Page", "kind": "FIRST_PARTY", "scopes": []});
        let made = caller.mutate("createApiClient", "apiClient { id }", page).await.ok();
        let client = text(&made["apiClient"]["id"]);
        Self { caller: caller.clone(), client, published: HashSet::new() }
    }

    async fn call(&mut self, call: &Call) -> Value {
        if self.published.insert(call.document.clone()) {
            let input =
                json!({"clientId": self.client, "manifest": manifest(&[call.document.as_str()])});
            self.caller.mutate("publishOperations", "manifest { version }", input).await.ok();
        }
        self.caller.call(&call.document, call.variables.clone()).await.body
    }
}

impl Door {
    pub async fn open(app: &TestApp, way: Way, caller: &Client) -> Self {
        match way {
            Way::Http => Self::Http(caller.clone()),
            Way::Registered => Self::Registered(Box::new(Registry::create(caller).await)),
            Way::Websocket => Self::Websocket(Box::new(app.socket(caller.token()).await)),
        }
    }

    /// The answer, without what differs between two equal calls.
    pub async fn call(&mut self, call: &Call) -> Value {
        let answer = match self {
            Self::Http(client) => client.send(&call.document, call.variables.clone()).await.body,
            Self::Websocket(socket) => over_socket(socket, call).await,
            Self::Registered(registry) => registry.call(call).await,
        };
        comparable(answer)
    }
}

async fn over_socket(socket: &mut Socket, call: &Call) -> Value {
    let payload = json!({"query": call.document, "variables": call.variables});
    socket.send(json!({"id": "1", "type": "subscribe", "payload": payload})).await;
    let message = socket.message().await;
    if message["type"] == "error" {
        return json!({"errors": message["payload"]});
    }
    assert_eq!(message["type"], "next", "{message:#}");
    let complete = socket.frame().await;
    assert!(matches!(&complete, Frame::Message(end) if end["type"] == "complete"), "{complete:?}");
    message["payload"].clone()
}

/// Without the request's own id and what it cost.
pub fn comparable(mut answer: Value) -> Value {
    for error in answer.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
        error["extensions"].as_object_mut().map(|extensions| extensions.remove("requestId"));
    }
    answer.as_object_mut().map(|answer| answer.remove("extensions"));
    answer
}
