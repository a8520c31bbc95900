//! Whether the script is still what the product sends: PostgreSQL says what a connection of its own has prepared.

use anyhow::{Result, bail, ensure};
use sea_orm::{ConnectionTrait, Statement};

use super::{fleet::Seat, product, script};
use crate::place::Place;

/// Compares each statement of a rental without the values in it, how often it is sent, and their order.
pub async fn check(place: &Place, seat: &Seat) -> Result<()> {
    let alone = place.again(1).await?;
    let mut seat = seat.clone();
    seat.ctx = seat.ctx.on(alone.clone());
    product::ride(&seat).await?;
    let db = alone.db.writer();
    let sql = "SELECT statement, generic_plans + custom_plans AS times FROM pg_prepared_statements
        WHERE statement NOT LIKE '%pg_prepared_statements%' ORDER BY prepare_time";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let mut sent = Shapes::default();
    for row in rows {
        sent.add(&row.try_get::<String>("", "statement")?, row.try_get("", "times")?);
    }
    alone.db.close().await?;
    let mut written = Shapes::default();
    statements(script::TEXT).for_each(|statement| written.add(statement, 1));
    let (sent, written) = (sent.0, written.0);
    for (sent, written) in sent.iter().zip(&written) {
        ensure!(
            sent == written,
            "script.pgbench.sql is not what is sent.\nsent:    {sent:?}\nwritten: {written:?}"
        );
    }
    if sent.len() != written.len() {
        bail!("{} statements are sent, script.pgbench.sql has {}", sent.len(), written.len());
    }
    Ok(())
}

/// Of the script, without what a client asks for once and without its own commands. Of two alternatives it is the first.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    let mut counts = true;
    script
        .lines()
        .skip_while(|line| *line != "BEGIN;")
        .filter(move |line| {
            counts = (counts && *line != "\\else") || *line == "\\endif";
            counts
        })
        .filter(|line| !line.is_empty() && !line.starts_with("--") && !line.starts_with('\\'))
        .filter(|line| !matches!(*line, "BEGIN;" | "COMMIT;"))
        .map(|line| line.split_once(" \\gset").map_or(line, |(sql, _)| sql).trim_end_matches(';'))
}

/// Each once, and how often it is sent.
#[derive(Default)]
struct Shapes(Vec<(String, i64)>);

impl Shapes {
    fn add(&mut self, statement: &str, times: i64) {
        let shape = shape(statement);
        match self.0.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, known)) => *known += times,
            None => self.0.push((shape, times)),
        }
    }
}

/// The words and signs of a statement, with `?` for every value, however it is written.
fn shape(statement: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = statement.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            '$' | ':' if !rest.starts_with("::") => 1 + word(&rest[1..]),
            ':' => 2,
            _ => word(rest).max(first.len_utf8()),
        };
        let (token, after) = rest.split_at(end);
        let is_value = token.len() > 1 && token.starts_with(['\'', '$', ':']) && token != "::"
            || token.starts_with(|c: char| c.is_ascii_digit())
            || matches!(token, "NULL" | "TRUE" | "FALSE");
        words.push(if is_value { "?" } else { token });
        rest = after.trim_start();
    }
    let text = words.join(" ").replace("lpad ( ? , ? , ? ) :: uuid", "?");
    text.replace("now ( )", "?")
}

/// How many bytes of the text are one word.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}
