//! Whether a document is one of the schema's, and what it can cost: looked at as a call would be, without the call.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextValidation,
};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Request, Response, ServerError, ValidationResult, Value};
use async_trait::async_trait;
use service::entity::operation::Kind;
use service::partner::manifest::Checked;

use super::caching::Caching;
use super::manifest::Entry;
use super::stand_in;
use crate::graphql::guard;
use crate::schema::{self, AppExecutor};

/// A document that can be called.
pub struct Sound {
    pub name: String,
    pub kind: Kind,
    /// The most that a call can cost.
    pub cost: usize,
    pub caching: Caching,
    pub document: ExecutableDocument,
}

/// Why a document cannot be registered, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub reason: String,
    /// From 1. None where it is about the whole document.
    pub place: Option<(usize, usize)>,
}

/// A flaw, and of which entry of a manifest it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub operation: String,
    pub flaw: Flaw,
}

/// All of a manifest, or what is wrong with each that cannot be.
pub async fn entries(
    executor: &AppExecutor,
    entries: Vec<Entry>,
) -> Result<Vec<Checked>, Vec<Refused>> {
    let (mut checked, mut refused) = (Vec::with_capacity(entries.len()), Vec::new());
    let mut names = HashSet::new();
    for entry in entries {
        // Others have their turn: a manifest may be long.
        tokio::task::yield_now().await;
        match one(executor, &entry).await {
            Ok(operation) if !names.insert(operation.name.clone()) => {
                let flaw = Flaw::whole("another document has an operation of this name");
                refused.push(Refused { operation: operation.name, flaw });
            }
            Ok(operation) => checked.push(operation),
            Err(flaws) => {
                let of = |flaw| Refused { operation: entry.label().to_owned(), flaw };
                refused.extend(flaws.into_iter().map(of));
            }
        }
    }
    if refused.is_empty() { Ok(checked) } else { Err(refused) }
}

async fn one(executor: &AppExecutor, entry: &Entry) -> Result<Checked, Vec<Flaw>> {
    let hash = entry.hash().map_err(|reason| vec![Flaw::whole(reason)])?;
    let sound = document(executor, &entry.document).await?;
    if let Some(name) = entry.name.as_ref().filter(|name| **name != sound.name) {
        let reason = format!("the manifest calls it {name}, and the document {}", sound.name);
        return Err(vec![Flaw::whole(reason)]);
    }
    if entry.kind.is_some_and(|kind| kind != sound.kind) {
        return Err(vec![Flaw::whole("its type in the manifest is not that of the document")]);
    }
    Ok(Checked {
        sha256: hash.bytes().to_vec(),
        name: sound.name,
        kind: sound.kind,
        document: entry.document.clone(),
        cost: i32::try_from(sound.cost).unwrap_or(i32::MAX),
    })
}

/// By the guard, the parser and all of the schema's rules.
pub async fn document(executor: &AppExecutor, text: &str) -> Result<Sound, Vec<Flaw>> {
    let rejected = |reason| vec![ServerError::from(reason).into()];
    let document = guard::admit(&executor.limits, text).map_err(rejected)?;
    let (name, operation) = only(&document)?;
    let kind = match operation.ty {
        OperationType::Query => Kind::Query,
        OperationType::Mutation => Kind::Mutation,
        OperationType::Subscription => Kind::Subscription,
    };
    // With the smallest pages it has to be within the limit that every call is held to; how dear it can be is only said.
    let least = rehearse(executor, &document, stand_in::Size::Smallest).await?;
    let most = rehearse(executor, &document, stand_in::Size::Largest).await?;
    let caching = if kind == Kind::Query { least.caching } else { Caching::default() };
    Ok(Sound { name, kind, cost: most.validation.complexity, caching, document })
}

fn only(document: &ExecutableDocument) -> Result<(String, &OperationDefinition), Vec<Flaw>> {
    let operations = match &document.operations {
        DocumentOperations::Single(operation) => {
            let place = Some((operation.pos.line, operation.pos.column));
            let reason = "the operation has no name".to_owned();
            return Err(vec![Flaw { reason, place }]);
        }
        DocumentOperations::Multiple(operations) => operations,
    };
    match operations.iter().collect::<Vec<_>>()[..] {
        [(name, operation)] => Ok((name.to_string(), &operation.node)),
        _ => Err(vec![Flaw::whole("a document has exactly one operation")]),
    }
}

async fn rehearse(
    executor: &AppExecutor,
    document: &ExecutableDocument,
    size: stand_in::Size,
) -> Result<Outcome, Vec<Flaw>> {
    let rehearsal = Rehearsal::of(document.clone());
    let mut request = Request::new("").data(rehearsal.clone());
    request.set_parsed_query(document.clone());
    request.variables = stand_in::variables(document, size);
    let schema = match size {
        stand_in::Size::Smallest => &executor.checked,
        stand_in::Size::Largest => &executor.registered,
    };
    let response = schema::execute(schema.clone(), request).await;
    match rehearsal.0.outcome.get() {
        Some(outcome) if response.is_ok() => Ok(*outcome),
        _ => Err(response.errors.into_iter().map(Flaw::from).collect()),
    }
}

impl Flaw {
    fn whole(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), place: None }
    }
}

impl From<ServerError> for Flaw {
    fn from(error: ServerError) -> Self {
        let place = error.locations.first().map(|pos| (pos.line, pos.column));
        Self { reason: error.message, place }
    }
}

/// In the data of a request that is looked at and not executed.
#[derive(Clone)]
pub struct Rehearsal(Arc<Looked>);

struct Looked {
    document: ExecutableDocument,
    outcome: OnceLock<Outcome>,
}

#[derive(Clone, Copy)]
struct Outcome {
    validation: ValidationResult,
    caching: Caching,
}

impl Rehearsal {
    fn of(document: ExecutableDocument) -> Self {
        Self(Arc::new(Looked { document, outcome: OnceLock::new() }))
    }
}

/// Stops rehearsals before anything happens.
pub struct Rehearsals;

impl ExtensionFactory for Rehearsals {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Rehearsals {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let validation = next.run(ctx).await?;
        if let Some(Rehearsal(looked)) = ctx.data_opt::<Rehearsal>() {
            let caching = Caching::of(&ctx.schema_env.registry, &looked.document);
            looked.outcome.get_or_init(|| Outcome { validation, caching });
        }
        Ok(validation)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        match ctx.data_opt::<Rehearsal>() {
            Some(_) => Response::new(Value::Null),
            None => next.run(ctx, operation).await,
        }
    }
}
