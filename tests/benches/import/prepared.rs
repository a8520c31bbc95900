//! SQLite's plain way to take many rows: a prepared INSERT for each table, of one row or of many, in transactions as large as the import's.

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

    /// So many rows by each INSERT. Gives how many came.
    pub async fn write(&self, url: &str, at_once: usize) -> Result<u64> {
        let mut connection = connect(url).await?;
        let mut written = 0;
        for (table, rows) in TABLES.iter().zip(&self.0) {
            let columns = rows.first().map_or(0, Vec::len);
            let whole = insert(table, at_once, columns);
            for batch in rows.chunks(BATCH) {
                sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
                for rows in batch.chunks(at_once) {
                    let rest = (rows.len() < at_once).then(|| insert(table, rows.len(), columns));
                    let sql = rest.as_ref().unwrap_or(&whole);
                    let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
                    for cell in rows.iter().flatten() {
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

fn insert(table: &str, rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("INSERT INTO {table} VALUES {}", vec![row; rows].join(", "))
}
