//! Turns a token, or the name of a tenant, into a call.

use std::{sync::Arc, time::Duration};

use async_graphql::Request;
use async_trait::async_trait;
use service::{
    ctx::{App, Ctx},
    limit::Bucket,
    origin::Origin,
    tenant,
    user::token,
};

use crate::{
    error::Error,
    graphql::request_id::RequestId,
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
        let (call, session, expires_in) = match shown.token {
            Some(token) => {
                let bearer = token::open(&self.app, token).await.map_err(refused)?;
                let remaining = (bearer.expires_at - self.app.now()).to_std().unwrap_or_default();
                (Some(bearer.ctx), Some(bearer.session), Some(remaining))
            }
            None => (self.anonymous(shown.tenant).await?, None, None),
        };
        self.count(call.as_ref(), &origin).await?;
        let owners = call.as_ref().map(owners).unwrap_or_default();
        let id = RequestId(origin.request_id.as_deref().unwrap_or_default().to_owned());
        let call = call.map(|call| Arc::new(call.coming_from(origin.clone())));
        let caller = call.clone();
        let attach = Arc::new(move |request: Request| {
            let request = request.data(id.clone()).data(origin.clone());
            match &caller {
                Some(call) => request.data(Ctx::clone(call)),
                None => request,
            }
        });
        let tenant = call.as_ref().map(|call| Tie::Tenant(call.tenant));
        let ties = session.map(Tie::Session).into_iter().chain(tenant).collect();
        Ok(Session { attach, call, ties, expires_in, owners })
    }
}

impl AppSessions {
    /// One more request of these; refused when one of them has had too many.
    async fn count(&self, call: Option<&Ctx>, origin: &Origin) -> Result<(), Refused> {
        let Rates { for_address, for_user, for_tenant } = self.rates;
        let address = origin.address.zip(for_address);
        let address = address.map(|(address, most)| {
            Bucket::shared(format!("requests-from:{address}"), most, MINUTE)
        });
        let user = call.and_then(|call| Some((call.tenant, call.actor.user()?))).zip(for_user);
        let user = user.map(|((tenant, user), most)| {
            Bucket::of(tenant, format!("requests-of:{user}"), most, MINUTE)
        });
        let tenant = call.map(|call| call.tenant).zip(for_tenant);
        let tenant = tenant.map(|(tenant, most)| Bucket::of(tenant, "requests", most, MINUTE));
        let buckets: Vec<_> = [address, user, tenant].into_iter().flatten().collect();
        let taken = self.app.limits.take_all(&buckets, 1).await;
        taken.map(drop).map_err(|wait| refused(wait.into()))
    }

    /// None where there is no public board: such a caller can sign in and nothing else.
    async fn anonymous(&self, tenant: Option<&str>) -> Result<Option<Ctx>, Refused> {
        let Some(slug) = tenant.or(self.default_tenant.as_deref()) else { return Ok(None) };
        match tenant::anonymous(&self.app, slug).await {
            Ok(call) => Ok(Some(call)),
            Err(service::Error::NotFound(_) | service::Error::Unauthenticated) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }
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
