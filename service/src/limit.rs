//! How often somebody may: token buckets, in Redis where there is one, else in this process.

mod memory;
mod redis;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use entity::tenant::TenantId;

use self::{memory::Memory, redis::Redis};
use crate::{clock::Clock, error::Result, keys::Keys};

/// Holds `capacity` tokens, and gets as many back in each `per`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    key: String,
    capacity: u32,
    per: Duration,
}

/// How long until there are enough tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl Bucket {
    /// Of one tenant; `name` says what is counted, and for whom.
    pub fn of(
        tenant: TenantId,
        name: impl std::fmt::Display,
        capacity: u32,
        per: Duration,
    ) -> Self {
        Self { key: format!("t:{tenant}:limit:{name}"), capacity, per }
    }

    /// Of no tenant in particular, such as an address.
    pub fn shared(name: impl std::fmt::Display, capacity: u32, per: Duration) -> Self {
        Self { key: format!("limit:{name}"), capacity, per }
    }
}

/// Whom an address stands for: one host of IPv4, or the network that a customer of IPv6 gets.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Limits {
    clock: Arc<dyn Clock>,
    memory: Arc<Memory>,
    redis: Option<Arc<Redis>>,
}

impl Limits {
    pub fn in_process(clock: Arc<dyn Clock>) -> Self {
        Self { clock, memory: Arc::default(), redis: None }
    }

    /// Shared by the nodes that have the same secret. While Redis is away each counts for itself.
    pub fn in_redis(clock: Arc<dyn Clock>, url: &str, keys: &Keys) -> Result<Self> {
        let redis = Redis::new(url, keys.fingerprint())?;
        Ok(Self { redis: Some(Arc::new(redis)), ..Self::in_process(clock) })
    }

    /// Takes tokens out of one bucket, and says how many are left.
    pub async fn take(&self, bucket: &Bucket, tokens: u32) -> Result<u32, Wait> {
        self.take_all(std::slice::from_ref(bucket), tokens).await
    }

    /// Takes as many out of each, or out of none; says how many are left in the emptiest.
    pub async fn take_all(&self, buckets: &[Bucket], tokens: u32) -> Result<u32, Wait> {
        if buckets.is_empty() {
            return Ok(u32::MAX);
        }
        let now = self.clock.now().timestamp_millis();
        if let Some(redis) = &self.redis
            && let Some(outcome) = redis.take(buckets, tokens, now).await
        {
            return outcome;
        }
        self.memory.take(buckets, tokens, now)
    }
}
