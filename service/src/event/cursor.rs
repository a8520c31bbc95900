//! A place in a tenant's stream: everything up to its number is known to whoever holds it.

use entity::{Id, tenant::TenantId};

use crate::{
    error::{Error, Invalid, Result},
    keys::Keys,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub epoch: uuid::Uuid,
    pub seq: i64,
}

impl Cursor {
    /// Opaque and signed; only this tenant can use it.
    pub fn seal(self, keys: &Keys, tenant: TenantId) -> String {
        let mut bytes = self.epoch.as_bytes().to_vec();
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        keys.seal(&purpose(tenant), &bytes)
    }

    pub fn open(text: &str, keys: &Keys, tenant: TenantId) -> Result<Self> {
        let invalid = || Error::from(Invalid::new("after", "is not a cursor of this stream"));
        let bytes = keys.open(&purpose(tenant), text).ok_or_else(invalid)?;
        let (epoch, seq) = bytes.split_at_checked(16).ok_or_else(invalid)?;
        Ok(Self {
            epoch: uuid::Uuid::from_slice(epoch).map_err(|_| invalid())?,
            seq: i64::from_be_bytes(seq.try_into().map_err(|_| invalid())?),
        })
    }
}

fn purpose(tenant: TenantId) -> String {
    format!("stream {}", tenant.uuid())
}
