//! Where payment providers are reached.

use super::{ConfigError, settings::Settings, url, value::Environment};
use crate::payment::provider::{bank_api, mpesa, stripe};

/// Their APIs, without a slash at the end. In development the sandboxes of those that have one at another address.
#[derive(Clone, Debug)]
pub struct ProviderUrls {
    pub stripe: String,
    pub mpesa: String,
    pub bank_api: String,
}

impl ProviderUrls {
    pub(super) fn read(settings: &Settings, env: Environment) -> Result<Self, ConfigError> {
        let own = Self::of(env);
        let read = |key, own| Ok(settings.get(key, url::public)?.unwrap_or(own));
        Ok(Self {
            stripe: read("stripe_url", own.stripe)?,
            mpesa: read("mpesa_url", own.mpesa)?,
            bank_api: read("bank_api_url", own.bank_api)?,
        })
    }

    /// Their own.
    pub fn of(env: Environment) -> Self {
        let (mpesa, bank_api) = match env {
            Environment::Production => (mpesa::PRODUCTION_URL, bank_api::LIVE),
            Environment::Development => (mpesa::SANDBOX_URL, bank_api::SANDBOX),
        };
        let owned = str::to_owned;
        Self { stripe: owned(stripe::URL), mpesa: owned(mpesa), bank_api: owned(bank_api) }
    }
}
