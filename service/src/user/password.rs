//! Passwords: argon2id, off the async threads, a few at a time.

use std::{sync::LazyLock, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::error::{Error, Invalid, Result};

const SHORTEST: usize = 8;
const LONGEST: usize = 128;

/// Each hash takes 19 MiB; more than this at once would let a crowd at the door take the memory of everyone else.
static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(4));

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Who waits longer for their turn is asked to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// OWASP's first choice: 19 MiB, two passes, one lane.
fn argon2id() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// `field` is its name in the input.
pub(crate) async fn hash(field: &str, password: String) -> Result<String> {
    check(field, &password)?;
    aside(move || {
        let hash = argon2id()?
            .hash_password(password.as_bytes())
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether it may be one, before anything is made of it.
pub(crate) fn check(field: &str, password: &str) -> Result<()> {
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Err(
            Invalid::new(field, format!("must have {SHORTEST} to {LONGEST} characters")).into()
        );
    }
    Ok(())
}

/// Made with less work than `hash` puts in today.
pub(crate) fn is_weak(hash: &str) -> bool {
    let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
    params.is_none_or(|params| params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES)
}

/// Takes as long for an account that does not exist (None) as for a wrong password.
pub(crate) async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    aside(move || {
        let Some(hash) = hash else {
            let _ = argon2id()?.hash_password(password.as_bytes());
            return Ok(false);
        };
        let parsed =
            PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
        Ok(argon2id()?.verify_password(password.as_bytes(), &parsed).is_ok())
    })
    .await
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let place = tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await;
    let place = place.map_err(|_| Error::Unavailable("too many passwords at once".into()))?;
    let _place = place.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
