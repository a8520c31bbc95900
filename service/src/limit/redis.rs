//! Buckets that all nodes share. Losing them makes nothing wrong: each node then counts for itself.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use redis::{
    Client, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{Bucket, Wait};
use crate::error::{Error, Result};

/// A caller does not wait longer than this for Redis.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a failure Redis is left alone for this long.
const REST: i64 = 1_000;

/// Looks at all buckets, and takes out of all of them or of none.
const TAKE: &str = r"
local now, wanted = tonumber(ARGV[1]), tonumber(ARGV[2])
local left, wait, levels, times = nil, 0, {}, {}
for i, key in ipairs(KEYS) do
  local capacity, per = tonumber(ARGV[i * 2 + 1]), tonumber(ARGV[i * 2 + 2])
  local kept = redis.call('HMGET', key, 'level', 'at')
  local level, at = tonumber(kept[1]) or capacity, tonumber(kept[2]) or now
  -- Another clock may be behind; what has come back once does not come back again.
  times[i] = math.max(now, at)
  level = math.min(capacity, level + math.max(0, now - at) * capacity / per)
  levels[i] = level - wanted
  left = math.min(left or levels[i], levels[i])
  if levels[i] < 0 then
    wait = math.max(wait, math.ceil(-levels[i] * per / capacity))
  end
end
if wait > 0 then
  return { 0, wait }
end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'level', tostring(levels[i]), 'at', string.format('%d', times[i]))
  redis.call('PEXPIRE', key, ARGV[i * 2 + 2])
end
return { 1, math.floor(left) }
";

pub struct Redis {
    connection: ConnectionManager,
    script: Script,
    /// In front of every key: installations may share one Redis.
    prefix: String,
    rests_until: AtomicI64,
}

impl Redis {
    pub fn new(url: &str, prefix: String) -> Result<Self> {
        let client = Client::open(url).map_err(Error::internal)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection =
            ConnectionManager::new_lazy_with_config(client, config).map_err(Error::internal)?;
        Ok(Self { connection, script: Script::new(TAKE), prefix, rests_until: AtomicI64::new(0) })
    }

    /// None: Redis did not say.
    pub async fn take(
        &self,
        buckets: &[Bucket],
        tokens: u32,
        now: i64,
    ) -> Option<Result<u32, Wait>> {
        if now < self.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        let mut call = self.script.prepare_invoke();
        call.arg(now).arg(tokens);
        for bucket in buckets {
            call.key(format!("{}:{}", self.prefix, bucket.key));
            call.arg(bucket.capacity).arg(bucket.per.as_millis() as u64);
        }
        let mut connection = self.connection.clone();
        let answer =
            tokio::time::timeout(PATIENCE, call.invoke_async::<(bool, u64)>(&mut connection));
        match answer.await {
            Ok(Ok((true, left))) => Some(Ok(u32::try_from(left).unwrap_or(u32::MAX))),
            Ok(Ok((false, wait))) => Some(Err(Wait(Duration::from_millis(wait)))),
            failed => {
                if let Ok(Err(error)) = failed {
                    tracing::debug!(%error, "limits are counted in this process");
                }
                self.rests_until.store(now + REST, Ordering::Relaxed);
                None
            }
        }
    }
}
