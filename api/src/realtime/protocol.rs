//! The messages of graphql-transport-ws, and the codes that a socket is closed with.

use async_graphql::{Request, Response, Value};
use axum::extract::ws::{CloseFrame, Utf8Bytes};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use service::config::QueryLimits;

use super::session::{Refused, bearer};
use crate::graphql::guard::{self, Rejected};
use crate::graphql::request_id::RequestId;
use crate::http::graphql::parameters;

pub const NAME: &str = "graphql-transport-ws";

/// The id returns in every frame of its operation.
const MAX_ID: usize = 256;
/// What fits into a control frame beside the code.
const MAX_REASON: usize = 123;

/// What a client says.
pub enum Inbound {
    Init(Credentials),
    Ping(Option<Json>),
    Pong,
    Subscribe {
        id: String,
        request: Box<Request>,
    },
    /// A `subscribe` whose payload is too much to be read.
    Rejected {
        id: String,
        rejected: Rejected,
    },
    Complete {
        id: String,
    },
}

/// The payload of `connection_init`, before anybody has looked at the token.
pub struct Credentials {
    pub token: Result<Option<String>, Refused>,
    pub tenant: Option<String>,
}

impl Inbound {
    /// An error is the reason to close with 4400.
    pub fn read(limits: &QueryLimits, text: &str) -> Result<Self, String> {
        if let Err(rejected) = guard::scan::json(limits, text.as_bytes()) {
            let envelope: Envelope =
                serde_json::from_str(text).map_err(|_| rejected.to_string())?;
            return match envelope.kind.as_str() {
                "subscribe" => Ok(Self::Rejected { id: id(envelope.id)?, rejected }),
                _ => Err(rejected.to_string()),
            };
        }
        let message = serde_json::from_str(text).map_err(|_| "Message is not JSON".to_owned())?;
        let Json::Object(mut message) = message else {
            return Err("Message is not an object".to_owned());
        };
        match message.remove("type") {
            Some(Json::String(kind)) => Self::of_kind(&kind, message),
            _ => Err("Message has no type".to_owned()),
        }
    }

    fn of_kind(kind: &str, mut message: Map<String, Json>) -> Result<Self, String> {
        let payload = message.remove("payload").filter(|payload| !payload.is_null());
        if kind != "subscribe" && payload.as_ref().is_some_and(|payload| !payload.is_object()) {
            return Err(format!("Payload of {kind} is not an object"));
        }
        match kind {
            "connection_init" => Ok(Self::Init(Credentials::read(payload)?)),
            "ping" => Ok(Self::Ping(payload)),
            "pong" => Ok(Self::Pong),
            "complete" => Ok(Self::Complete { id: read_id(&mut message)? }),
            "subscribe" => {
                let id = read_id(&mut message)?;
                let request = parameters(payload.unwrap_or_default())?;
                Ok(Self::Subscribe { id, request: Box::new(request) })
            }
            _ => Err(format!("Unknown message type {kind}")),
        }
    }
}

/// A message without what it carries, which may be nested as deep as it likes.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
}

fn read_id(message: &mut Map<String, Json>) -> Result<String, String> {
    match message.remove("id") {
        Some(Json::String(given)) => id(given),
        _ => Err("Message has no id".to_owned()),
    }
}

fn id(given: String) -> Result<String, String> {
    match given.len() {
        0 => Err("Id is empty".to_owned()),
        1..=MAX_ID => Ok(given),
        _ => Err("Id is too long".to_owned()),
    }
}

impl Credentials {
    fn read(payload: Option<Json>) -> Result<Self, String> {
        let payload = payload.unwrap_or_default();
        let text = |name: &str| match &payload[name] {
            Json::Null => Ok(None),
            Json::String(text) => Ok(Some(text.clone())),
            _ => Err(format!("{name} is not a string")),
        };
        let header = text("Authorization")?.or(text("authorization")?);
        let token = match header {
            Some(header) => bearer(&header).map(|token| Some(token.to_owned())),
            None => Ok(text("token")?),
        };
        Ok(Self { token, tenant: text("tenant")? })
    }
}

pub fn ack() -> String {
    r#"{"type":"connection_ack"}"#.to_owned()
}

pub fn pong(payload: Option<Json>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => r#"{"type":"pong"}"#.to_owned(),
    }
}

/// How far the operations have come, by their ids.
pub fn ping(cursors: Map<String, Json>) -> String {
    json!({ "type": "ping", "payload": { "cursors": cursors } }).to_string()
}

/// One answer of an operation, serialized once; a socket only adds its own id. Clones share the text.
#[derive(Clone)]
pub enum Payload {
    /// An execution result; more may follow.
    Next(Utf8Bytes),
    /// A list of errors that ends the operation.
    Error(Utf8Bytes),
}

impl Payload {
    /// The first answer decides whether the operation has begun: errors without data mean that
    /// it has not.
    pub fn of(response: &Response, is_first: bool) -> Self {
        let refused = is_first && response.is_err() && response.data == Value::Null;
        let json = match refused {
            true => serde_json::to_string(&response.errors).map(|text| Self::Error(text.into())),
            false => serde_json::to_string(response).map(|text| Self::Next(text.into())),
        };
        json.unwrap_or_else(|error| {
            tracing::error!(%error, "answer could not be written");
            Self::refusal("INTERNAL_SERVER_ERROR", "internal error", &RequestId::default())
        })
    }

    pub fn refusal(code: &str, message: &str, RequestId(id): &RequestId) -> Self {
        let mut extensions = json!({ "code": code });
        if !id.is_empty() {
            extensions["requestId"] = json!(id);
        }
        let errors = json!([{ "message": message, "extensions": extensions }]);
        Self::Error(errors.to_string().into())
    }

    /// In bytes.
    pub fn size(&self) -> usize {
        let (Self::Next(payload) | Self::Error(payload)) = self;
        payload.len()
    }

    /// The whole message. `id` is already JSON.
    pub fn splice(&self, id: &str) -> String {
        let (kind, payload) = match self {
            Self::Next(payload) => ("next", payload),
            Self::Error(payload) => ("error", payload),
        };
        let parts = [r#"{"id":"#, id, r#","type":""#, kind, r#"","payload":"#, payload, "}"];
        parts.concat()
    }
}

pub fn complete(id: &str) -> String {
    [r#"{"id":"#, id, r#","type":"complete"}"#].concat()
}

/// Why the server ends a connection. Common clients connect again after 4403, 4408, 4499,
/// 1012 and 1013, and give up after the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: String,
}

impl Close {
    pub fn bad_message(reason: impl Into<String>) -> Self {
        Self::new(4400, reason)
    }

    pub fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub fn expired() -> Self {
        Self::new(4403, "Token expired")
    }

    pub fn session_ended() -> Self {
        Self::new(4403, "Session ended")
    }

    pub fn wrong_protocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub fn duplicate(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"))
    }

    pub fn too_many_inits() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    pub fn silent() -> Self {
        Self::new(4499, "No sign of life")
    }

    pub fn restart() -> Self {
        Self::new(1012, "Service restart")
    }

    /// Clients come back after a while, as they do after a slow one.
    pub fn too_many_sockets() -> Self {
        Self::new(1013, "Too many connections")
    }

    pub fn slow() -> Self {
        Self::new(1013, "Client does not keep up")
    }

    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        Self { code, reason }
    }
}

impl From<Close> for CloseFrame {
    fn from(close: Close) -> Self {
        Self { code: close.code, reason: Utf8Bytes::from(close.reason) }
    }
}
