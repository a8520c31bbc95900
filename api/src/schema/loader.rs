//! Relations, one statement for all of a kind: loaded by ids, under the caller's tenant, for one request or event.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Data, Response,
    dataloader::{DataLoader, Loader},
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use entity::{
    customer, payment::PaymentId, price_line, receipt, refund::RefundId, rental, station, tariff,
    vehicle, vehicle_type,
};
use service::ctx::Ctx;

use crate::error::Error;

pub struct Batch(Ctx);

macro_rules! by_ids {
    ($($id:ty => $model:ty, $load:path;)*) => {
        $(impl Loader<$id> for Batch {
            type Value = $model;
            type Error = Error;

            async fn load(&self, ids: &[$id]) -> Result<HashMap<$id, $model>, Error> {
                Ok($load(&self.0, ids).await?)
            }
        })*
    };
}

by_ids! {
    station::StationId => station::Model, service::station::by_ids;
    vehicle::VehicleId => vehicle::Model, service::vehicle::by_ids;
    vehicle_type::VehicleTypeId => vehicle_type::Model, service::vehicle_type::by_ids;
    customer::CustomerId => customer::Model, service::customer::by_ids;
    tariff::TariffId => tariff::Model, service::tariff::by_ids;
    rental::RentalId => rental::Model, service::rental::by_ids;
}

/// The lines of one rental's price.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinesOf(pub rental::RentalId);

impl Loader<LinesOf> for Batch {
    type Value = Vec<price_line::Model>;
    type Error = Error;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, Error> {
        let ids: Vec<_> = keys.iter().map(|LinesOf(id)| *id).collect();
        let lines = service::rental::lines_of(&self.0, &ids).await?;
        Ok(lines.into_iter().map(|(id, lines)| (LinesOf(id), lines)).collect())
    }
}

/// The open rental on one vehicle.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpenOn(pub vehicle::VehicleId);

impl Loader<OpenOn> for Batch {
    type Value = rental::Model;
    type Error = Error;

    async fn load(&self, keys: &[OpenOn]) -> Result<HashMap<OpenOn, rental::Model>, Error> {
        let ids: Vec<_> = keys.iter().map(|OpenOn(id)| *id).collect();
        let open = service::rental::open_by_vehicles(&self.0, &ids).await?;
        Ok(open.into_iter().map(|(id, rental)| (OpenOn(id), rental)).collect())
    }
}

/// A payment's own receipt.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReceiptOf(pub PaymentId);

impl Loader<ReceiptOf> for Batch {
    type Value = receipt::Model;
    type Error = Error;

    async fn load(&self, keys: &[ReceiptOf]) -> Result<HashMap<ReceiptOf, Self::Value>, Error> {
        let ids: Vec<_> = keys.iter().map(|ReceiptOf(id)| *id).collect();
        let receipts = service::receipt::by_payments(&self.0, &ids).await?;
        Ok(receipts.into_iter().map(|(id, receipt)| (ReceiptOf(id), receipt)).collect())
    }
}

/// A refund's receipt.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReceiptOfRefund(pub RefundId);

impl Loader<ReceiptOfRefund> for Batch {
    type Value = receipt::Model;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ReceiptOfRefund],
    ) -> Result<HashMap<ReceiptOfRefund, Self::Value>, Error> {
        let ids: Vec<_> = keys.iter().map(|ReceiptOfRefund(id)| *id).collect();
        let receipts = service::receipt::by_refunds(&self.0, &ids).await?;
        Ok(receipts.into_iter().map(|(id, receipt)| (ReceiptOfRefund(id), receipt)).collect())
    }
}

/// Gives every execution loaders of its own: a subscription executes once for each event, so that none sees an older one's answer.
pub struct FreshLoaders;

impl ExtensionFactory for FreshLoaders {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for FreshLoaders {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let Some(call) = ctx.data_opt::<Ctx>() else { return next.run(ctx, operation).await };
        let mut data = Data::default();
        data.insert(DataLoader::new(Batch(call.clone()), tokio::spawn));
        next.run_with_data(ctx, operation, data).await
    }
}
