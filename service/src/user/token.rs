//! Access tokens: EdDSA JWTs of ten minutes that say who is calling.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
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
use serde_json::{Value, json};

use super::revocation;
use crate::{
    ctx::{Actor, App, Ctx},
    error::{Error, Result},
    keys::{Keys, Signer},
    refusal::Refusal,
    tenant,
};

pub const LIFETIME: Duration = Duration::minutes(10);
/// How far in the future a token of another node may have been made.
const SKEW: Duration = Duration::minutes(1);
const ISSUER: &str = "bikelease";
/// RFC 9068: what this is, so that nothing else that we may sign is taken for it.
const TYPE: &str = "at+jwt";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    tenant: TenantId,
    role: String,
    /// The session; OpenID Connect's name for it.
    sid: SessionId,
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
    pub session: SessionId,
}

pub(crate) fn issue(app: &App, user: &user::Model, session: SessionId) -> Result<String> {
    let now = app.now();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: ISSUER.to_owned(),
        sub: user.id,
        tenant: user.tenant_id,
        role: user.role.to_value(),
        sid: session,
        customer: user.customer_id,
        iat: now.timestamp(),
        exp: (now + LIFETIME).timestamp(),
    };
    let signer = app.keys.signer();
    let header = Header {
        typ: Some(TYPE.to_owned()),
        kid: Some(signer.id.clone()),
        ..Header::new(Algorithm::EdDSA)
    };
    let key = EncodingKey::from_ed_der(&signer.private);
    jsonwebtoken::encode(&header, &claims, &key).map_err(Error::internal)
}

/// Anything but a token that was issued here and still holds is `Unauthenticated`.
pub async fn open(app: &App, token: &str) -> Result<Bearer> {
    let claims = verified(&app.keys, token).ok_or(Error::Unauthenticated)?;
    let time = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(Error::Unauthenticated);
    let (issued_at, expires_at) = (time(claims.iat)?, time(claims.exp)?);
    if expires_at <= app.now() || issued_at > app.now() + SKEW {
        return Err(Error::Unauthenticated);
    }
    let actor = actor(&claims).ok_or(Error::Unauthenticated)?;
    let standing = revocation::standing(app, claims.tenant, claims.sid).await?;
    let tenant = tenant::get(app, claims.tenant).await.map_err(|error| match error {
        Error::NotFound(_) => Error::Unauthenticated,
        other => other,
    })?;
    if tenant.suspended_at.is_some() {
        return Err(Refusal::TenantSuspended.into());
    }
    let mut ctx = app.call(actor, &tenant);
    ctx.lacks_second_factor = standing.lacks_second_factor;
    ctx.session = Some(claims.sid);
    Ok(Bearer { ctx, expires_at, session: claims.sid })
}

fn actor(claims: &Claims) -> Option<Actor> {
    let role = Role::try_from_value(&claims.role).ok()?;
    match claims.customer {
        Some(customer) if role.rides() => {
            Some(Actor::Customer { user: claims.sub, customer, role })
        }
        None if !role.rides() => Some(Actor::Staff { user: claims.sub, role }),
        _ => None,
    }
}

/// The key is one of ours, by its name; where a token says to find another one is not asked.
fn verified(keys: &Keys, token: &str) -> Option<Claims> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::EdDSA {
        return None;
    }
    let signer = keys.signers().find(|signer| Some(&signer.id) == header.kid.as_ref())?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    // Checked against the clock of the platform, not of the library.
    validation.validate_exp = false;
    let key = DecodingKey::from_ed_der(&signer.public);
    jsonwebtoken::decode::<Claims>(token, &key, &validation).ok().map(|data| data.claims)
}

/// RFC 7517: the public keys, the current one first.
pub fn key_set(keys: &Keys) -> Value {
    let key = |signer: &Signer| {
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": signer.id, "x": URL_SAFE_NO_PAD.encode(&signer.public),
        })
    };
    json!({"keys": keys.signers().map(key).collect::<Vec<_>>()})
}
