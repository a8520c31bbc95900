//! Any object by its global id.

use async_graphql::{Context, ID, Interface, Object};
use entity::{
    Id, customer::CustomerId, rental::RentalId, station::StationId, tariff::TariffId, vehicle::VehicleId,
    vehicle_type::VehicleTypeId,
};
use service::error::Invalid;

use super::{
    customer::Customer, rental::Rental, station::Station, tariff::Tariff, vehicle::Vehicle, vehicle_type::VehicleType,
};
use crate::{
    context::Call,
    error::{Error, Result},
};

const MOST: usize = 100;

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id: its kind, `_`, and 32 hexadecimal digits."))]
pub enum Node {
    Station(Station),
    VehicleType(VehicleType),
    Vehicle(Vehicle),
    Customer(Customer),
    Tariff(Tariff),
    Rental(Rental),
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id; null when there is none that you may see.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "A global id.")] id: ID) -> Result<Option<Node>> {
        find(ctx, &id, "id").await
    }

    /// The objects with these ids, in their order; null for each that there is not, or that you may not see.
    #[graphql(complexity = "ids.len() * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 global ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > MOST {
            return Err(service::Error::from(Invalid::new("ids", format!("must be at most {MOST}"))).into());
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in &ids {
            found.push(find(ctx, id, "ids").await?);
        }
        Ok(found)
    }
}

async fn find(ctx: &Context<'_>, id: &str, field: &str) -> Result<Option<Node>> {
    let unknown = || Error::from(service::Error::from(Invalid::new(field, "is not a global id")));
    let call = ctx.call()?;
    let kind = id.rsplit_once('_').map_or("", |(kind, _)| kind);
    let found = match kind {
        StationId::PREFIX => service::station::get(call, typed(id).ok_or_else(unknown)?).await.map(|m| Node::Station(Station(m))),
        VehicleTypeId::PREFIX => {
            service::vehicle_type::get(call, typed(id).ok_or_else(unknown)?).await.map(|m| Node::VehicleType(VehicleType(m)))
        }
        VehicleId::PREFIX => service::vehicle::get(call, typed(id).ok_or_else(unknown)?).await.map(|m| Node::Vehicle(Vehicle(m))),
        CustomerId::PREFIX => {
            service::customer::get(call, typed(id).ok_or_else(unknown)?).await.map(|m| Node::Customer(Customer(m)))
        }
        TariffId::PREFIX => service::tariff::get(call, typed(id).ok_or_else(unknown)?).await.map(|m| Node::Tariff(Tariff(m))),
        RentalId::PREFIX => service::rental::get(call, typed(id).ok_or_else(unknown)?).await.map(|m| Node::Rental(Rental(m))),
        _ => return Err(unknown()),
    };
    match found {
        Ok(node) => Ok(Some(node)),
        Err(service::Error::NotFound(_) | service::Error::Forbidden) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

fn typed<I: Id>(id: &str) -> Option<I> {
    id.parse().ok()
}
