//! What those do with API clients who manage partners.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{
    api_client::ClientId,
    api_key::KeyId,
    scope::{Scope, Scopes},
};
use service::partner::{CreateClient, UpdateClient, key, key::CreateKey, manifest};

use super::{ApiClient, ApiClientKind, ApiKey, ApiScope, OperationManifest};
use crate::{
    context::Call,
    error::Result,
    graphql::operation::{publish, store::Operations},
    schema::{
        outcome::{UserError, outcome, payload},
        patch,
        scalar::{DateTime, Gid},
    },
};

/// A new API client.
#[derive(InputObject)]
pub struct CreateApiClientInput {
    /// 1 to 200 characters.
    name: String,
    /// Whose program it is; it stays so.
    #[graphql(default_with = "ApiClientKind::Partner")]
    kind: ApiClientKind,
    /// The most that its keys may do.
    scopes: Vec<ApiScope>,
    /// How much its calls may cost in a minute, in the unit of `extensions.cost`, at least 1; no limit when left out.
    cost_per_minute: Option<i32>,
    /// At most 20 origins as browsers send them, such as `https://app.example`; without any, no page may call with its keys.
    #[graphql(default)]
    allowed_origins: Vec<String>,
}

/// Changes to an API client. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateApiClientInput {
    /// Which.
    client_id: Gid<ClientId>,
    /// 1 to 200 characters.
    name: Option<String>,
    /// The most that its keys may do, from now on.
    scopes: Option<Vec<ApiScope>>,
    /// How much its calls may cost in a minute, at least 1; null means no limit.
    cost_per_minute: MaybeUndefined<i32>,
    /// All of them together: they replace the ones before.
    allowed_origins: Option<Vec<String>>,
    /// Whether its keys and operations are out of use.
    disabled: Option<bool>,
}

/// A new key of an API client.
#[derive(InputObject)]
pub struct CreateApiKeyInput {
    /// Whose.
    client_id: Gid<ClientId>,
    /// What it may do of what its client may; all of that when left out.
    scopes: Option<Vec<ApiScope>>,
    /// It works until then; until it is revoked when left out.
    expires_at: Option<DateTime>,
}

/// Takes a key out of use for ever.
#[derive(InputObject)]
pub struct RevokeApiKeyInput {
    /// Which.
    key_id: Gid<KeyId>,
}

/// Registers the operations of an API client as its next version.
#[derive(InputObject)]
pub struct PublishOperationsInput {
    /// Whose.
    client_id: Gid<ClientId>,
    /// The text of the file: Apollo's persisted query manifest, or a map from SHA-256 hashes to documents, as Relay and
    /// codegen write it. At most 2,000 operations, each with a name.
    manifest: String,
}

/// Takes one version of an API client's operations out of use.
#[derive(InputObject)]
pub struct RetireOperationsInput {
    /// Whose.
    client_id: Gid<ClientId>,
    /// Which version.
    version: i32,
}

payload!(
    /// What `createApiClient` answers.
    CreateApiClientPayload {
        /// The new client; null when refused.
        api_client: ApiClient
    }
);
payload!(
    /// What `updateApiClient` answers.
    UpdateApiClientPayload {
        /// The client as it now is; null when refused.
        api_client: ApiClient
    }
);
payload!(
    /// What `revokeApiKey` answers.
    RevokeApiKeyPayload {
        /// The revoked key; null when refused.
        api_key: ApiKey
    }
);
payload!(
    /// What `retireOperations` answers.
    RetireOperationsPayload {
        /// The retired version; null when refused.
        manifest: OperationManifest
    }
);

/// What `createApiKey` answers.
#[derive(SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The new key; null when refused.
    api_key: Option<ApiKey>,
    /// The key itself, `blk_…`: told now and never again. Null when refused.
    secret: Option<String>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
}

/// A document that cannot be registered.
#[derive(SimpleObject)]
pub struct RefusedOperation {
    /// Its name in the manifest, or its id where that has no names.
    operation: String,
    /// For developers and for people who speak English.
    reason: String,
    /// Where in the document, from 1; null when it is about the whole document.
    line: Option<usize>,
    /// Where in the line, from 1; null when it is about the whole document.
    column: Option<usize>,
}

