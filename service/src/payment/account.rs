//! A tenant's accounts with providers: what it offers its customers, and the way in.

use entity::{
    money::Money,
    payment::Provider,
    provider_account::{Column, Entity, Model},
};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};
use std::sync::Arc;

use super::provider::PaymentProvider;
use crate::{
    ctx::Ctx,
    error::{Error, Result},
    refusal::Refusal,
    write::Tx,
};

pub(super) const SEAL: &str = "provider_account";

/// The way to a provider, with the tenant's credentials.
pub(super) async fn provider(ctx: &Ctx, kind: Provider) -> Result<Arc<dyn PaymentProvider>> {
    let credentials = match find(ctx, ctx.reader(), kind).await? {
        Some(account) => opened(ctx, &account)?,
        None if ctx.app.providers.is_open_to_all(kind) => serde_json::Value::Null,
        None => return Err(Refusal::ProviderNotOffered.into()),
    };
    ctx.app.providers.open(ctx.tenant, kind, &credentials, &ctx.app.clock)
}

/// Refused unless the tenant takes this amount by this provider.
pub(super) async fn offers(tx: &Tx, kind: Provider, amount: Money) -> Result<()> {
    let Some(account) = find(tx.ctx(), &**tx, kind).await? else {
        return match tx.ctx().app.providers.is_open_to_all(kind) {
            true => Ok(()),
            false => Err(Refusal::ProviderNotOffered.into()),
        };
    };
    let offer = match account.disabled_at {
        None => account.offer(amount.currency()),
        Some(_) => None,
    };
    let offer = offer.ok_or(Refusal::ProviderNotOffered)?;
    if offer.takes(amount) {
        return Ok(());
    }
    let most = offer.max_minor.map(|max| Money::new(max, offer.currency).amount());
    let least = Money::new(offer.min_minor, offer.currency).amount();
    let limits = most.map_or(format!("from {least}"), |most| format!("from {least} to {most}"));
    Err(Refusal::AmountNotOffered { limits }.into())
}

async fn find(ctx: &Ctx, db: &impl ConnectionTrait, kind: Provider) -> Result<Option<Model>> {
    Ok(Entity::of(ctx.tenant).filter(Column::Provider.eq(kind)).one(db).await?)
}

pub(super) fn opened(ctx: &Ctx, account: &Model) -> Result<serde_json::Value> {
    let text = ctx.app.keys.decrypt(SEAL, &account.sealed_credentials)?;
    serde_json::from_slice(&text).map_err(Error::internal)
}
