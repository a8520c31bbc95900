//! Tenants, as their people and the platform's administrators see them.

pub mod administrator;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, MergedObject, Object};
use entity::{money::Money as Amount, tenant};
use service::tenant::settings::{self, UpdateTenant};

use super::{
    money::Money,
    outcome::payload,
    scalar::{CurrencyCode, DateTime, Decimal},
};
use crate::{context::Call, error::Result};

/// An operator: a business that runs a fleet here.
#[derive(Clone)]
pub struct Tenant(pub tenant::Model);

impl From<tenant::Model> for Tenant {
    fn from(model: tenant::Model) -> Self {
        Self(model)
    }
}

/// Who may make a customer's login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "tenant::SignUp")]
pub enum SignUpPolicy {
    /// Anybody, for themselves.
    Open,
    /// Who was invited.
    ByInvitation,
    /// Nobody.
    Closed,
}

/// An operator: a business that runs a fleet here.
#[Object]
impl Tenant {
    /// Global id, `tenant_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people type to sign in.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The business's name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// IANA name; billing days are dates in this zone.
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// ISO 4217.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// Whether anyone may see stations and their availability.
    async fn publishes_board(&self) -> bool {
        self.0.publishes_board
    }

    /// A rental cancelled within this many seconds of its start costs nothing.
    async fn grace_seconds(&self) -> i32 {
        self.0.grace_seconds
    }

    /// How many vehicles one customer may have at once, where the customer has no limit of their own.
    async fn default_rental_limit(&self) -> i32 {
        self.0.rental_limit
    }

    /// Whether riders leave a tariff's collateral before they ride, where it has one.
    async fn requires_deposit(&self) -> bool {
        self.0.requires_deposit
    }

    /// Who owes more than this does not ride; null when it does not matter.
    async fn debt_limit(&self) -> Option<Money> {
        self.0.debt_limit_minor.map(|minor| Amount::new(minor, self.0.currency).into())
    }

    /// Who may make a customer's login.
    async fn sign_up(&self) -> SignUpPolicy {
        self.0.sign_up.into()
    }

    /// Whether staff may do nothing before they have a second factor.
    async fn requires_second_factor(&self) -> bool {
        self.0.requires_second_factor
    }

    /// Since when nobody may call; null while everybody may.
    async fn suspended_at(&self) -> Option<DateTime> {
        self.0.suspended_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

#[derive(Default)]
pub struct OwnTenantQuery;

#[Object]
impl OwnTenantQuery {
    /// The caller's tenant.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(settings::get(ctx.call()?).await?.into())
    }
}

/// What can be asked of tenants.
#[derive(MergedObject, Default)]
pub struct TenantQuery(OwnTenantQuery, administrator::AdministratorQuery);

/// Changes to the caller's tenant. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateTenantInput {
    /// 1 to 200 characters.
    name: Option<String>,
    /// IANA name, such as `Africa/Nairobi`.
    time_zone: Option<String>,
    /// Whether anyone may see stations and their availability.
    publishes_board: Option<bool>,
    /// 0 to 3600.
    grace_seconds: Option<i32>,
    /// How many vehicles one customer may have at once, 1 to 1000.
    default_rental_limit: Option<i32>,
    /// Whether riders leave a tariff's collateral before they ride, where it has one: see `createPayment`.
    requires_deposit: Option<bool>,
    /// Major units of the tenant's currency, 0 or more: who owes more does not ride (`DEBT_LIMIT_REACHED`). Null lets everybody
    /// ride, whatever they owe.
    debt_limit: MaybeUndefined<Decimal>,
    /// Who may make a customer's login.
    sign_up: Option<SignUpPolicy>,
    /// Takes hold of each login at its next sign-in.
    requires_second_factor: Option<bool>,
}

impl From<UpdateTenantInput> for UpdateTenant {
    fn from(input: UpdateTenantInput) -> Self {
        Self {
            name: input.name,
            time_zone: input.time_zone,
            publishes_board: input.publishes_board,
            grace_seconds: input.grace_seconds,
            rental_limit: input.default_rental_limit,
            requires_deposit: input.requires_deposit,
            debt_limit: super::patch(input.debt_limit)
                .map(|limit| limit.map(|Decimal(limit)| limit)),
            sign_up: input.sign_up.map(Into::into),
            requires_second_factor: input.requires_second_factor,
        }
    }
}

payload!(
    /// What `updateTenant` answers.
    UpdateTenantPayload {
        /// The tenant as it now is; null when refused.
        tenant: Tenant
    }
);

#[derive(Default)]
pub struct OwnTenantMutation;

#[Object]
impl OwnTenantMutation {
    /// Changes the settings of the caller's tenant. For owners and admins.
    async fn update_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateTenantInput,
    ) -> Result<UpdateTenantPayload> {
        UpdateTenantPayload::from_outcome(settings::update(ctx.call()?, input.into()).await)
    }
}

/// What can be done with tenants.
#[derive(MergedObject, Default)]
pub struct TenantMutation(OwnTenantMutation, administrator::AdministratorMutation);