impl From<publish::Refused> for RefusedOperation {
    fn from(refused: publish::Refused) -> Self {
        let (line, column) = refused.flaw.place.unzip();
        Self { operation: refused.operation, reason: refused.flaw.reason, line, column }
    }
}

/// What `publishOperations` answers.
#[derive(SimpleObject)]
pub struct PublishOperationsPayload {
    /// The new version, or the newest where that has exactly these operations; null when refused.
    manifest: Option<OperationManifest>,
    /// The documents that cannot be registered, all of them; then nothing is.
    refused: Vec<RefusedOperation>,
    /// Why nothing happened; empty when it did. `OPERATIONS_REFUSED` when `refused` says why.
    user_errors: Vec<UserError>,
}

fn given(scopes: Vec<ApiScope>) -> Scopes {
    scopes.into_iter().map(Scope::from).collect()
}

#[derive(Default)]
pub struct PartnerMutation;

#[Object]
impl PartnerMutation {
    /// Makes an API client. For those who manage partners.
    async fn create_api_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new client.")] input: CreateApiClientInput,
    ) -> Result<CreateApiClientPayload> {
        let CreateApiClientInput { name, kind, scopes, cost_per_minute, allowed_origins } = input;
        let (kind, scopes) = (kind.into(), given(scopes));
        let input = CreateClient { name, kind, scopes, cost_per_minute, allowed_origins };
        CreateApiClientPayload::from_outcome(service::partner::create(ctx.call()?, input).await)
    }

    /// Changes an API client. What its keys may do changes with the next call. For those who manage partners.
    async fn update_api_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateApiClientInput,
    ) -> Result<UpdateApiClientPayload> {
        let input = UpdateClient {
            id: input.client_id.0,
            name: input.name,
            scopes: input.scopes.map(given),
            cost_per_minute: patch(input.cost_per_minute),
            allowed_origins: input.allowed_origins,
            disabled: input.disabled,
        };
        UpdateApiClientPayload::from_outcome(service::partner::update(ctx.call()?, input).await)
    }

    /// Makes a key, and tells it this once. `API_KEY_LIMIT_REACHED` when two work already, `API_CLIENT_DISABLED` when the client
    /// is out of use. For those who manage partners.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new key.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        let CreateApiKeyInput { client_id: Gid(client), scopes, expires_at } = input;
        let expires_at = expires_at.map(|DateTime(end)| end);
        let input = CreateKey { client, scopes: scopes.map(given), expires_at };
        let (created, user_errors) = outcome(key::create(ctx.call()?, input).await)?;
        let (api_key, secret) =
            created.map(|created| (ApiKey(created.key), created.secret)).unzip();
        Ok(CreateApiKeyPayload { api_key, secret, user_errors })
    }

    /// Takes a key out of use for ever; its sockets close within two seconds. For those who manage partners.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload> {
        RevokeApiKeyPayload::from_outcome(key::revoke(ctx.call()?, input.key_id.0).await)
    }

    /// Registers operations as the client's next version, all of them or none. Versions before it can be called until they are
    /// retired. `OPERATIONS_REFUSED` when a document is not one of this schema. For those who manage partners.
    #[graphql(complexity = "100 + child_complexity")]
    async fn publish_operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which operations.")] input: PublishOperationsInput,
    ) -> Result<PublishOperationsPayload> {
        let executor = Operations::of(ctx)?.executor();
        let client = input.client_id.0;
        let (published, refused) =
            publish::publish(ctx.call()?, executor, client, &input.manifest).await;
        let (manifest, user_errors) = outcome(published)?;
        let refused = refused.into_iter().map(Into::into).collect();
        let manifest = manifest.map(OperationManifest);
        Ok(PublishOperationsPayload { manifest, refused, user_errors })
    }

    /// Takes a version out of use: within a second none of its operations can be called, unless another version has them.
    /// For those who manage partners.
    async fn retire_operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which version.")] input: RetireOperationsInput,
    ) -> Result<RetireOperationsPayload> {
        let RetireOperationsInput { client_id: Gid(client), version } = input;
        let input = manifest::Retire { client, version };
        RetireOperationsPayload::from_outcome(manifest::retire(ctx.call()?, input).await)
    }
}
