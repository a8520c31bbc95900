//! A tenant's accounts with payment providers.

use async_graphql::{Context, ID, InputObject, Json, Object, SimpleObject};
use entity::{money::Money as Amount, provider_account};
use service::{
    error::Invalid,
    payment::account::{self, SetProvider},
};

use super::PaymentProvider;
use crate::{
    context::Call,
    error::Result,
    schema::{
        money::Money,
        outcome::payload,
        scalar::{CurrencyCode, DateTime, Decimal},
        with,
    },
};

/// A tenant's account with a payment provider.
#[derive(Clone)]
pub struct ProviderAccount(pub provider_account::Model);

impl From<provider_account::Model> for ProviderAccount {
    fn from(model: provider_account::Model) -> Self {
        Self(model)
    }
}

/// Payments of one currency that a tenant takes by a provider.
#[derive(SimpleObject)]
pub struct ProviderOffer {
    /// ISO 4217.
    currency: CurrencyCode,
    /// The least that one payment may be.
    min: Money,
    /// The most that one payment may be; null when there is no limit but the provider's.
    max: Option<Money>,
}

/// A tenant's account with a payment provider. Its credentials are never shown.
#[Object]
impl ProviderAccount {
    /// Global id, `provider_account_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Which provider.
    async fn provider(&self) -> PaymentProvider {
        self.0.provider.into()
    }

    /// What customers may pay with it; empty offers nothing.
    async fn offers(&self) -> Vec<ProviderOffer> {
        let offer = |offer: &provider_account::Offer| ProviderOffer {
            currency: CurrencyCode(offer.currency),
            min: Amount::new(offer.min_minor, offer.currency).into(),
            max: offer.max_minor.map(|max| Amount::new(max, offer.currency).into()),
        };
        self.0.offers.0.iter().map(offer).collect()
    }

    /// Whether credentials are kept for it.
    async fn has_credentials(&self) -> bool {
        !self.0.sealed_credentials.is_empty()
    }

    /// Where the provider is to send its messages; null when it sends none. A secret: whoever has it can write there.
    async fn webhook_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(service::payment::webhook::url(ctx.call()?, self.0.provider))
    }

    /// Since when no new payments are taken; null while they are.
    async fn disabled_at(&self) -> Option<DateTime> {
        self.0.disabled_at.map(DateTime)
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// Payments of one currency to take by a provider.
#[derive(InputObject)]
pub struct ProviderOfferInput {
    /// ISO 4217.
    currency: CurrencyCode,
    /// Major units: the least that one payment may be, more than 0.
    min: Decimal,
    /// Major units: the most that one payment may be; no limit when not given.
    max: Option<Decimal>,
}

/// What to offer by a provider. What is not given stays as it is.
#[derive(InputObject)]
pub struct SetProviderAccountInput {
    /// Which provider.
    provider: PaymentProvider,
    /// All that is offered from now on; an empty list offers nothing.
    offers: Option<Vec<ProviderOfferInput>>,
    /// The provider's keys, as its page in the documentation says; needed for a new account. Kept sealed, never shown.
    credentials: Option<Json<serde_json::Value>>,
    /// Whether new payments are taken. What is under way goes on.
    enabled: Option<bool>,
}

payload!(
    /// What `setProviderAccount` answers.
    SetProviderAccountPayload {
        /// The account as it now is; null when refused.
        provider_account: ProviderAccount
    }
);

impl ProviderOfferInput {
    fn offer(&self, at: usize) -> service::Result<provider_account::Offer> {
        let CurrencyCode(currency) = self.currency;
        let minor = |field: &str, Decimal(amount): Decimal| {
            let path = vec!["offers".to_owned(), at.to_string(), field.to_owned()];
            Amount::from_amount(amount, currency)
                .map(Amount::minor)
                .map_err(|error| service::Error::from(Invalid::at(path, error)))
        };
        Ok(provider_account::Offer {
            currency,
            min_minor: minor("min", self.min)?,
            max_minor: self.max.map(|max| minor("max", max)).transpose()?,
        })
    }
}

impl SetProviderAccountInput {
    fn input(self) -> service::Result<SetProvider> {
        let offers = self.offers.map(|offers| {
            offers.iter().enumerate().map(|(at, offer)| offer.offer(at)).collect::<Result<_, _>>()
        });
        Ok(SetProvider {
            provider: self.provider.into(),
            offers: offers.transpose()?,
            credentials: self.credentials.map(|Json(credentials)| credentials),
            enabled: self.enabled,
        })
    }
}

#[derive(Default)]
pub struct ProviderAccountQuery;

#[Object]
impl ProviderAccountQuery {
    /// The tenant's accounts with payment providers. For owners and admins.
    async fn provider_accounts(&self, ctx: &Context<'_>) -> Result<Vec<ProviderAccount>> {
        Ok(account::list(ctx.call()?).await?.into_iter().map(ProviderAccount).collect())
    }
}

#[derive(Default)]
pub struct ProviderAccountMutation;

#[Object]
impl ProviderAccountMutation {
    /// Makes or changes the tenant's account with a payment provider. For owners and admins.
    async fn set_provider_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which provider, and what to offer by it.")]
        input: SetProviderAccountInput,
    ) -> Result<SetProviderAccountPayload> {
        let call = ctx.call()?;
        SetProviderAccountPayload::from_outcome(
            with(input.input(), |wanted| account::set(call, wanted)).await,
        )
    }
}
