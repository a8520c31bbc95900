//! The transaction of one write: its own on PostgreSQL, a turn in a shared one on SQLite.

use std::{ops::Deref, time::Duration};

use sea_orm::DatabaseTransaction;

use super::group::Turn;
use crate::error::{Error, Result};

/// What is dropped without a commit is rolled back.
pub(crate) enum Transaction {
    Own(DatabaseTransaction),
    Turn(Turn),
}

impl Deref for Transaction {
    type Target = DatabaseTransaction;
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(transaction) => transaction,
            Self::Turn(turn) => turn.transaction(),
        }
    }
}

impl Transaction {
    /// How long it may take when all others wait for it.
    pub fn limit(&self) -> Option<Duration> {
        match self {
            Self::Own(_) => None,
            Self::Turn(_) => Some(Duration::from_secs(30)),
        }
    }

    /// `then` happens once it is committed.
    pub async fn commit(self, then: impl FnOnce() + Send + 'static) -> Result<()> {
        match self {
            Self::Own(transaction) => {
                transaction.commit().await.map_err(Error::of_commit)?;
                then();
                Ok(())
            }
            Self::Turn(turn) => turn.commit(Box::new(then)).await,
        }
    }

    /// Fails when the write has to be run again, because it may have seen what was never committed.
    pub async fn rollback(self) -> Result<()> {
        match self {
            Self::Own(transaction) => {
                // A rollback that fails is one that the database does by itself when the connection goes.
                let _ = transaction.rollback().await;
                Ok(())
            }
            Self::Turn(turn) => turn.rollback().await,
        }
    }
}
