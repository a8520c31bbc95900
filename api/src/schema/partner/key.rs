//! API keys, as those see them who manage partners: never the key itself.

use async_graphql::{Context, ID, Object};
use entity::{api_client::ClientId, api_key};
use service::page::PageArgs;

use super::{ApiScope, scopes};
use crate::{
    context::Call,
    error::Result,
    schema::{
        connection::{connection, counted, nodes},
        scalar::DateTime,
    },
};

/// What an API client shows to be let in.
#[derive(Clone)]
pub struct ApiKey(pub api_key::Model);

impl From<api_key::Model> for ApiKey {
    fn from(model: api_key::Model) -> Self {
        Self(model)
    }
}

/// What an API client shows to be let in: `Authorization: Bearer blk_…`. The key itself is told once, when it is made.
#[Object]
impl ApiKey {
    /// Global id, `key_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// How the key begins, to tell it by.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// What it may do of what its client may; null means all of that.
    async fn scopes(&self) -> Option<Vec<ApiScope>> {
        self.0.scopes.map(scopes)
    }

    /// It works until then; null means until it is revoked.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was last used, to the minute; null means never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// It does not work since then; null while it is not revoked.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

connection!(ApiKeyConnection, ApiKeyEdge, ApiKey, "API keys");

pub async fn keys_page(
    ctx: &Context<'_>,
    client: ClientId,
    args: PageArgs,
) -> Result<ApiKeyConnection> {
    let found = service::partner::key::list(ctx.call()?, client, &args).await?;
    let count =
        counted(move |call| async move { service::partner::key::count(&call, client).await });
    Ok(ApiKeyConnection { page: nodes(found), count })
}
