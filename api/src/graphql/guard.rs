//! In front of the parser and the validation, at every door: documents that could hurt them,
//! or ask for more than one request may, are not admitted.
//!
//! In this order: bytes, tokens and nesting of the text, before it is parsed; then selections,
//! aliases, directives and root fields with fragments expanded. Depth and cost are counted by
//! the validation, which knows the schema.

mod count;
mod rejected;
pub mod scan;
#[cfg(test)]
mod tests;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{Request, ServerError};
use service::config::QueryLimits;

pub use rejected::{PARSE_FAILED, QUERY_REJECTED, Rejected, VALIDATION_FAILED};

/// Root fields that try a secret or move money: one of them in a document, so that limits on
/// requests are limits on tries. A field of that kind is added here.
pub const SENSITIVE: &[&str] = &[
    "acceptInvitation",
    "cancelPayment",
    "capturePayment",
    "changePassword",
    "completeSignUp",
    "confirmPayment",
    "confirmSecondFactor",
    "createApiKey",
    "createPayment",
    "payFromWallet",
    "recordCashPayment",
    "refreshSession",
    "refundPayment",
    "removeSecondFactor",
    "requestPasswordReset",
    "requestSignInCode",
    "requestVerification",
    "resetPassword",
    "resetSecondFactor",
    "setUpSecondFactor",
    "signIn",
    "signInWithCode",
    "signUp",
    "topUpWallet",
    "verifyContact",
];

/// A document from a client, parsed; for whoever keeps it. The schema is still to be asked.
pub fn admit(limits: &QueryLimits, text: &str) -> Result<ExecutableDocument, Rejected> {
    scan::document(limits, text)?;
    let document = parse_query(text).map_err(ServerError::from)?;
    count::document(limits, &document)?;
    scan::input_fields(text)?;
    Ok(document)
}

/// The document of a request, parsed once.
pub fn admit_request<'a>(
    limits: &QueryLimits,
    request: &'a mut Request,
) -> Result<&'a ExecutableDocument, Rejected> {
    scan::document(limits, &request.query)?;
    count::document(limits, request.parsed_query()?)?;
    scan::input_fields(&request.query)?;
    Ok(request.parsed_query()?)
}

/// The operation that a request means, as the executor will choose it.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).map(|operation| &operation.node)
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|operation| &operation.node)
        }
        _ => None,
    }
}
