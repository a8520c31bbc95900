//! Operations that are called by the hash of their text, as they were registered.

pub mod caching;
pub mod check;
pub mod manifest;
pub mod publish;
mod stand_in;
pub mod store;
mod value;

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, ServerError, ServerResult};
use async_trait::async_trait;
use serde_json::{Map, Value as Json};
use service::keys::sha256;

use super::absent;

const BAD_USER_INPUT: &str = "BAD_USER_INPUT";

/// The SHA-256 of a document's exact text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    pub fn of(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(&sha256(text.as_bytes()));
        Self(hash)
    }

    /// None where it is not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// With `sha256:` in front or without. None for anything else, such as an MD5.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            let digit = |digit: &u8| char::from(*digit).to_digit(16);
            *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
        }
        Some(Self(hash))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// As a client sends it.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// In the data of a request that names its document. None is a name that nothing can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named(pub Option<Hash>);

impl Named {
    /// From the parameters of a request: `documentId`, as GraphQL over HTTP has it, Apollo's extension, or Relay's `doc_id`.
    pub fn read(parameters: &Map<String, Json>) -> Result<Option<Self>, &'static str> {
        let apollo = &parameters.get("extensions").unwrap_or(&Json::Null)["persistedQuery"];
        let names = [
            (parameters.get("documentId"), "\"documentId\" must be a string"),
            (apollo.get("sha256Hash"), "\"sha256Hash\" must be a string"),
            (parameters.get("doc_id"), "\"doc_id\" must be a string"),
        ];
        for (name, complaint) in names {
            match name {
                None | Some(Json::Null) => {}
                Some(Json::String(name)) => return Ok(Some(Self(Hash::read(name)))),
                Some(_) => return Err(complaint),
            }
        }
        Ok(None)
    }

    pub fn of(request: &Request) -> Option<Self> {
        request.data.get(&TypeId::of::<Self>())?.downcast_ref().copied()
    }
}

/// A document that was parsed, and found to be one of the schema's, when it was first called.
pub struct Registered {
    pub hash: Hash,
    pub name: String,
    document: ExecutableDocument,
    pub caching: caching::Caching,
}

impl Registered {
    /// A call of it. There is no text, so that nothing can be parsed again.
    pub fn request(self: &Arc<Self>) -> Request {
        let mut request = Request::new("").data(Arc::clone(self));
        request.set_parsed_query(self.document.clone());
        request
    }

    pub fn of(request: &Request) -> Option<&Arc<Self>> {
        request.data.get(&TypeId::of::<Arc<Self>>())?.downcast_ref()
    }
}

/// Leaves out the variables that a request leaves out, and looks at those of registered operations: all else of these was
/// looked at once.
pub struct Variables;

impl ExtensionFactory for Variables {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Variables {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        if Registered::of(&request).is_some() {
            let unfit = value::unfit(&ctx.schema_env.registry, &mut request)?;
            unfit.map_or(Ok(()), Err)?;
        }
        if let Some(document) = absent::left_out(&mut request) {
            request.set_parsed_query(document);
        }
        next.run(ctx, request).await
    }
}

pub fn coded(message: impl Into<String>, code: &str) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", code);
    error
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hash_reads_back_with_and_without_its_kind() {
        let hash = Hash::of("{ me { id } }");
        let text = hash.to_string();
        assert_eq!(Hash::read(&text), Some(hash));
        assert_eq!(Hash::read(&text["sha256:".len()..]), Some(hash));
        let md5 = "0".repeat(32);
        for wrong in ["", "sha256:", "sha1:00", md5.as_str(), &text.replace('a', "g"), &text[..70]]
        {
            assert!(Hash::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn three_ways_to_name_a_document() {
        let text = Hash::of("{ a }").to_string();
        let bare = &text["sha256:".len()..];
        let ways = [
            json!({"documentId": text}),
            json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": bare}}}),
            json!({"doc_id": bare}),
        ];
        for way in ways {
            let read = Named::read(way.as_object().unwrap());
            assert_eq!(read, Ok(Some(Named(Some(Hash::of("{ a }"))))), "{way}");
        }
        let read = |way: Json| Named::read(way.as_object().unwrap());
        assert_eq!(read(json!({"query": "{ a }"})), Ok(None));
        assert_eq!(read(json!({"documentId": "x-mine:7"})), Ok(Some(Named(None))));
        assert!(read(json!({"documentId": 7})).is_err());
    }
}
