//! SQLite without the product: a connection as it opens one, and values of any kind.

use std::time::Duration;

use anyhow::Result;
use sea_orm::sqlx::{
    ConnectOptions, Row, Sqlite, SqliteConnection, TypeInfo, ValueRef,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous,
    },
};

#[derive(Clone)]
pub enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

type Sql<'q> = Query<'q, Sqlite, SqliteArguments>;

/// As the product opens it.
pub async fn connect(url: &str) -> Result<SqliteConnection> {
    let options = url.parse::<SqliteConnectOptions>()?;
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .disable_statement_logging();
    Ok(options.connect().await?)
}

impl Cell {
    pub fn bind(self, query: Sql<'_>) -> Sql<'_> {
        match self {
            Self::Null => query.bind(None::<i64>),
            Self::Integer(value) => query.bind(value),
            Self::Real(value) => query.bind(value),
            Self::Text(value) => query.bind(value),
            Self::Blob(value) => query.bind(value),
        }
    }

    pub fn read(row: &SqliteRow, index: usize) -> Result<Self> {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Self::Null);
        }
        Ok(match raw.type_info().name() {
            "INTEGER" => Self::Integer(row.try_get(index)?),
            "BOOLEAN" => Self::Integer(row.try_get::<bool, _>(index)?.into()),
            "REAL" => Self::Real(row.try_get(index)?),
            "BLOB" => Self::Blob(row.try_get(index)?),
            _ => Self::Text(row.try_get(index)?),
        })
    }
}
