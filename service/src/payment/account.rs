//! A tenant's accounts with providers: what it offers its customers, and the way in.

use std::sync::Arc;

use entity::{
    money::Money,
    payment::Provider,
    provider_account::{Column, Entity, Model, Offer, Offers, ProviderAccountId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, IntoActiveModel, QueryFilter, QuerySelect,
};

use super::provider::{PaymentProvider, ProviderError};
use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result},
    permission::Permission,
    refusal::Refusal,
    write::{ROW, Tx},
};

pub(super) const SEAL: &str = "provider_account";

/// The way to a provider, with the tenant's credentials.
pub(super) async fn provider(ctx: &Ctx, kind: Provider) -> Result<Arc<dyn PaymentProvider>> {
    let credentials = match find(ctx, ctx.reader(), kind).await? {
        Some(account) => opened(ctx, &account)?,
        None if ctx.app.providers.is_open_to_all(kind) => serde_json::Value::Null,
        None => return Err(Refusal::ProviderNotOffered.into()),
    };
    ctx.app.providers.open(ctx, kind, &credentials)
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

fn opened(ctx: &Ctx, account: &Model) -> Result<serde_json::Value> {
    if account.sealed_credentials.is_empty() {
        return Ok(serde_json::Value::Null);
    }
    let text = ctx.app.keys.decrypt(SEAL, &account.sealed_credentials)?;
    serde_json::from_slice(&text).map_err(Error::internal)
}

/// What a tenant wants to offer by a provider. What is None stays as it is.
#[derive(Clone)]
pub struct SetProvider {
    pub provider: Provider,
    pub offers: Option<Vec<Offer>>,
    pub credentials: Option<serde_json::Value>,
    pub enabled: Option<bool>,
}

/// The tenant's accounts, in the order of the providers.
pub async fn list(ctx: &Ctx) -> Result<Vec<Model>> {
    ctx.require(Permission::ManageProviders)?;
    let mut found = Entity::of(ctx.tenant).all(ctx.reader()).await?;
    found.sort_by_key(|account| account.provider);
    Ok(found)
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[ProviderAccountId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ManageProviders)?;
    let found = Entity::of(ctx.tenant).filter(Column::Id.is_in(ids.iter().copied()));
    Ok(found.all(ctx.reader()).await?)
}

/// Makes or changes the tenant's account with a provider. Credentials that cannot be read are refused, and where
/// the provider is told by a call where its messages go, those that it does not accept.
pub async fn set(ctx: &Ctx, input: SetProvider) -> Result<Model> {
    ctx.require(Permission::ManageProviders)?;
    if let Some(offers) = &input.offers {
        check(offers)?;
    }
    let needs_none = matches!(input.provider, Provider::Demo | Provider::Cash | Provider::Wallet);
    if let Some(credentials) = &input.credentials
        && !needs_none
    {
        listen(ctx, input.provider, credentials).await?;
    }
    if input.provider == Provider::Demo && !ctx.app.providers.is_open_to_all(Provider::Demo) {
        return Err(Invalid::new("provider", "pretends: not in production").into());
    }
    let input = &input;
    ctx.write(|tx| async move {
        let before = lock(&tx, input.provider).await?;
        let mut after = before.clone().unwrap_or_else(|| fresh(&tx, input.provider));
        if let Some(offers) = &input.offers {
            after.offers = Offers(offers.clone());
        }
        if let Some(credentials) = &input.credentials {
            let text = serde_json::to_vec(credentials).map_err(Error::internal)?;
            after.sealed_credentials = ctx.app.keys.encrypt(SEAL, &text)?;
        } else if before.is_none() && !needs_none {
            return Err(Invalid::new("credentials", "are needed for a new account").into());
        }
        match input.enabled {
            Some(true) => after.disabled_at = None,
            Some(false) => after.disabled_at = after.disabled_at.or(Some(tx.now())),
            None => {}
        }
        after.updated_at = tx.now();
        let row = after.into_active_model().reset_all();
        let after = match &before {
            Some(_) => row.update(&*tx).await?,
            None => row.insert(&*tx).await?,
        };
        tx.audit("provider_account.set", before.as_ref(), Some(&after))?;
        Ok(after)
    })
    .await
}

/// Reads the credentials, and tells the provider where its messages go, where that is told by a call.
async fn listen(ctx: &Ctx, kind: Provider, credentials: &serde_json::Value) -> Result<()> {
    let provider = ctx.app.providers.open(ctx, kind, credentials)?;
    let Some(url) = super::webhook::url(ctx, kind) else { return Ok(()) };
    match provider.listen(&url).await {
        Ok(()) | Err(ProviderError::Unsupported) => Ok(()),
        Err(ProviderError::Credentials) => {
            Err(Invalid::new("credentials", "the provider does not accept them").into())
        }
        Err(ProviderError::Refused(decline)) => {
            Err(Invalid::new("credentials", decline.message).into())
        }
        Err(error) => Err(Error::Unavailable(error.into())),
    }
}

async fn lock(tx: &Tx, kind: Provider) -> Result<Option<Model>> {
    let found = Entity::of(tx.tenant()).filter(Column::Provider.eq(kind));
    Ok(found.lock(ROW).one(&**tx).await?)
}

fn fresh(tx: &Tx, provider: Provider) -> Model {
    Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        provider,
        offers: Offers::default(),
        sealed_credentials: Vec::new(),
        disabled_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    }
}

fn check(offers: &[Offer]) -> Result<()> {
    for (at, offer) in offers.iter().enumerate() {
        let at = |field: &str| vec!["offers".to_owned(), at.to_string(), field.to_owned()];
        if offers.iter().filter(|other| other.currency == offer.currency).count() > 1 {
            return Err(Invalid::at(at("currency"), "stands there twice").into());
        }
        if offer.min_minor <= 0 {
            return Err(Invalid::at(at("min"), "must be more than 0").into());
        }
        if offer.max_minor.is_some_and(|max| max < offer.min_minor) {
            return Err(Invalid::at(at("max"), "must not be less than min").into());
        }
    }
    Ok(())
}
