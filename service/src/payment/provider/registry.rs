//! Which providers there are, and how each is opened with a tenant's credentials.

use std::sync::Arc;

use entity::{payment::Provider, tenant::TenantId};

use super::{PaymentProvider, breaker::Breakers, demo::Demo, http::Http};
use crate::{
    clock::Clock,
    error::{Error, Invalid, Result},
};

/// What all providers share in this process; cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    http: Option<Http>,
    /// Whether pretended payments may be made here.
    demo: bool,
    breakers: Breakers,
}

impl Registry {
    pub fn new(demo: bool) -> Result<Self> {
        Ok(Self { http: Some(Http::new()?), demo, breakers: Breakers::default() })
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

    /// The one place that knows them all.
    pub fn open(
        &self,
        tenant: TenantId,
        kind: Provider,
        _credentials: &serde_json::Value,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn PaymentProvider>> {
        let _http = self.http.as_ref().ok_or_else(|| Error::internal("no HTTP client"))?;
        let inner: Arc<dyn PaymentProvider> = match kind {
            Provider::Demo if self.demo => Arc::new(Demo::new(Arc::clone(clock))),
            Provider::Demo => {
                return Err(Invalid::new("provider", "pretends: not in production").into());
            }
            Provider::Stripe | Provider::Mpesa | Provider::BankApi => {
                return Err(Invalid::new("provider", "is not there yet").into());
            }
            Provider::Cash | Provider::Wallet => {
                return Err(Error::internal("nobody is called for cash and wallets"));
            }
        };
        Ok(self.breakers.around(tenant, inner, Arc::clone(clock)))
    }
}
