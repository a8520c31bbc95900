//! Which providers there are, and how each is opened with a tenant's credentials.

use std::sync::Arc;

use entity::payment::Provider;

use super::{PaymentProvider, bank_api, breaker::Breakers, demo::Demo, http::Http, mpesa, stripe};
use crate::{
    clock::Clock,
    config::ProviderUrls,
    ctx::Ctx,
    error::{Error, Result},
    refusal::Refusal,
};

/// What all providers share in this process; cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    reached: Option<(Http, ProviderUrls)>,
    /// Whether pretended payments may be made here.
    demo: bool,
    breakers: Breakers,
}

impl Registry {
    pub fn new(demo: bool, urls: ProviderUrls, clock: Arc<dyn Clock>) -> Result<Self> {
        let http = Http::new()?.with_clock(clock);
        Ok(Self { reached: Some((http, urls)), demo, breakers: Breakers::default() })
    }

    /// Whether a tenant can use it without an account of its own.
    pub fn is_open_to_all(&self, kind: Provider) -> bool {
        match kind {
            Provider::Demo => self.demo,
            // Staff and the ledger need no company in between.
            Provider::Cash | Provider::Wallet => true,
            Provider::Stripe | Provider::Mpesa | Provider::BankApi => false,
        }
    }

    /// The way to a provider with a tenant's credentials: the one place that knows them all.
    pub fn open(
        &self,
        ctx: &Ctx,
        kind: Provider,
        credentials: &serde_json::Value,
    ) -> Result<Arc<dyn PaymentProvider>> {
        let clock = &ctx.app.clock;
        let (http, urls) = self.reached.clone().ok_or_else(|| Error::internal("no HTTP client"))?;
        let inner: Arc<dyn PaymentProvider> = match kind {
            Provider::Demo if self.demo => Arc::new(Demo::new(Arc::clone(clock))),
            Provider::Demo => return Err(Refusal::ProviderNotOffered.into()),
            Provider::Stripe => stripe::open(http, &urls.stripe, credentials)?,
            Provider::Mpesa => {
                let tokens = ctx.app.tokens.clone();
                let own = || mpesa::default_url(credentials).map(ToOwned::to_owned);
                let url = urls.mpesa.map_or_else(own, Ok)?;
                mpesa::open(http, &url, credentials, tokens, Arc::clone(clock))?
            }
            Provider::BankApi => bank_api::open(http, &urls.bank_api, credentials)?,
            Provider::Cash | Provider::Wallet => {
                return Err(Error::internal("nobody is called for cash and wallets"));
            }
        };
        Ok(self.breakers.around(ctx.tenant, inner, Arc::clone(clock)))
    }
}
