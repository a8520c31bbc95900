//! The transaction of one write: its own on PostgreSQL, a turn in a shared one on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::{group::Turn, scoped::Scoped};
use crate::error::{Error, Result};

/// What is dropped without a commit is rolled back.
pub struct Transaction(Kind);

enum Kind {
    Own(Scoped),
    Turn(Turn),
}

impl From<Scoped> for Transaction {
    fn from(own: Scoped) -> Self {
        Self(Kind::Own(own))
    }
}

impl From<Turn> for Transaction {
    fn from(turn: Turn) -> Self {
        Self(Kind::Turn(turn))
    }
}

impl Transaction {
    /// How long it may take when all others wait for it.
    pub(crate) fn limit(&self) -> Option<Duration> {
        match self.0 {
            Kind::Own(_) => None,
            Kind::Turn(_) => Some(Duration::from_secs(30)),
        }
    }

    /// `then` happens once it is committed.
    pub(crate) async fn commit(self, then: impl FnOnce() + Send + 'static) -> Result<()> {
        match self.0 {
            Kind::Own(own) => {
                own.commit().await.map_err(Error::of_commit)?;
                then();
                Ok(())
            }
            Kind::Turn(turn) => turn.commit(Box::new(then)).await,
        }
    }

    /// Fails when the write has to be run again, because it may have seen what was never committed.
    pub(crate) async fn rollback(self) -> Result<()> {
        match self.0 {
            Kind::Own(own) => {
                // A rollback that fails is one that the database does by itself when the connection goes.
                let _ = own.rollback().await;
                Ok(())
            }
            Kind::Turn(turn) => turn.rollback().await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self.0 {
            Kind::Own(_) => DbBackend::Postgres,
            Kind::Turn(_) => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Kind::Own(own) => own.execute_raw(statement).await,
            Kind::Turn(turn) => turn.transaction().execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Kind::Own(own) => own.execute_unprepared(sql).await,
            Kind::Turn(turn) => turn.transaction().execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.0 {
            Kind::Own(own) => own.query_one_raw(statement).await,
            Kind::Turn(turn) => turn.transaction().query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.0 {
            Kind::Own(own) => own.query_all_raw(statement).await,
            Kind::Turn(turn) => turn.transaction().query_all_raw(statement).await,
        }
    }
}
