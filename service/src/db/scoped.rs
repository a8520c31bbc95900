//! A transaction on PostgreSQL that belongs to one tenant from its first statement on: row-level security goes by it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use entity::{Id, tenant::TenantId};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, Values,
    sqlx::{self, AssertSqlSafe, Executor, PgPool, Postgres},
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Mutex;

/// What is dropped without a commit is rolled back.
pub struct Scoped {
    transaction: Mutex<sqlx::Transaction<'static, Postgres>>,
    statements: Arc<AtomicU64>,
}

/// The connections that such transactions begin on.
#[derive(Clone)]
pub(crate) struct Scopes {
    pub pool: PgPool,
    pub statements: Arc<AtomicU64>,
}

impl Scopes {
    pub async fn write(&self, tenant: TenantId) -> Result<Scoped, DbErr> {
        self.begin("BEGIN", tenant).await
    }

    pub async fn read(&self, tenant: TenantId) -> Result<Scoped, DbErr> {
        self.begin("BEGIN READ ONLY", tenant).await
    }

    /// One message to the database, so that naming the tenant costs no round trip. Both settings end with the
    /// transaction: one that lasted as long as the session would wait in the pool for another tenant.
    async fn begin(&self, begin: &str, tenant: TenantId) -> Result<Scoped, DbErr> {
        let tenant = tenant.uuid();
        let sql =
            format!("{begin}; SET LOCAL app.tenant_id = '{tenant}'; SET LOCAL app.scope = ''");
        let transaction =
            self.pool.begin_with(AssertSqlSafe(sql)).await.map_err(|error| match error {
                sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
                sqlx::Error::PoolClosed => {
                    DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
                }
                error => failed(error),
            })?;
        Ok(Scoped {
            transaction: Mutex::new(transaction),
            statements: Arc::clone(&self.statements),
        })
    }
}

impl Scoped {
    pub async fn commit(self) -> Result<(), DbErr> {
        self.transaction.into_inner().commit().await.map_err(failed)
    }

    pub async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.into_inner().rollback().await.map_err(failed)
    }

    fn count(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl ConnectionTrait for Scoped {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.count();
        let mut transaction = self.transaction.lock().await;
        Ok(query(statement).execute(&mut **transaction).await.map_err(failed)?.into())
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.count();
        let mut transaction = self.transaction.lock().await;
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        Ok(transaction.execute(sql).await.map_err(failed)?.into())
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.count();
        let mut transaction = self.transaction.lock().await;
        let row = query(statement).fetch_optional(&mut **transaction).await.map_err(failed)?;
        Ok(row.map(Into::into))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.count();
        let mut transaction = self.transaction.lock().await;
        let rows = query(statement).fetch_all(&mut **transaction).await.map_err(failed)?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

fn query(statement: Statement) -> sqlx::query::Query<'static, Postgres, SqlxValues> {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
