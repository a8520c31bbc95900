//! SQLite's plain way to take many rows: one prepared INSERT for each table, in transactions as large as the import's.

use anyhow::Result;
use entity::{Id, tenant::TenantId};
use sea_orm::sqlx::{self, AssertSqlSafe, Row};

use super::TABLES;
use crate::cell::{Cell, connect};

/// Rows of one transaction: about those of a thousand rides.
const BATCH: usize = 3_500;

/// Each table's rows.
pub struct Prepared(Vec<Vec<Vec<Cell>>>);

impl Prepared {
    pub async fn read(url: &str, tenant: TenantId) -> Result<Self> {
        let mut connection = connect(url).await?;
        let mut tables = Vec::new();
        for table in TABLES {
            let sql = format!("SELECT * FROM {table} WHERE tenant_id = ? ORDER BY id");
            let query = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid().as_bytes().to_vec());
            let rows = query.fetch_all(&mut connection).await?;
            let cells = |row| -> Result<Vec<Cell>> {
                (0..Row::len(row)).map(|column| Cell::read(row, column)).collect()
            };
            tables.push(rows.iter().map(cells).collect::<Result<_>>()?);
        }
        Ok(Self(tables))
    }

    /// Gives how many rows came.
    pub async fn write(&self, url: &str) -> Result<u64> {
        let mut connection = connect(url).await?;
        let mut written = 0;
        for (table, rows) in TABLES.iter().zip(&self.0) {
            let places = vec!["?"; rows.first().map_or(0, Vec::len)].join(", ");
            let insert = format!("INSERT INTO {table} VALUES ({places})");
            for batch in rows.chunks(BATCH) {
                sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
                for row in batch {
                    let mut query = sqlx::query(AssertSqlSafe(insert.as_str()));
                    for cell in row {
                        query = cell.clone().bind(query);
                    }
                    written += query.execute(&mut connection).await?.rows_affected();
                }
                sqlx::query("COMMIT").execute(&mut connection).await?;
            }
        }
        Ok(written)
    }
}
