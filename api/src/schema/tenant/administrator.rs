//! What the platform's administrators do with tenants, as they see it.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use entity::{money::Currency, tenant::TenantId};
use service::{
    error::Invalid,
    tenant::{
        CreateTenant,
        administrator::{self, Filter},
    },
    user::contact::Contact,
};

use super::Tenant;
use crate::{
    context::Call,
    error::Result,
    schema::{
        connection::{SortDirection, connection, counted, nodes, page},
        outcome::payload,
        scalar::Gid,
        with,
    },
};

connection!(TenantConnection, TenantEdge, Tenant, "tenants");

/// Which tenants.
#[derive(Default, InputObject)]
pub struct TenantFilter {
    /// Suspended ones, or the others.
    suspended: Option<bool>,
    /// Whose name or slug begins with this, in any case.
    search: Option<String>,
}

#[derive(Default)]
pub struct AdministratorQuery;

#[Object]
impl AdministratorQuery {
    /// All tenants by name. For the platform's administrators.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn tenants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only tenants that match.")] filter: Option<TenantFilter>,
        #[graphql(desc = "Which way by name.")] direction: Option<SortDirection>,
    ) -> Result<TenantConnection> {
        let platform = ctx.call()?.platform()?;
        let TenantFilter { suspended, search } = filter.unwrap_or_default();
        let (filter, args) =
            (Arc::new(Filter { suspended, search }), page(first, after, last, before));
        let direction = direction.unwrap_or_default().into();
        let found = administrator::list(&platform, &filter, direction, &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { administrator::count(&call.platform()?, &filter).await }
        });
        Ok(TenantConnection { page: nodes(found), count })
    }
}

/// A new tenant.
#[derive(InputObject)]
pub struct CreateTenantInput {
    /// What people will type to sign in: 2 to 40 lower-case letters, digits or hyphens.
    slug: String,
    /// 1 to 200 characters.
    name: String,
    /// IANA name, such as `Africa/Nairobi`.
    time_zone: String,
    /// ISO 4217, such as `KES`.
    currency: String,
    /// Whether anyone may see stations and their availability.
    #[graphql(default = true)]
    publishes_board: bool,
    /// Who is invited to be its first owner; nobody when not given.
    owner_email: Option<String>,
}

impl CreateTenantInput {
    fn read(self) -> service::Result<(CreateTenant, Option<Contact>)> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|_| Invalid::new("currency", "must be an ISO 4217 code, such as KES"))?;
        let owner = match self.owner_email.as_deref() {
            Some(email) => Some(Contact::read(Some(email), None).map_err(|_| {
                service::Error::from(Invalid::new("ownerEmail", "is not an e-mail address"))
            })?),
            None => None,
        };
        let CreateTenantInput { slug, name, time_zone, publishes_board, .. } = self;
        Ok((CreateTenant { slug, name, time_zone, currency, publishes_board }, owner))
    }
}

/// A tenant in which nobody is to call.
#[derive(InputObject)]
pub struct SuspendTenantInput {
    /// Which.
    tenant_id: Gid<TenantId>,
}

/// A suspended tenant.
#[derive(InputObject)]
pub struct ResumeTenantInput {
    /// Which.
    tenant_id: Gid<TenantId>,
}

payload!(
    /// What `createTenant` answers.
    CreateTenantPayload {
        /// The new tenant; null when refused.
        tenant: Tenant
    }
);
payload!(
    /// What `suspendTenant` answers.
    SuspendTenantPayload {
        /// The suspended tenant; null when refused.
        tenant: Tenant
    }
);
payload!(
    /// What `resumeTenant` answers.
    ResumeTenantPayload {
        /// The tenant, in which everybody may call again; null when refused.
        tenant: Tenant
    }
);

#[derive(Default)]
pub struct AdministratorMutation;

#[Object]
impl AdministratorMutation {
    /// Makes a tenant, and invites its first owner. For the platform's administrators.
    async fn create_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new tenant.")] input: CreateTenantInput,
    ) -> Result<CreateTenantPayload> {
        let platform = ctx.call()?.platform()?;
        let created = with(input.read(), |(tenant, owner)| async move {
            administrator::create(&platform, tenant, owner).await
        });
        CreateTenantPayload::from_outcome(created.await)
    }

    /// Lets nobody call in a tenant any more: `TENANT_SUSPENDED`, and its websockets are closed with 4403. Nothing is lost,
    /// and open rentals stay open. For the platform's administrators.
    async fn suspend_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: SuspendTenantInput,
    ) -> Result<SuspendTenantPayload> {
        let platform = ctx.call()?.platform()?;
        let done = administrator::suspend(&platform, input.tenant_id.0).await;
        SuspendTenantPayload::from_outcome(done)
    }

    /// Lets everybody call again. For the platform's administrators.
    async fn resume_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ResumeTenantInput,
    ) -> Result<ResumeTenantPayload> {
        let platform = ctx.call()?.platform()?;
        let done = administrator::resume(&platform, input.tenant_id.0).await;
        ResumeTenantPayload::from_outcome(done)
    }
}
