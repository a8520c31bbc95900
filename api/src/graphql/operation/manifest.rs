//! The files that clients' build tools write: Apollo's persisted query manifest, and the map that Relay and codegen make.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use service::entity::operation::Kind;

use super::Hash;

const APOLLO: &str = "apollo-persisted-query-manifest";

/// One entry, before anybody has looked at its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    /// What the file says, where it says so.
    pub name: Option<String>,
    pub kind: Option<Kind>,
    pub document: String,
}

/// The whole file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("is not JSON: {0}")]
    NotJson(String),
    #[error("is neither Apollo's manifest nor a map from hashes to documents")]
    UnknownFormat,
    #[error("is a manifest of version {0}; version 1 is read")]
    Version(u64),
    #[error("has an entry that cannot be read: {0}")]
    Entry(String),
}

#[derive(Deserialize)]
struct Apollo {
    version: u64,
    operations: Vec<Json>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: KindName,
    body: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Query,
    Mutation,
    Subscription,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Query => Self::Query,
            KindName::Mutation => Self::Mutation,
            KindName::Subscription => Self::Subscription,
        }
    }
}

/// In the order of the file.
pub fn read(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let json =
        serde_json::from_str(text).map_err(|error| Unreadable::NotJson(error.to_string()))?;
    let Json::Object(map) = json else { return Err(Unreadable::UnknownFormat) };
    match map.get("format") {
        Some(format) if format == APOLLO => apollo(map),
        Some(_) => Err(Unreadable::UnknownFormat),
        None => map.into_iter().map(of_map).collect(),
    }
}

fn apollo(map: Map<String, Json>) -> Result<Vec<Entry>, Unreadable> {
    let entry = |error: serde_json::Error| Unreadable::Entry(error.to_string());
    let manifest: Apollo = serde_json::from_value(map.into()).map_err(entry)?;
    if manifest.version != 1 {
        return Err(Unreadable::Version(manifest.version));
    }
    let operations = manifest.operations.into_iter().map(|operation| {
        let Operation { id, name, kind, body } = serde_json::from_value(operation)?;
        Ok(Entry { id, name: Some(name), kind: Some(kind.into()), document: body })
    });
    operations.collect::<Result<_, _>>().map_err(entry)
}

fn of_map((id, document): (String, Json)) -> Result<Entry, Unreadable> {
    match document {
        Json::String(document) => Ok(Entry { id, name: None, kind: None, document }),
        _ => Err(Unreadable::UnknownFormat),
    }
}

impl Entry {
    /// How people find it in their file.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Why the id cannot be the document's.
    pub fn hash(&self) -> Result<Hash, String> {
        let hash = Hash::of(&self.document);
        match Hash::read(&self.id) {
            Some(id) if id == hash => Ok(hash),
            Some(_) => Err(format!("its id is not the SHA-256 of its text, which is {hash}")),
            None => Err("its id is not a SHA-256: configure your build tool to use that \
                         (Relay: \"persistConfig\": {\"algorithm\": \"SHA256\"})"
                .to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_formats_are_read() {
        let document = "query A { me { id } }";
        let id = Hash::of(document).to_string();
        let operation = json!({"id": id, "name": "A", "type": "query", "body": document});
        let apollo = json!({"format": APOLLO, "version": 1, "operations": [operation]});
        let [entry] = &read(&apollo.to_string()).unwrap()[..] else { panic!() };
        assert_eq!((entry.label(), entry.kind), ("A", Some(Kind::Query)));
        assert_eq!(entry.hash(), Ok(Hash::of(document)));

        let bare = id.strip_prefix("sha256:").unwrap();
        let [entry] = &read(&json!({bare: document}).to_string()).unwrap()[..] else { panic!() };
        assert_eq!((entry.label(), entry.hash()), (bare, Ok(Hash::of(document))));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let apollo = |version: u8, operations: Json| {
            let manifest = json!({"format": APOLLO, "version": version, "operations": operations});
            read(&manifest.to_string()).unwrap_err()
        };
        assert_eq!(apollo(2, json!([])), Unreadable::Version(2));
        assert!(matches!(apollo(1, json!([{"id": "a"}])), Unreadable::Entry(_)));
        assert!(matches!(read("{"), Err(Unreadable::NotJson(_))));
        for wrong in ["[]", "7", r#"{"format": "mine"}"#, r#"{"a": 7}"#] {
            assert_eq!(read(wrong), Err(Unreadable::UnknownFormat), "{wrong}");
        }
    }

    #[test]
    fn an_id_is_the_hash_of_its_text() {
        let entry = |id: &str| Entry {
            id: id.to_owned(),
            name: None,
            kind: None,
            document: "{ a }".to_owned(),
        };
        let other = Hash::of("{ b }").to_string();
        assert!(entry(&other).hash().unwrap_err().contains("not the SHA-256 of its text"));
        assert!(entry(&"0".repeat(32)).hash().unwrap_err().contains("SHA256"));
    }
}
