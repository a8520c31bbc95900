//! API clients, as those see them who manage partners.

mod key;
mod manifest;
mod mutation;

use async_graphql::{Context, Enum, ID, Object};
use entity::{
    api_client::{self, ClientId},
    scope::Scope,
};

pub use key::{ApiKey, ApiKeyConnection};
pub use manifest::{OperationManifest, OperationManifestConnection};
pub use mutation::PartnerMutation;

use super::{
    connection::{connection, counted, nodes, page},
    scalar::{DateTime, Gid},
};
use crate::{context::Call, error::Result};

/// A program that calls the API.
#[derive(Clone)]
pub struct ApiClient(pub api_client::Model);

impl From<api_client::Model> for ApiClient {
    fn from(model: api_client::Model) -> Self {
        Self(model)
    }
}

/// Whose program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "api_client::Kind")]
pub enum ApiClientKind {
    /// Somebody else's: its operations are called with its own keys only.
    Partner,
    /// The tenant's own, such as its web app: whoever may call the tenant may call its operations too, with their own rights.
    FirstParty,
}

/// What an API client may do. None of them gives more than its name says: `FLEET_WRITE` does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Scope")]
pub enum ApiScope {
    /// `board:read`: stations, their availability, and the types of vehicles.
    BoardRead,
    /// `tariffs:read`: what a rental costs.
    TariffsRead,
    /// `tariffs:write`: create, change and archive tariffs.
    TariffsWrite,
    /// `vehicles:read`: the vehicles that can be rented.
    VehiclesRead,
    /// `fleet:read`: every vehicle, its history, and the fleet's events.
    FleetRead,
    /// `fleet:write`: create, change, move and service stations, vehicle types and vehicles.
    FleetWrite,
    /// `customers:read`: customers, with their addresses and phones.
    CustomersRead,
    /// `customers:write`: create, change, block and archive customers.
    CustomersWrite,
    /// `rentals:read`: anybody's rentals.
    RentalsRead,
    /// `rentals:write`: reserve, start, end and cancel for any customer.
    RentalsWrite,
    /// `money:read`: payments, receipts and the books.
    MoneyRead,
}

/// Scopes as clients see them.
fn scopes(given: entity::scope::Scopes) -> Vec<ApiScope> {
    let has = Scope::ALL.iter().copied().filter(|scope| given.contains(*scope));
    has.map(ApiScope::from).collect()
}

/// A program that calls the API: with keys of its own, or by what it has registered for those who use it.
#[Object]
impl ApiClient {
    /// Global id, `client_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// As people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whose program it is.
    async fn kind(&self) -> ApiClientKind {
        self.0.kind.into()
    }

    /// The most that its keys may do.
    async fn scopes(&self) -> Vec<ApiScope> {
        scopes(self.0.scopes)
    }

    /// How much its calls may cost in a minute, in the unit of `extensions.cost`; null means no limit.
    async fn cost_per_minute(&self) -> Option<i32> {
        self.0.cost_per_minute
    }

    /// The sites whose pages may call with its keys. Callers that are no pages of a browser name no site, and need none.
    async fn allowed_origins(&self) -> &[String] {
        &self.0.allowed_origins.0
    }

    /// Its keys and operations do not work since then; null while they do.
    async fn disabled_at(&self) -> Option<DateTime> {
        self.0.disabled_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Its keys, the newest first, with those that do not work any more.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<ApiKeyConnection> {
        key::keys_page(ctx, self.0.id, page(first, after, last, before)).await
    }

    /// What it has registered, the newest version first, with those that are retired.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn manifests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<OperationManifestConnection> {
        manifest::manifests_page(ctx, self.0.id, page(first, after, last, before)).await
    }
}

connection!(ApiClientConnection, ApiClientEdge, ApiClient, "API clients");

#[derive(Default)]
pub struct PartnerQuery;

#[Object]
impl PartnerQuery {
    /// API clients, by name. For those who manage partners.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn api_clients(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Disabled ones too.", default)] include_disabled: bool,
    ) -> Result<ApiClientConnection> {
        let args = page(first, after, last, before);
        let found = service::partner::list(ctx.call()?, include_disabled, &args).await?;
        let count =
            counted(
                move |call| async move { service::partner::count(&call, include_disabled).await },
            );
        Ok(ApiClientConnection { page: nodes(found), count })
    }

    /// One API client; null when there is none of this id. For those who manage partners.
    async fn api_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] id: Gid<ClientId>,
    ) -> Result<Option<ApiClient>> {
        let mut found = service::partner::get_many(ctx.call()?, &[id.0]).await?;
        Ok(found.pop().map(ApiClient))
    }
}
