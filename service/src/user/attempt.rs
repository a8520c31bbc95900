//! How often somebody may try to prove who they are: each attempt counts, whether or not it was right.

use std::time::Duration;

use entity::tenant::TenantId;

use super::contact::Contact;
use crate::{ctx::App, error::Result, keys::sha256, limit::Bucket, origin::Origin};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Of one account, whether or not it exists: ten at once, and then one a minute.
const OF_ACCOUNT: (u32, Duration) = (10, Duration::from_secs(600));
/// Messages to one address, from one address, and of one tenant.
const TO_ADDRESS: (u32, Duration) = (5, Duration::from_secs(900));
const FROM_ADDRESS: (u32, Duration) = (30, HOUR);
const OF_TENANT: (u32, Duration) = (1_000, HOUR);

/// Before a password, a code or a token is looked at.
pub(super) async fn to_sign_in(
    app: &App,
    origin: &Origin,
    tenant: &str,
    contact: &Contact,
) -> Result<()> {
    let account = name(&[tenant, contact.address()]);
    let (capacity, per) = OF_ACCOUNT;
    let mut buckets = vec![Bucket::shared(format!("sign-in:{account}"), capacity, per)];
    buckets.extend(from(app, origin));
    app.limits.take_all(&buckets, 1).await?;
    Ok(())
}

/// As `to_sign_in`, where there is no account yet.
pub(super) async fn with_token(app: &App, origin: &Origin) -> Result<()> {
    let buckets: Vec<_> = from(app, origin).into_iter().collect();
    app.limits.take_all(&buckets, 1).await?;
    Ok(())
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
        buckets.push(Bucket::shared(format!("send-from:{address}"), capacity, per));
    }
    app.limits.take_all(&buckets, 1).await?;
    Ok(())
}

fn from(app: &App, origin: &Origin) -> Option<Bucket> {
    let (address, capacity) = origin.address.zip(app.sign_ins_per_address)?;
    Some(Bucket::shared(format!("sign-in-from:{address}"), capacity, MINUTE))
}

/// People's addresses do not belong into a cache, and what somebody typed may be long.
fn name(parts: &[&str]) -> String {
    let hash = sha256(parts.join("\n").to_lowercase().as_bytes());
    hash[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}
