//! Where payment providers are reached.

use super::{ConfigError, settings::Settings, url, value::Environment};
use crate::payment::provider::{bank_api, stripe};

/// Their APIs, without a slash at the end. In development the sandboxes of those that have one at another address.
#[derive(Clone, Debug)]
pub struct ProviderUrls {
    pub stripe: String,
    /// None: production or sandbox, as each tenant's credentials say.
    pub mpesa: Option<String>,
    pub bank_api: String,
}

impl ProviderUrls {
    pub(super) fn read(settings: &Settings, env: Environment) -> Result<Self, ConfigError> {
        let bank = match env {
            Environment::Production => bank_api::LIVE,
            Environment::Development => bank_api::SANDBOX,
        };
        let read = |key, own: &str| Ok(settings.get(key, url::public)?.unwrap_or(own.to_owned()));
        Ok(Self {
            stripe: read("stripe_url", stripe::URL)?,
            mpesa: settings.optional("mpesa_url", None, url::public)?,
            bank_api: read("bank_api_url", bank)?,
        })
    }
}
