//! What one tenant's reads go through.

use async_trait::async_trait;
use entity::tenant::TenantId;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};

use super::scoped::{Scoped, Scopes};

/// Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    open: DatabaseConnection,
    /// Where row-level security holds reads too: each is a transaction of its own.
    scopes: Option<(Scopes, TenantId)>,
}

impl Reader {
    pub(super) fn new(open: DatabaseConnection, scopes: Option<(Scopes, TenantId)>) -> Self {
        Self { open, scopes }
    }

    /// It changed nothing, so it is dropped when it has answered: the rollback goes out with what is sent next.
    async fn scoped(&self) -> Result<Option<Scoped>, DbErr> {
        match &self.scopes {
            Some((scopes, tenant)) => Ok(Some(scopes.read(*tenant).await?)),
            None => Ok(None),
        }
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.open.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self.scoped().await? {
            Some(scoped) => scoped.execute_raw(statement).await,
            None => self.open.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self.scoped().await? {
            Some(scoped) => scoped.execute_unprepared(sql).await,
            None => self.open.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self.scoped().await? {
            Some(scoped) => scoped.query_one_raw(statement).await,
            None => self.open.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self.scoped().await? {
            Some(scoped) => scoped.query_all_raw(statement).await,
            None => self.open.query_all_raw(statement).await,
        }
    }
}
