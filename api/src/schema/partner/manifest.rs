//! What an API client has registered, as those see it who manage partners.

use async_graphql::{Context, Enum, ID, Object};
use entity::{api_client::ClientId, manifest, operation};
use service::page::PageArgs;

use crate::{
    context::Call,
    error::Result,
    graphql::operation::Hash,
    schema::{
        connection::{connection, counted, nodes, page},
        scalar::DateTime,
    },
};

/// One version of what an API client has registered.
#[derive(Clone)]
pub struct OperationManifest(pub manifest::Model);

impl From<manifest::Model> for OperationManifest {
    fn from(model: manifest::Model) -> Self {
        Self(model)
    }
}

/// One version of the operations that an API client has registered. All of its versions that are not retired can be called.
#[Object]
impl OperationManifest {
    /// Global id, `manifest_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// 1, 2, 3 … for each client.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Who published it: the id of a login or of an API client, or `system:` and a command.
    async fn published_by(&self) -> &str {
        &self.0.published_by
    }

    /// When it was published.
    async fn published_at(&self) -> DateTime {
        DateTime(self.0.published_at)
    }

    /// Its operations cannot be called since then, unless another version has them; null while they can.
    async fn retired_at(&self) -> Option<DateTime> {
        self.0.retired_at.map(DateTime)
    }

    /// Its operations, by name.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<RegisteredOperationConnection> {
        let (manifest, args) = (self.0.id, page(first, after, last, before));
        let found = service::partner::operation::list(ctx.call()?, manifest, &args).await?;
        let count = counted(move |call| async move {
            service::partner::operation::count(&call, manifest).await
        });
        Ok(RegisteredOperationConnection { page: nodes(found), count })
    }
}

connection!(
    OperationManifestConnection,
    OperationManifestEdge,
    OperationManifest,
    "versions of registered operations"
);

pub async fn manifests_page(
    ctx: &Context<'_>,
    client: ClientId,
    args: PageArgs,
) -> Result<OperationManifestConnection> {
    let found = service::partner::manifest::list(ctx.call()?, client, &args).await?;
    let count =
        counted(move |call| async move { service::partner::manifest::count(&call, client).await });
    Ok(OperationManifestConnection { page: nodes(found), count })
}

/// A document that can be called by its id.
#[derive(Clone)]
pub struct RegisteredOperation(pub operation::Model);

impl From<operation::Model> for RegisteredOperation {
    fn from(model: operation::Model) -> Self {
        Self(model)
    }
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "operation::Kind")]
pub enum OperationKind {
    /// It reads.
    Query,
    /// It changes something.
    Mutation,
    /// It follows what happens.
    Subscription,
}

/// A document that can be called by its id.
#[Object]
impl RegisteredOperation {
    /// What to send as `documentId`: `sha256:` and the hash of the exact text.
    async fn document_id(&self) -> String {
        Hash::from_bytes(&self.0.sha256).map(|hash| hash.to_string()).unwrap_or_default()
    }

    /// As the document calls it; unique within a version.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it does.
    async fn kind(&self) -> OperationKind {
        self.0.kind.into()
    }

    /// The most that a call can cost: with pages of 100 wherever a variable decides.
    async fn cost(&self) -> i32 {
        self.0.cost
    }

    /// The exact text.
    async fn document(&self) -> &str {
        &self.0.document
    }
}

connection!(
    RegisteredOperationConnection,
    RegisteredOperationEdge,
    RegisteredOperation,
    "registered operations"
);
