//! How often somebody may try to prove who they are: each attempt counts, whether or not it was right.

use std::time::Duration;

use entity::{tenant::TenantId, user::Model};

use super::contact::Contact;
use crate::{
    ctx::{App, Ctx},
    error::Result,
    keys::sha256,
    limit::{self, Bucket},
    origin::Origin,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Of one account, whether or not it exists: ten at once, and then one a minute.
const OF_ACCOUNT: (u32, Duration) = (10, Duration::from_secs(600));
/// Messages to one address, from one address, and of one tenant.
const TO_ADDRESS: (u32, Duration) = (5, Duration::from_secs(900));
const FROM_ADDRESS: (u32, Duration) = (30, HOUR);
/// Refreshes for each sign-in that an address may have.
const REFRESHES: u32 = 10;
const OF_TENANT: (u32, Duration) = (1_000, HOUR);

/// Before a password or a code is looked at. An account counts by what somebody typed, also where it does not exist, and by
/// its login, which may have two addresses.
pub(super) async fn to_sign_in(
    app: &App,
    origin: &Origin,
    (tenant, contact): (&str, &Contact),
    user: Option<&Model>,
) -> Result<()> {
    let typed = name(&[tenant.trim(), contact.address()]);
    let (capacity, per) = OF_ACCOUNT;
    let mut buckets = vec![Bucket::shared(format!("sign-in:{typed}"), capacity, per)];
    buckets.extend(user.map(of_login));
    buckets.extend(from(app, origin, 1));
    app.limits.take_all(&buckets, 1).await?;
    Ok(())
}

/// Before who is signed in shows the password once more.
pub(super) async fn to_confirm(ctx: &Ctx, user: &Model) -> Result<()> {
    let mut buckets = vec![of_login(user)];
    buckets.extend(from(&ctx.app, &ctx.origin, 1));
    ctx.app.limits.take_all(&buckets, 1).await?;
    Ok(())
}

/// Before a token of a link is looked at.
pub(super) async fn with_token(app: &App, origin: &Origin) -> Result<()> {
    let buckets: Vec<_> = from(app, origin, 1).into_iter().collect();
    app.limits.take_all(&buckets, 1).await?;
    Ok(())
}

/// Before a refresh token is looked at: all people of an office come from one address.
pub(super) async fn to_refresh(app: &App, origin: &Origin) -> Result<()> {
    let buckets: Vec<_> = from(app, origin, REFRESHES).into_iter().collect();
    app.limits.take_all(&buckets, 1).await?;
    Ok(())
}

fn of_login(user: &Model) -> Bucket {
    let (capacity, per) = OF_ACCOUNT;
    Bucket::of(user.tenant_id, format!("sign-in-of:{}", user.id), capacity, per)
}

/// Before a message is sent, or is not because nobody has the address.
pub(super) async fn to_send(
    app: &App,
    origin: &Origin,
    tenant: TenantId,
    contact: &Contact,
) -> Result<()> {
    let bucket = |name: String, (capacity, per)| Bucket::of(tenant, name, capacity, per);
    let to = name(&[contact.address()]);
    let mut buckets =
        vec![bucket(format!("send-to:{to}"), TO_ADDRESS), bucket("send".to_owned(), OF_TENANT)];
    if let Some(address) = origin.address.filter(|_| app.sign_ins_per_address.is_some()) {
        let (capacity, per) = FROM_ADDRESS;
        let name = format!("send-from:{}", limit::network(address));
        buckets.push(Bucket::shared(name, capacity, per));
    }
    app.limits.take_all(&buckets, 1).await?;
    Ok(())
}

/// So many times as many as sign-ins.
fn from(app: &App, origin: &Origin, times: u32) -> Option<Bucket> {
    let (address, capacity) = origin.address.zip(app.sign_ins_per_address)?;
    let name = format!("sign-in-from:{times}:{}", limit::network(address));
    Some(Bucket::shared(name, capacity.saturating_mul(times), MINUTE))
}

/// People's addresses do not belong into a cache, and what somebody typed may be long.
fn name(parts: &[&str]) -> String {
    let hash = sha256(parts.join("\n").to_lowercase().as_bytes());
    hash[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}
