//! Turns a token, or the name of a tenant, into a call.

use std::sync::Arc;

use async_graphql::Request;
use async_trait::async_trait;
use service::{
    ctx::{App, Ctx},
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

pub struct AppSessions {
    pub app: App,
    /// For anonymous callers who name no tenant.
    pub default_tenant: Option<String>,
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
    let error = Error::from(error);
    Refused::new(error.code(), error.public_message())
}
