//! A code and a request id for every error, and the guard in front of the parser.

use std::any::TypeId;
use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextPrepareRequest, NextRequest,
    NextSubscribe, NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    Pos, Request, Response, ServerError, ServerResult, ValidationResult, Value, Variables,
};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::guard::{self, QUERY_REJECTED, VALIDATION_FAILED};
use super::introspection;
use super::operation::Registered;
use super::request_id::RequestId;
use super::rules;
use crate::schema::Terms;

const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
const INTERNAL_SERVER_ERROR: &str = "INTERNAL_SERVER_ERROR";
/// A document with more mistakes is told the first of them.
const MOST_ERRORS: usize = 50;

/// Register it after extensions that bring documents of their own, such as persisted
/// operations: what they put into the request is checked here.
pub struct ErrorCodes(pub Terms);

impl ExtensionFactory for ErrorCodes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Labels { terms: self.0, kept: Arc::default() })
    }
}

/// One per request. The library shows the request's own data to some hooks only, so what all
/// of them need is kept here.
struct Labels {
    terms: Terms,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    request_id: OnceLock<String>,
    /// Only of requests with variables.
    query: OnceLock<String>,
    /// What our own rules say of the document.
    broken: OnceLock<Vec<ServerError>>,
    /// Whether the caller may know the schema.
    is_open: OnceLock<bool>,
}

#[async_trait]
impl Extension for Labels {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        self.kept.finish(next.run(ctx).await)
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let kept = Arc::clone(&self.kept);
        next.run(ctx, stream).map(move |response| kept.finish(response)).boxed()
    }

    /// Before anything else looks at the document. What was registered was looked at then.
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        self.kept.keep(ctx, &request);
        if Registered::of(&request).is_none() {
            let document = guard::admit_request(&self.terms.limits, &mut request)?;
            let broken = rules::broken(&ctx.schema_env.registry, document);
            self.kept.broken.get_or_init(|| broken);
            let introspects = introspection::is_in(document);
            let is_open = self.terms.is_open || introspection::may(&request);
            self.kept.is_open.get_or_init(|| is_open);
            if introspects && !is_open {
                return Err(introspection::refused());
            }
        }
        let mut request = next.run(ctx, request).await?;
        let missing = missing_variable(&mut request)?;
        missing.map_or(Ok(request), Err)
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        // The document is parsed by now; what can still fail is the library's depth limit.
        next.run(ctx, query, variables).await.map_err(|error| coded(error, QUERY_REJECTED))
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let label = |mut error: ServerError| {
            if self.kept.is_open.get() != Some(&true) {
                introspection::hide(&mut error.message);
            }
            let code = self.kept.validation_code(&error);
            coded(error, code)
        };
        let valid = next.run(ctx).await;
        let broken = self.kept.broken.get_or_init(Default::default);
        match valid {
            Ok(valid) if broken.is_empty() => Ok(valid),
            Ok(_) => Err(broken.iter().take(MOST_ERRORS).cloned().map(label).collect()),
            Err(errors) => Err(errors.into_iter().take(MOST_ERRORS).map(label).collect()),
        }
    }
}

impl Kept {
    fn keep(&self, ctx: &ExtensionContext<'_>, request: &Request) {
        let own = request.data.get(&TypeId::of::<RequestId>());
        let own = own.and_then(|data| data.downcast_ref::<RequestId>());
        if let Some(RequestId(id)) = own.or_else(|| ctx.data_opt()).filter(|id| !id.0.is_empty()) {
            self.request_id.get_or_init(|| id.clone());
        }
        if !request.variables.is_empty() {
            self.query.get_or_init(|| request.query.clone());
        }
    }

    fn finish(&self, mut response: Response) -> Response {
        for error in &mut response.errors {
            hide_defect(error);
            set_code(error, BAD_USER_INPUT);
            if let Some(id) = self.request_id.get() {
                error.extensions.get_or_insert_default().set("requestId", id.as_str());
            }
        }
        response
    }

    fn validation_code(&self, error: &ServerError) -> &'static str {
        match error.message.as_str() {
            "Query is too complex." | "Query is nested too deep." => QUERY_REJECTED,
            message if message.starts_with("Invalid value for argument") => {
                let from_variable = self
                    .query
                    .get()
                    .zip(error.locations.first())
                    .is_some_and(|(query, pos)| is_variable(query, *pos));
                if from_variable { BAD_USER_INPUT } else { VALIDATION_FAILED }
            }
            _ => VALIDATION_FAILED,
        }
    }
}

/// Whether the argument at this place takes its value, or a part of it, from a variable. The
/// library reports both cases alike, at the argument's name.
fn is_variable(query: &str, pos: Pos) -> bool {
    let Some((line, column)) = pos.line.checked_sub(1).zip(pos.column.checked_sub(1)) else {
        return false;
    };
    let mut rest = query.split('\n').skip(line).flat_map(|line| line.chars().chain(['\n']));
    let mut depth = 0_usize;
    for char in rest.by_ref().skip(column).skip_while(|char| *char != ':').skip(1) {
        match char {
            '$' => return true,
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            char if char.is_whitespace() || char == ',' => continue,
            _ => {}
        }
        if depth == 0 {
            return false;
        }
    }
    false
}

/// The library notices a missing variable only in the field that uses it, when fields before
/// it have run already.
fn missing_variable(request: &mut Request) -> ServerResult<Option<ServerError>> {
    let name = request.operation_name.clone();
    let given = std::mem::take(&mut request.variables);
    let operation = guard::operation(request.parsed_query()?, name.as_deref());
    let definitions = operation.map_or(&[][..], |operation| &operation.variable_definitions);
    let missing = definitions.iter().find(|definition| {
        let variable = &definition.node;
        let absent = match given.get(&variable.name.node) {
            None => variable.default_value.is_none(),
            Some(value) => *value == Value::Null,
        };
        absent && !variable.var_type.node.nullable
    });
    let error = missing.map(|definition| {
        let variable = &definition.node;
        let (name, ty) = (&variable.name.node, &variable.var_type.node);
        let message = format!(r#"Variable "${name}" of type "{ty}" needs a value."#);
        coded(ServerError::new(message, Some(definition.pos)), BAD_USER_INPUT)
    });
    request.variables = given;
    Ok(error)
}

fn coded(mut error: ServerError, code: &str) -> ServerError {
    set_code(&mut error, code);
    error
}

fn set_code(error: &mut ServerError, code: &str) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
}

/// A resolver that asks for data which the request does not carry is our defect, and the
/// library's message names a type of ours.
fn hide_defect(error: &mut ServerError) {
    if error.message.starts_with("Data `") && error.message.ends_with("` does not exist.") {
        tracing::error!(error = %error.message, path = ?error.path, "resolver failed");
        set_code(error, INTERNAL_SERVER_ERROR);
        error.message = "internal error".to_owned();
    }
}
