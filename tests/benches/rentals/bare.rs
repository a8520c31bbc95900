//! The same SQL on SQLite, in a loop over one connection: what the use cases could reach if they and the handing over between tasks cost nothing.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use chrono::SecondsFormat;
use sea_orm::sqlx::{
    self, AssertSqlSafe, Column, ConnectOptions, Row, SqliteConnection, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};

use super::{
    fleet::Fleet,
    place::Place,
    script::{self, Expression, Line},
};

#[derive(Clone)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

struct Loop {
    connection: SqliteConnection,
    lines: Vec<Line>,
    variables: HashMap<String, Cell>,
}

pub async fn per_second(place: &Place, fleet: &Fleet, round: u32, time: Duration) -> Result<f64> {
    let mut bare = Loop {
        connection: connect(&place.url).await?,
        lines: script::parse(script::TEXT)?,
        variables: HashMap::new(),
    };
    for (name, value) in super::pgbench::variables(round) {
        bare.set(name, Cell::Integer(value));
    }
    bare.set("client_id", Cell::Integer(0));
    let clock = &fleet.seats.first().context("a seat")?.ctx;
    let began = Instant::now();
    let mut rentals = 0_u32;
    while began.elapsed() < time {
        let now = clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
        bare.set("now", Cell::Text(now));
        bare.run().await?;
        rentals += 1;
    }
    Ok(f64::from(rentals) / began.elapsed().as_secs_f64())
}

/// As the product opens it.
async fn connect(url: &str) -> Result<SqliteConnection> {
    let options = url.parse::<SqliteConnectOptions>()?;
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .disable_statement_logging();
    Ok(options.connect().await?)
}

impl Loop {
    fn set(&mut self, name: &str, value: Cell) {
        self.variables.insert(name.to_owned(), value);
    }

    /// The script once.
    async fn run(&mut self) -> Result<()> {
        let mut at = 0;
        while let Some(line) = self.lines.get(at) {
            at += 1;
            match line {
                Line::Set { name, value } => {
                    let value = Cell::Integer(self.value(value)?);
                    self.variables.insert(name.clone(), value);
                }
                Line::If { condition, otherwise } => {
                    if self.value(condition)? == 0 {
                        at = *otherwise;
                    }
                }
                Line::Else { end } => at = *end,
                Line::End => {}
                Line::Sql { .. } => self.send(at - 1).await?,
            }
        }
        Ok(())
    }

    async fn send(&mut self, at: usize) -> Result<()> {
        let Some(Line::Sql { text, variables, into }) = self.lines.get(at) else {
            bail!("no statement")
        };
        let mut query = sqlx::query(AssertSqlSafe(text.as_str()));
        for name in variables {
            query = match self.variables.get(name).with_context(|| format!("no :{name}"))?.clone() {
                Cell::Null => query.bind(None::<i64>),
                Cell::Integer(value) => query.bind(value),
                Cell::Real(value) => query.bind(value),
                Cell::Text(value) => query.bind(value),
                Cell::Blob(value) => query.bind(value),
            };
        }
        let row = query.fetch_optional(&mut self.connection).await?;
        if let Some(prefix) = into {
            let row = row.with_context(|| format!("no row: {text}"))?;
            for (index, column) in row.columns().iter().enumerate() {
                let value = cell(&row, index)?;
                self.variables.insert(format!("{prefix}{}", column.name()), value);
            }
        }
        Ok(())
    }

    /// Products bind closer than the rest; there is no more than one `=`.
    fn value(&self, expression: &Expression) -> Result<i64> {
        let (mut sum, mut factor, mut product) = (0, 1, None::<i64>);
        for word in &expression.0 {
            match word.as_str() {
                "*" => {}
                "+" | "-" | "=" => {
                    sum += factor * product.take().context("an operand")?;
                    factor = if word == "+" { 1 } else { -1 };
                }
                operand => product = Some(product.unwrap_or(1) * self.operand(operand)?),
            }
        }
        sum += factor * product.context("an operand")?;
        let compares = expression.0.iter().any(|word| word == "=");
        Ok(if compares { i64::from(sum == 0) } else { sum })
    }

    fn operand(&self, word: &str) -> Result<i64> {
        match word.strip_prefix(':').map(|name| self.variables.get(name)) {
            None => Ok(word.parse()?),
            Some(Some(Cell::Integer(value))) => Ok(*value),
            Some(_) => bail!("{word} is no number"),
        }
    }
}

fn cell(row: &SqliteRow, index: usize) -> Result<Cell> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    Ok(match raw.type_info().name() {
        "INTEGER" => Cell::Integer(row.try_get(index)?),
        "BOOLEAN" => Cell::Integer(row.try_get::<bool, _>(index)?.into()),
        "REAL" => Cell::Real(row.try_get(index)?),
        "BLOB" => Cell::Blob(row.try_get(index)?),
        _ => Cell::Text(row.try_get(index)?),
    })
}
