//! The GraphQL schema: every feature's objects, queries, mutations and subscriptions, merged.

pub mod audience;
pub mod audit;
pub mod connection;
pub mod customer;
pub mod fleet_event;
pub mod live;
pub mod loader;
pub mod money;
pub mod node;
pub mod outcome;
pub mod partner;
pub mod place;
pub mod receipt;
pub mod rental;
pub mod scalar;
pub mod station;
pub mod tariff;
pub mod tenant;
pub mod user;
pub mod vehicle;
pub mod vehicle_type;

use std::sync::Arc;

use async_graphql::{
    Data, Executor, MaybeUndefined, MergedObject, MergedSubscription, Request, Response,
    SDLExportOptions, Schema, SchemaBuilder, ValidationMode,
};
use futures_util::{future::BoxFuture, stream::BoxStream};
use service::{
    config::{Config, Environment, QueryLimits},
    ctx::App,
};

use crate::graphql::{
    cost::Costs,
    errors::ErrorCodes,
    operation::{Registered, Variables, check::Rehearsals},
};

/// Everything that can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQuery,
    station::StationQuery,
    vehicle_type::VehicleTypeQuery,
    vehicle::VehicleQuery,
    customer::CustomerQuery,
    tariff::TariffQuery,
    rental::RentalQuery,
    receipt::ReceiptQuery,
    user::UserQuery,
    user::invitation::InvitationQuery,
    tenant::TenantQuery,
    audit::AuditQuery,
    partner::PartnerQuery,
);

/// Everything that can be done. A rule that says no is in `userErrors`.
#[derive(MergedObject, Default)]
pub struct Mutation(
    user::UserMutation,
    tenant::TenantMutation,
    station::StationMutation,
    vehicle_type::VehicleTypeMutation,
    vehicle::VehicleMutation,
    customer::CustomerMutation,
    tariff::TariffMutation,
    rental::RentalMutation,
    partner::PartnerMutation,
);

/// Everything that can be watched. Each payload has a cursor to go on from.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    station::StationSubscription,
    vehicle::VehicleSubscription,
    rental::RentalSubscription,
    fleet_event::FleetEventSubscription,
);

pub type AppSchema = Schema<Query, Mutation, Subscription>;

/// What an installation allows of a request.
#[derive(Clone, Copy)]
pub struct Terms {
    pub limits: QueryLimits,
    /// Whether everybody may know the schema, or those with the permission only.
    pub is_open: bool,
}

impl Terms {
    pub fn of(config: &Config) -> Self {
        Self { limits: config.query, is_open: config.env == Environment::Development }
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self { limits: QueryLimits::default(), is_open: true }
    }
}

/// The schema over a running platform.
pub fn build(app: App, terms: Terms) -> AppSchema {
    builder(terms).limit_complexity(terms.limits.cost).data(app).finish()
}

/// The schema without a platform: enough to look at documents.
pub fn bare() -> AppSchema {
    let terms = Terms::default();
    builder(terms).limit_complexity(terms.limits.cost).finish()
}

/// The schema, and the same again for documents that were found to be its own when they were registered: of those only
/// the variables are looked at, and what they cost.
#[derive(Clone)]
pub struct AppExecutor {
    pub(crate) checked: AppSchema,
    pub(crate) registered: AppSchema,
    pub(crate) limits: QueryLimits,
}

impl AppExecutor {
    pub fn new(app: App, terms: Terms) -> Self {
        let registered = builder(terms).validation_mode(ValidationMode::Fast).data(app.clone());
        let limits = terms.limits;
        Self { checked: build(app, terms), registered: registered.finish(), limits }
    }

    fn for_request(&self, request: &Request) -> &AppSchema {
        if Registered::of(request).is_some() { &self.registered } else { &self.checked }
    }
}

impl Executor for AppExecutor {
    fn execute(&self, request: Request) -> impl Future<Output = Response> + Send {
        execute(self.for_request(&request).clone(), request)
    }

    fn execute_stream(
        &self,
        request: Request,
        session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        Executor::execute_stream(self.for_request(&request), request, session_data)
    }
}

/// Behind a pointer, so that the futures of all resolvers are compiled here, once, and not again by all who wait for them.
pub(crate) fn execute(schema: AppSchema, request: Request) -> BoxFuture<'static, Response> {
    Box::pin(async move { schema.execute(request).await })
}

/// The schema as text, as it is committed in `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by();
    bare().sdl_with_options(options)
}

fn builder(terms: Terms) -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .extension(ErrorCodes(terms))
        .extension(Variables)
        .extension(Costs)
        .extension(Rehearsals)
        .extension(loader::FreshLoaders)
        .limit_depth(terms.limits.depth)
        .data(terms.limits)
}

/// What is left out stays (None), null empties (`Some(None)`).
fn patch<T>(field: MaybeUndefined<T>) -> Option<Option<T>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// A use case with an input that may have turned out invalid.
async fn with<I, T, Fut>(
    input: service::Result<I>,
    run: impl FnOnce(I) -> Fut,
) -> service::Result<T>
where
    Fut: Future<Output = service::Result<T>>,
{
    run(input?).await
}
