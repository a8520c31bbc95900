//! Access tokens: EdDSA JWTs of ten minutes that say who is calling.

use chrono::{DateTime, Duration, Utc};
use entity::{
    customer::CustomerId,
    session::SessionId,
    tenant::TenantId,
    user::{self, Role, UserId},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sea_orm::ActiveEnum;
use serde::{Deserialize, Serialize};

use super::revocation;
use crate::{
    ctx::{Actor, App, Ctx},
    error::{Error, Result},
    tenant,
};

const LIFETIME: Duration = Duration::minutes(10);
const ISSUER: &str = "bikelease";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    tenant: TenantId,
    role: String,
    /// The session; OpenID Connect's name for it. None in tokens of nodes that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerId>,
    iat: i64,
    exp: i64,
}

/// A caller who showed a valid token, and until when it is one.
pub struct Bearer {
    pub ctx: Ctx,
    pub expires_at: DateTime<Utc>,
    /// What it ends with.
    pub session: Option<SessionId>,
}

pub(crate) fn issue(app: &App, user: &user::Model, session: SessionId) -> Result<String> {
    let now = app.now();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: ISSUER.to_owned(),
        sub: user.id,
        tenant: user.tenant_id,
        role: user.role.to_value(),
        sid: Some(session),
        customer: user.customer_id,
        iat: now.timestamp(),
        exp: (now + LIFETIME).timestamp(),
    };
    let key = EncodingKey::from_ed_der(&app.keys.token_private);
    jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).map_err(Error::internal)
}

/// Anything but a token that was issued here and still holds is `Unauthenticated`.
pub async fn open(app: &App, token: &str) -> Result<Bearer> {
    let claims = verified(app, token).ok_or(Error::Unauthenticated)?;
    let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(Error::Unauthenticated)?;
    if expires_at <= app.now() {
        return Err(Error::Unauthenticated);
    }
    let actor = match (
        Role::try_from_value(&claims.role).map_err(|_| Error::Unauthenticated)?,
        claims.customer,
    ) {
        (role, Some(customer)) if role.rides() => {
            Actor::Customer { user: claims.sub, customer, role }
        }
        (role, None) if !role.rides() => Actor::Staff { user: claims.sub, role },
        _ => return Err(Error::Unauthenticated),
    };
    if let Some(session) = claims.sid
        && !revocation::holds(app, claims.tenant, session).await?
    {
        return Err(Error::Unauthenticated);
    }
    let tenant = tenant::get(app, claims.tenant).await.map_err(|error| match error {
        Error::NotFound(_) => Error::Unauthenticated,
        other => other,
    })?;
    Ok(Bearer { ctx: app.call(actor, &tenant), expires_at, session: claims.sid })
}

fn verified(app: &App, token: &str) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    // Checked against the clock of the platform, not of the library.
    validation.validate_exp = false;
    let key = DecodingKey::from_ed_der(&app.keys.token_public);
    jsonwebtoken::decode::<Claims>(token, &key, &validation).ok().map(|data| data.claims)
}
