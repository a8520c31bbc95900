//! Turns a token, or the name of a tenant, into a call.

use std::sync::Arc;

use async_graphql::Request;
use async_trait::async_trait;
use service::{
    ctx::{Actor, App, Ctx},
    tenant,
    user::token,
};

use crate::{
    error::Error,
    graphql::request_id::RequestId,
    realtime::{
        limits::Owner,
        session::{Refused, Session, Sessions},
    },
};

pub struct AppSessions {
    pub app: App,
    /// For anonymous callers who name no tenant.
    pub default_tenant: Option<String>,
}

#[async_trait]
impl Sessions for AppSessions {
    async fn open(
        &self,
        token: Option<&str>,
        tenant: Option<&str>,
        request_id: &str,
    ) -> Result<Session, Refused> {
        let (call, session, expires_in) = match token {
            Some(token) => {
                let bearer = token::open(&self.app, token).await.map_err(refused)?;
                let remaining = (bearer.expires_at - self.app.now()).to_std().unwrap_or_default();
                (Some(bearer.ctx), bearer.session, Some(remaining))
            }
            None => (self.anonymous(tenant).await?, None, None),
        };
        let owners = call.as_ref().map(owners).unwrap_or_default();
        let id = RequestId(request_id.to_owned());
        let call = call.map(Arc::new);
        let caller = call.clone();
        let attach = Arc::new(move |request: Request| {
            let request = request.data(id.clone());
            match &caller {
                Some(call) => request.data(Ctx::clone(call)),
                None => request,
            }
        });
        Ok(Session { attach, call, id: session, expires_in, owners })
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
    let tenant = Owner::Tenant(call.tenant);
    match call.actor {
        Actor::Customer { user, .. } | Actor::Staff { user, .. } => vec![Owner::User(user), tenant],
        Actor::Anonymous | Actor::System(_) | Actor::Audience(_) => vec![tenant],
    }
}

fn refused(error: service::Error) -> Refused {
    if error.is_defect() {
        tracing::error!(error = ?error, "no session could be opened");
    }
    let error = Error::from(error);
    Refused::new(error.code(), error.public_message())
}
