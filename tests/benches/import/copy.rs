//! PostgreSQL's own way to take many rows: one COPY for each table, in one transaction.

use anyhow::Result;
use entity::{Id, tenant::TenantId};
use futures_util::TryStreamExt;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection};

use super::TABLES;

/// Each table's rows as COPY writes them.
pub struct Copied(Vec<Vec<u8>>);

impl Copied {
    pub async fn read(url: &str, tenant: TenantId) -> Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        let mut tables = Vec::new();
        for table in TABLES {
            let sql = format!(
                "COPY (SELECT * FROM {table} WHERE tenant_id = '{}' ORDER BY id) TO STDOUT",
                tenant.uuid()
            );
            let mut rows = Vec::new();
            let mut chunks = connection.copy_out_raw(&sql).await?;
            while let Some(chunk) = chunks.try_next().await? {
                rows.extend_from_slice(&chunk);
            }
            drop(chunks);
            tables.push(rows);
        }
        Ok(Self(tables))
    }

    /// Gives how many rows came.
    pub async fn write(&self, url: &str) -> Result<u64> {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::query(AssertSqlSafe("BEGIN")).execute(&mut connection).await?;
        let mut written = 0;
        for (table, rows) in TABLES.iter().zip(&self.0) {
            let mut copy = connection.copy_in_raw(&format!("COPY {table} FROM STDIN")).await?;
            copy.send(rows.as_slice()).await?;
            written += copy.finish().await?;
        }
        sqlx::query(AssertSqlSafe("COMMIT")).execute(&mut connection).await?;
        Ok(written)
    }
}
