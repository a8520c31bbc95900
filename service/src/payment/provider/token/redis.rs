//! Tokens that all nodes share. Losing them makes nothing wrong: they are asked for again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::rand;
use chrono::{DateTime, Utc};
use redis::{
    Client, FromRedisValue, RedisResult, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::{sleep, timeout};

use super::Token;
use crate::{
    error::{Error, Result},
    keys::Keys,
};

/// A caller does not wait longer than this for Redis.
const PATIENCE: Duration = Duration::from_millis(250);
/// After a failure Redis is left alone for this long.
const REST: Duration = Duration::from_secs(1);
/// Longer than the call to the provider can take.
const TURN: Duration = Duration::from_secs(25);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const PURPOSE: &str = "provider token";

/// Keeps the token and gives the turn back, unless the turn is another's by now: then a newer token is on its way.
const END_TURN: &str = r"
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
if ARGV[2] ~= '' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
redis.call('DEL', KEYS[2])
return 1
";

pub struct Redis {
    connection: ConnectionManager,
    end_turn: Script,
    keys: Arc<Keys>,
    /// In front of every key: installations may share one Redis.
    prefix: String,
    rests_until: Mutex<Option<Instant>>,
}

/// Whose turn it is to ask for a token.
pub enum Turn {
    /// Another node has asked meanwhile.
    Renewed(String),
    Ours(String),
    /// Redis does not say.
    Away,
}

impl Redis {
    pub fn new(url: &str, keys: Arc<Keys>) -> Result<Self> {
        let client = Client::open(url).map_err(Error::internal)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection =
            ConnectionManager::new_lazy_with_config(client, config).map_err(Error::internal)?;
        let prefix = keys.fingerprint();
        let (end_turn, rests_until) = (Script::new(END_TURN), Mutex::new(None));
        Ok(Self { connection, end_turn, keys, prefix, rests_until })
    }

    /// None: Redis did not say; Some(None): there is none.
    pub async fn get(&self, account: &str) -> Option<Option<Token>> {
        let mut get = redis::cmd("GET");
        get.arg(self.token_key(account));
        let sealed: Option<Vec<u8>> = self.ask(&get).await?;
        Some(sealed.and_then(|sealed| {
            let json = self.keys.decrypt(PURPOSE, &sealed).ok()?;
            serde_json::from_slice(&json).ok()
        }))
    }

    /// Waits until it is this node's turn, or another one has found a token that is of use.
    pub async fn turn(
        &self,
        account: &str,
        usable: impl Fn(Option<Token>) -> Option<String>,
    ) -> Turn {
        let Some(lock) = nonce() else { return Turn::Away };
        let mut take = redis::cmd("SET");
        take.arg(self.turn_key(account))
            .arg(&lock)
            .arg("NX")
            .arg("PX")
            .arg(TURN.as_millis() as u64);
        let begun = Instant::now();
        loop {
            let Some(taken) = self.ask::<Option<String>>(&take).await else { return Turn::Away };
            let Some(token) = self.get(account).await else { return Turn::Away };
            if let Some(token) = usable(token) {
                if taken.is_some() {
                    self.end_turn(account, &lock, None, DateTime::UNIX_EPOCH).await;
                }
                return Turn::Renewed(token);
            }
            if taken.is_some() {
                return Turn::Ours(lock);
            }
            if begun.elapsed() > TURN {
                return Turn::Away;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    pub async fn end_turn(
        &self,
        account: &str,
        lock: &str,
        token: Option<&Token>,
        now: DateTime<Utc>,
    ) {
        let (sealed, millis) = token
            .and_then(|token| {
                let json = serde_json::to_vec(token).ok()?;
                let millis = (token.expires_at - now).num_milliseconds().max(1);
                Some((self.keys.encrypt(PURPOSE, &json).ok()?, millis))
            })
            .unwrap_or_default();
        let mut call = self.end_turn.prepare_invoke();
        call.key(self.token_key(account)).key(self.turn_key(account));
        call.arg(lock).arg(sealed).arg(millis);
        let mut connection = self.connection.clone();
        self.heard(timeout(PATIENCE, call.invoke_async::<u8>(&mut connection)).await.ok());
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        let rests_until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        if rests_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let mut connection = self.connection.clone();
        self.heard(timeout(PATIENCE, command.query_async(&mut connection)).await.ok())
    }

    fn heard<T>(&self, answer: Option<RedisResult<T>>) -> Option<T> {
        match answer {
            Some(Ok(answer)) => return Some(answer),
            Some(Err(error)) => tracing::debug!(%error, "tokens are kept in this process"),
            None => tracing::debug!("tokens are kept in this process: redis is slow"),
        }
        let mut rests_until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        *rests_until = Some(Instant::now() + REST);
        None
    }

    // One slot of a cluster for both.
    fn token_key(&self, account: &str) -> String {
        format!("{}:token:{{{account}}}", self.prefix)
    }

    fn turn_key(&self, account: &str) -> String {
        format!("{}:token:{{{account}}}:turn", self.prefix)
    }
}

fn nonce() -> Option<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
