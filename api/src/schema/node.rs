//! Any object by its global id.

use std::collections::HashMap;

use async_graphql::{Context, ID, Interface, Object};
use entity::{
    Id, api_client::ClientId, api_key::KeyId, audit::AuditEntryId, customer::CustomerId,
    manifest::ManifestId, receipt::ReceiptId, rental::RentalId, station::StationId,
    tariff::TariffId, vehicle::VehicleId, vehicle_event::VehicleEventId,
    vehicle_type::VehicleTypeId,
};
use entity::{tenant::TenantId, user::UserId};
use service::{ctx::Ctx, error::Invalid};

use super::{
    audit::AuditEntry,
    customer::Customer,
    partner::{ApiClient, ApiKey, OperationManifest},
    receipt::Receipt,
    rental::Rental,
    station::Station,
    tariff::Tariff,
    tenant::Tenant,
    user::User,
    vehicle::{Vehicle, VehicleEvent},
    vehicle_type::VehicleType,
};
use crate::{
    context::Call,
    error::{Error, Result},
};

const MOST: usize = 100;

/// An object with a global id.
#[derive(Clone, Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Global id: its kind, `_`, and 32 hexadecimal digits."
))]
pub enum Node {
    Station(Station),
    VehicleType(VehicleType),
    Vehicle(Vehicle),
    Customer(Customer),
    Tariff(Tariff),
    Rental(Rental),
    User(User),
    Tenant(Tenant),
    AuditEntry(AuditEntry),
    ApiClient(ApiClient),
    ApiKey(ApiKey),
    OperationManifest(OperationManifest),
    VehicleEvent(VehicleEvent),
    Receipt(Receipt),
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id; null when there is none that you may see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id.")] id: ID,
    ) -> Result<Option<Node>> {
        Ok(find(ctx.call()?, &[id], "id").await?.pop().flatten())
    }

    /// The objects with these ids, in their order; null for each that there is not, or that you may not see.
    #[graphql(complexity = "ids.len() * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 global ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST {
            return Err(service::Error::from(Invalid::new(
                "ids",
                format!("must be at most {MOST}"),
            ))
            .into());
        }
        find(ctx.call()?, &ids, "ids").await
    }
}

/// One statement for each kind among the ids, and their order kept.
async fn find(call: &Ctx, ids: &[ID], field: &str) -> Result<Vec<Option<Node>>> {
    let unknown = || Error::from(service::Error::from(Invalid::new(field, "is not a global id")));
    let mut found: HashMap<String, Node> = HashMap::new();
    let mut kinds: Vec<&str> =
        ids.iter().filter_map(|id| id.rsplit_once('_')).map(|(kind, _)| kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    macro_rules! of_kind {
        ($kind:expr, $id:ty, $($feature:ident)::+, $node:ident) => {{
            let of_kind =
                ids.iter().filter(|id| id.rsplit_once('_').is_some_and(|(kind, _)| kind == $kind));
            let typed = of_kind.map(|id| id.parse::<$id>()).collect::<Result<Vec<_>, _>>();
            let rows =
                seen(service::$($feature)::+::get_many(call, &typed.map_err(|_| unknown())?).await)?;
            found.extend(rows.into_iter().map(|row| (row.id.to_string(), Node::$node(row.into()))));
        }};
    }
    for kind in kinds {
        match kind {
            StationId::PREFIX => of_kind!(kind, StationId, station, Station),
            VehicleTypeId::PREFIX => of_kind!(kind, VehicleTypeId, vehicle_type, VehicleType),
            VehicleId::PREFIX => of_kind!(kind, VehicleId, vehicle, Vehicle),
            CustomerId::PREFIX => of_kind!(kind, CustomerId, customer, Customer),
            TariffId::PREFIX => of_kind!(kind, TariffId, tariff, Tariff),
            RentalId::PREFIX => of_kind!(kind, RentalId, rental, Rental),
            UserId::PREFIX => of_kind!(kind, UserId, user, User),
            TenantId::PREFIX => of_kind!(kind, TenantId, tenant, Tenant),
            ClientId::PREFIX => of_kind!(kind, ClientId, partner, ApiClient),
            KeyId::PREFIX => of_kind!(kind, KeyId, partner::key, ApiKey),
            ManifestId::PREFIX => {
                of_kind!(kind, ManifestId, partner::manifest, OperationManifest)
            }
            AuditEntryId::PREFIX => of_kind!(kind, AuditEntryId, audit, AuditEntry),
            VehicleEventId::PREFIX => {
                of_kind!(kind, VehicleEventId, vehicle::history, VehicleEvent)
            }
            ReceiptId::PREFIX => of_kind!(kind, ReceiptId, receipt, Receipt),
            _ => return Err(unknown()),
        }
    }
    if ids.iter().any(|id| !id.contains('_')) {
        return Err(unknown());
    }
    Ok(ids.iter().map(|id| found.get(id.as_str()).cloned()).collect())
}

/// What somebody may not see is as if it were not there.
fn seen<T>(rows: service::Result<Vec<T>>) -> Result<Vec<T>> {
    match rows {
        Err(service::Error::Forbidden) => Ok(Vec::new()),
        rows => Ok(rows?),
    }
}
