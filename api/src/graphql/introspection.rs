//! Who may know the schema, by asking for it or by what errors give away.

use std::any::TypeId;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Request, ServerError};
use service::ctx::Ctx;
use service::permission::Permission;

/// What the library says after an unknown name.
const SUGGESTION: &str = " Did you mean";

pub fn may(request: &Request) -> bool {
    let call = request.data.get(&TypeId::of::<Ctx>()).and_then(|data| data.downcast_ref::<Ctx>());
    call.is_some_and(|call| call.may(Permission::Introspect))
}

/// `__typename` is none: every client asks for it.
pub fn is_in(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    operations.chain(fragments).any(|set| selects_schema(&set.node))
}

/// At a root, where alone it can stand: fields are not entered.
fn selects_schema(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
        Selection::InlineFragment(inline) => selects_schema(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}

pub fn refused() -> ServerError {
    let mut error = ServerError::new("introspection is for signed-in developers", None);
    error.extensions.get_or_insert_default().set("code", "INTROSPECTION_DISABLED");
    error
}

/// Takes away what an error suggests instead of an unknown name.
pub fn hide(message: &mut String) {
    if let Some(at) = message.find(SUGGESTION) {
        message.truncate(at);
    }
}
