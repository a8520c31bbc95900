//! The same SQL on SQLite, in a loop over one connection, seat after seat: what the use cases could reach if they and the handing
//! over between tasks cost nothing, with a commit for
//! each transaction or for all of a pass.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use chrono::SecondsFormat;
use sea_orm::sqlx::{self, AssertSqlSafe, Column, Row, SqliteConnection};

use super::{
    fleet::Fleet,
    script::{self, Expression, Line},
};
use crate::{
    cell::{Cell, connect},
    place::Place,
};

struct Loop {
    connection: SqliteConnection,
    lines: Vec<Line>,
    /// Of the seat whose turn it is.
    variables: HashMap<String, Cell>,
}

/// How many commits there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    Each,
    /// One for a ride of every seat.
    Together,
}

pub async fn per_second(
    place: &Place,
    fleet: &Fleet,
    (round, time): (u32, Duration),
    commits: Commits,
) -> Result<f64> {
    let mut lines = script::parse(script::TEXT)?;
    if commits == Commits::Together {
        script::without_transactions(&mut lines);
    }
    let mut bare =
        Loop { connection: connect(&place.url).await?, lines, variables: HashMap::new() };
    let mut seats: Vec<HashMap<String, Cell>> =
        (0..).zip(&fleet.seats).map(|(n, _)| seat(round, n)).collect();
    let clock = &fleet.seats.first().context("a seat")?.ctx;
    let began = Instant::now();
    let mut rentals = 0_u32;
    while began.elapsed() < time {
        if commits == Commits::Together {
            sqlx::query("BEGIN IMMEDIATE").execute(&mut bare.connection).await?;
        }
        for variables in &mut seats {
            std::mem::swap(&mut bare.variables, variables);
            let now = clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
            bare.variables.insert("now".to_owned(), Cell::Text(now));
            bare.run().await?;
            std::mem::swap(&mut bare.variables, variables);
            rentals += 1;
        }
        if commits == Commits::Together {
            sqlx::query("COMMIT").execute(&mut bare.connection).await?;
        }
    }
    Ok(f64::from(rentals) / began.elapsed().as_secs_f64())
}

fn seat(round: u32, number: i64) -> HashMap<String, Cell> {
    let given = super::pgbench::variables(round);
    let given = given.into_iter().chain([("client_id", number)]);
    given.map(|(name, value)| (name.to_owned(), Cell::Integer(value))).collect()
}

impl Loop {
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
            let cell = self.variables.get(name).with_context(|| format!("no :{name}"))?;
            query = cell.clone().bind(query);
        }
        let row = query.fetch_optional(&mut self.connection).await?;
        if let Some(prefix) = into {
            let row = row.with_context(|| format!("no row: {text}"))?;
            for (index, column) in row.columns().iter().enumerate() {
                let value = Cell::read(&row, index)?;
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
