//! Turns a token, or the name of a tenant, into a call.

use std::{sync::Arc, time::Duration};

use async_graphql::Request;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use service::{
    ctx::{Actor, App, Ctx},
    entity::tenant::TenantId,
    limit::{self, Bucket},
    origin::Origin,
    partner::key,
    tenant,
    user::token,
};

use crate::{
    error::Error,
    graphql::{cost::Payer, operation::store::Operations, request_id::RequestId},
    realtime::{
        limits::Owner,
        revocation::Tie,
        session::{Refused, Session, Sessions, Shown},
    },
};

const MINUTE: Duration = Duration::from_secs(60);

pub struct AppSessions {
    pub app: App,
    /// For anonymous callers who name no tenant.
    pub default_tenant: Option<String>,
    pub rates: Rates,
    pub operations: Operations,
}

/// How many requests within a minute, over all nodes. None is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    pub for_address: Option<u32>,
    pub for_user: Option<u32>,
    pub for_tenant: Option<u32>,
}

#[async_trait]
impl Sessions for AppSessions {
    async fn open(&self, shown: Shown<'_>, origin: Origin) -> Result<Session, Refused> {
        let opened = match shown.token {
            Some(token) if key::is_key(token) => self.program(token, &origin).await?,
            Some(token) => self.person(token).await?,
            None => self.anonymous(shown.tenant).await?,
        };
        let Opened { call, tenant, tie, expires_at, payer } = opened;
        let expires_in = expires_at.map(|end| (end - self.app.now()).to_std().unwrap_or_default());
        self.count(call.as_ref(), &origin).await?;
        let owners = call.as_ref().map(owners).unwrap_or_default();
        let operations = self.operations.clone();
        let id = RequestId(origin.request_id.as_deref().unwrap_or_default().to_owned());
        let call = call.map(|call| Arc::new(call.coming_from(origin.clone())));
        let caller = call.clone();
        let attach = Arc::new(move |request: Request| {
            let request = request.data(id.clone()).data(origin.clone());
            let request = request.data(payer).data(operations.clone());
            match &caller {
                Some(call) => request.data(Ctx::clone(call)),
                None => request,
            }
        });
        let of_tenant = call.as_ref().map(|call| Tie::Tenant(call.tenant));
        let ties = tie.into_iter().chain(of_tenant).collect();
        Ok(Session { attach, call, tenant, ties, expires_in, owners })
    }
}

/// What a session is made of.
#[derive(Default)]
struct Opened {
    call: Option<Ctx>,
    tenant: Option<TenantId>,
    tie: Option<Tie>,
    expires_at: Option<DateTime<Utc>>,
    payer: Payer,
}

impl AppSessions {
    /// One more request of these; refused when one of them has had too many.
    async fn count(&self, call: Option<&Ctx>, origin: &Origin) -> Result<(), Refused> {
        let Rates { for_address, for_user, for_tenant } = self.rates;
        let address = origin.address.zip(for_address);
        let address = address.map(|(address, most)| {
            Bucket::shared(format!("requests-from:{}", limit::network(address)), most, MINUTE)
        });
        let user = call.filter(|call| is_somebody(call)).zip(for_user);
        let user = user.map(|(call, most)| {
            Bucket::of(call.tenant, format!("requests-of:{}", call.actor), most, MINUTE)
        });
        let tenant = call.map(|call| call.tenant).zip(for_tenant);
        let tenant = tenant.map(|(tenant, most)| Bucket::of(tenant, "requests", most, MINUTE));
        let buckets: Vec<_> = [address, user, tenant].into_iter().flatten().collect();
        let taken = self.app.limits.take_all(&buckets, 1).await;
        taken.map(drop).map_err(|wait| refused(wait.into()))
    }

    async fn person(&self, token: &str) -> Result<Opened, Refused> {
        let token::Bearer { ctx, expires_at, session } =
            token::open(&self.app, token).await.map_err(refused)?;
        let (tenant, tie) = (Some(ctx.tenant), Some(Tie::Session(session)));
        let (call, expires_at) = (Some(ctx), Some(expires_at));
        Ok(Opened { call, tenant, tie, expires_at, ..Opened::default() })
    }

    async fn program(&self, token: &str, origin: &Origin) -> Result<Opened, Refused> {
        let page = origin.page.as_deref();
        let key::Bearer { ctx, key, expires_at, budget } =
            key::open(&self.app, token, page).await.map_err(refused)?;
        let (tenant, tie) = (Some(ctx.tenant), Some(Tie::Key(key)));
        Ok(Opened { call: Some(ctx), tenant, tie, expires_at, payer: Payer { budget } })
    }

    /// No call where there is no public board: such a caller can sign in and nothing else.
    async fn anonymous(&self, tenant: Option<&str>) -> Result<Opened, Refused> {
        let Some(slug) = tenant.or(self.default_tenant.as_deref()) else {
            return Ok(Opened::default());
        };
        match tenant::anonymous(&self.app, slug).await {
            Ok(call) => {
                let tenant = Some(call.tenant);
                Ok(Opened { call: Some(call), tenant, ..Opened::default() })
            }
            Err(service::Error::NotFound(_)) => Ok(Opened::default()),
            Err(service::Error::Unauthenticated) => {
                let tenant = tenant::by_slug(&self.app, slug).await.map_err(refused)?;
                Ok(Opened { tenant: Some(tenant.id), ..Opened::default() })
            }
            Err(error) => Err(refused(error)),
        }
    }
}

/// Whether it is known who calls: a login, or a program.
fn is_somebody(call: &Ctx) -> bool {
    call.actor.user().is_some() || matches!(call.actor, Actor::Partner { .. })
}

fn owners(call: &Ctx) -> Vec<Owner> {
    let user = call.actor.user().map(Owner::User);
    user.into_iter().chain([Owner::Tenant(call.tenant)]).collect()
}

fn refused(error: service::Error) -> Refused {
    if error.is_defect() {
        tracing::error!(error = ?error, "no session could be opened");
    }
    Error::from(error).into()
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let retry_after = error.retry_after();
        Self { retry_after, ..Self::new(error.code(), error.public_message()) }
    }
}
