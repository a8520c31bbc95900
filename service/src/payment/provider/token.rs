//! Access tokens that all nodes share, because a provider takes only the newest one.

mod redis;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::redis::{Redis, Turn};
use super::{ProviderError, Result};
use crate::{clock::Clock, keys::Keys};

/// What opens a provider's API for a while.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    pub value: String,
    /// From then on it is not used any more.
    pub expires_at: DateTime<Utc>,
}

/// Kept in Redis where there is one, sealed, else in this process. Whoever finds none asks for one, and all others wait for
/// it. Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    clock: Arc<dyn Clock>,
    slots: Arc<Mutex<HashMap<String, Slot>>>,
    redis: Option<Arc<Redis>>,
}

/// Of one account: the token that this process knows, and the turn to ask for another.
#[derive(Clone, Default)]
struct Slot {
    known: Option<Token>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Tokens {
    pub fn in_process(clock: Arc<dyn Clock>) -> Self {
        Self { clock, slots: Arc::default(), redis: None }
    }

    /// Shared by the nodes that have the same secret. While Redis is away each asks for its own: they take turns in making
    /// each other's useless, and still go on.
    pub fn in_redis(
        clock: Arc<dyn Clock>,
        url: &str,
        keys: &Arc<Keys>,
    ) -> crate::error::Result<Self> {
        let redis = Redis::new(url, Arc::clone(keys))?;
        Ok(Self { redis: Some(Arc::new(redis)), ..Self::in_process(clock) })
    }

    /// The account's token, renewed if there is none, or none but the one that the provider has just refused.
    pub async fn get<R>(&self, account: &str, refused: Option<&str>, renew: R) -> Result<String>
    where
        R: Future<Output = Result<Token>> + Send + 'static,
    {
        if let Some(token) = self.kept(account, refused).await {
            return Ok(token);
        }
        let turn = self.slot(account).turn.lock_owned().await;
        if let Some(token) = self.kept(account, refused).await {
            return Ok(token);
        }
        let (this, account) = (self.clone(), account.to_owned());
        let refused = refused.map(str::to_owned);
        // Goes on if the caller goes away, so that the others do not wait for nobody.
        let renewal = tokio::spawn(async move {
            let _turn = turn;
            this.renew(&account, refused.as_deref(), renew).await
        });
        renewal.await.map_err(|error| ProviderError::Unavailable(error.into()))?
    }

    async fn kept(&self, account: &str, refused: Option<&str>) -> Option<String> {
        let shared = match &self.redis {
            Some(redis) => redis.get(account).await,
            None => None,
        };
        let token = match shared {
            Some(token) => token,
            // Redis does not say, or there is none: what this process knows.
            None => self.slot(account).known,
        };
        self.usable(token, refused)
    }

    fn usable(&self, token: Option<Token>, refused: Option<&str>) -> Option<String> {
        let token = token.filter(|token| token.expires_at > self.clock.now())?;
        (refused != Some(token.value.as_str())).then_some(token.value)
    }

    async fn renew<R>(&self, account: &str, refused: Option<&str>, renew: R) -> Result<String>
    where
        R: Future<Output = Result<Token>>,
    {
        let Some(redis) = &self.redis else {
            let token = renew.await?;
            self.know(account, &token);
            return Ok(token.value);
        };
        let usable = |token| self.usable(token, refused);
        let lock = match redis.turn(account, usable).await {
            Turn::Renewed(token) => return Ok(token),
            Turn::Ours(lock) => Some(lock),
            Turn::Away => None,
        };
        let renewed = renew.await;
        if let Some(lock) = lock {
            redis.end_turn(account, &lock, renewed.as_ref().ok(), self.clock.now()).await;
        }
        let token = renewed?;
        self.know(account, &token);
        Ok(token.value)
    }

    fn know(&self, account: &str, token: &Token) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(account.to_owned()).or_default().known = Some(token.clone());
    }

    fn slot(&self, account: &str) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(account.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use chrono::Duration;

    use super::*;
    use crate::clock::ManualClock;

    fn clock() -> ManualClock {
        ManualClock::starting_at(DateTime::UNIX_EPOCH)
    }

    /// Gives a new token each time, for an hour, after others have had time to come.
    fn issue(
        clock: &ManualClock,
        issued: &Arc<AtomicUsize>,
    ) -> impl Future<Output = Result<Token>> + Send + use<> {
        let (clock, issued) = (clock.clone(), Arc::clone(issued));
        async move {
            tokio::task::yield_now().await;
            let value = format!("token {}", issued.fetch_add(1, Ordering::SeqCst));
            Ok(Token { value, expires_at: clock.now() + Duration::hours(1) })
        }
    }

    #[tokio::test]
    async fn many_at_once_ask_for_one() {
        let (clock, issued) = (clock(), Arc::default());
        let tokens = Tokens::in_process(Arc::new(clock.clone()));
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (tokens, renew) = (tokens.clone(), issue(&clock, &issued));
            callers.spawn(async move { tokens.get("a", None, renew).await.ok() });
        }
        for token in callers.join_all().await {
            assert_eq!(token.as_deref(), Some("token 0"));
        }
        assert_eq!(issued.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_token_is_renewed_when_it_ends_or_is_refused() {
        let (clock, issued) = (clock(), Arc::default());
        let tokens = Tokens::in_process(Arc::new(clock.clone()));
        let get = async |refused| tokens.get("a", refused, issue(&clock, &issued)).await.ok();
        assert_eq!(get(None).await.as_deref(), Some("token 0"));
        assert_eq!(get(Some("token 0")).await.as_deref(), Some("token 1"));
        // Who hears of it late does not throw the new one away.
        assert_eq!(get(Some("token 0")).await.as_deref(), Some("token 1"));
        clock.advance(Duration::minutes(60));
        assert_eq!(get(None).await.as_deref(), Some("token 2"));
    }

    #[tokio::test]
    async fn who_goes_away_leaves_no_one_waiting() {
        let (clock, issued) = (clock(), Arc::default());
        let tokens = Tokens::in_process(Arc::new(clock.clone()));
        drop(tokio::spawn({
            let (tokens, renew) = (tokens.clone(), issue(&clock, &issued));
            async move { tokens.get("a", None, renew).await.ok() }
        }));
        tokio::task::yield_now().await;
        let token = tokens.get("a", None, issue(&clock, &issued)).await.ok();
        assert_eq!(token.as_deref(), Some("token 0"));
    }

    #[tokio::test]
    async fn a_failed_renewal_is_tried_again() {
        let (clock, issued) = (clock(), Arc::default());
        let tokens = Tokens::in_process(Arc::new(clock.clone()));
        let failed = tokens.get("a", None, async { Err(ProviderError::Credentials) }).await;
        assert!(matches!(failed, Err(ProviderError::Credentials)));
        assert!(tokens.get("a", None, issue(&clock, &issued)).await.is_ok());
    }
}
