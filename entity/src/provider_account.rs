//! A tenant's account with a payment provider: what it offers its customers there, and the keys to it.

use chrono::{DateTime, Utc};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    money::{Currency, Money},
    payment::Provider,
    tenant::TenantId,
};

id_type!(ProviderAccountId, "provider_account");

/// Payments of one currency, from and to an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub currency: Currency,
    pub min_minor: i64,
    /// None: no limit of ours.
    pub max_minor: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Offers(pub Vec<Offer>);

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "provider_account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProviderAccountId,
    pub provider: Provider,
    #[sea_orm(column_type = "JsonBinary")]
    pub offers: Offers,
    /// JSON that the provider's own code reads, sealed.
    #[serde(skip)]
    pub sealed_credentials: Vec<u8>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

of_tenant!();

impl Model {
    /// What it offers for this amount's currency.
    pub fn offer(&self, currency: Currency) -> Option<&Offer> {
        self.offers.0.iter().find(|offer| offer.currency == currency)
    }
}

impl Offer {
    pub fn takes(&self, amount: Money) -> bool {
        amount.currency() == self.currency
            && amount.minor() >= self.min_minor
            && self.max_minor.is_none_or(|max| amount.minor() <= max)
    }
}
