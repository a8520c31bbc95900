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
pub mod place;
pub mod rental;
pub mod scalar;
pub mod station;
pub mod tariff;
pub mod tenant;
pub mod user;
pub mod vehicle;
pub mod vehicle_type;

use async_graphql::{MaybeUndefined, MergedObject, MergedSubscription, SDLExportOptions, Schema};
use service::ctx::App;

use crate::graphql::errors::ErrorCodes;

/// Deep enough for the introspection that GraphiQL sends.
const DEPTH: usize = 16;
const COMPLEXITY: usize = 25_000;

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
    user::UserQuery,
    user::invitation::InvitationQuery,
    tenant::TenantQuery,
    audit::AuditQuery,
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

/// The schema over a running platform.
pub fn build(app: App) -> AppSchema {
    builder().data(app).finish()
}

/// The schema as text, as it is committed in `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .extension(ErrorCodes)
        .extension(loader::FreshLoaders)
        .limit_depth(DEPTH)
        .limit_complexity(COMPLEXITY)
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
