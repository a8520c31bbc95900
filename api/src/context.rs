//! What every resolver finds at hand: the call, and the loaders of this one request or event.

use async_graphql::{Context, dataloader::DataLoader};
use service::ctx::Ctx;

use crate::{
    error::{Error, Result},
    schema::loader::Batch,
};

pub trait Call {
    /// Who asks, for which fleet.
    fn call(&self) -> Result<&Ctx>;

    /// Batches the relations of this one request or event, and of no other.
    fn load(&self) -> Result<&DataLoader<Batch>>;
}

impl Call for Context<'_> {
    fn call(&self) -> Result<&Ctx> {
        self.data::<Ctx>().map_err(|_| Error::from(service::Error::Unauthenticated))
    }

    fn load(&self) -> Result<&DataLoader<Batch>> {
        self.data::<DataLoader<Batch>>()
            .map_err(|_| Error::from(service::Error::internal("no loaders in this request")))
    }
}
