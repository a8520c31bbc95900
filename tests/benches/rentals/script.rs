//! As much of pgbench's script language as script.pgbench.sql uses, so that the one file is what both databases are sent.

use anyhow::{Context, Result, bail};

pub const TEXT: &str = include_str!("script.pgbench.sql");

pub enum Line {
    /// With `into`, the columns of its row become variables of that prefix.
    Sql {
        text: String,
        variables: Vec<String>,
        into: Option<String>,
    },
    Set {
        name: String,
        value: Expression,
    },
    /// Goes on at line `otherwise` unless it holds.
    If {
        condition: Expression,
        otherwise: usize,
    },
    Else {
        end: usize,
    },
    End,
}

/// Its words: operands, and `+`, `-`, `*` or `=` between them.
pub struct Expression(pub Vec<String>);

pub fn parse(script: &str) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open: Option<usize> = None;
    let texts = script.lines().filter(|line| !line.is_empty() && !line.starts_with("--"));
    for text in texts {
        let here = lines.len();
        let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
        let line = match command {
            "\\set" => {
                let (name, value) = rest.split_once(' ').context("a value to set")?;
                Line::Set { name: name.to_owned(), value: expression(value) }
            }
            "\\if" => {
                open = Some(here);
                Line::If { condition: expression(rest), otherwise: 0 }
            }
            "\\else" | "\\endif" => {
                let opened = open.replace(here).context("nothing to end")?;
                match lines.get_mut(opened) {
                    Some(Line::If { otherwise: target, .. } | Line::Else { end: target }) => {
                        *target = here + 1;
                    }
                    _ => bail!("{text} ends nothing"),
                }
                if command == "\\else" { Line::Else { end: 0 } } else { Line::End }
            }
            _ => statement(text)?,
        };
        lines.push(line);
    }
    Ok(lines)
}

/// For whoever begins and commits by itself. Lines keep their places, so that jumps still lead where they did.
pub fn without_transactions(lines: &mut [Line]) {
    for line in lines {
        if matches!(line, Line::Sql { text, .. } if text == "BEGIN IMMEDIATE" || text == "COMMIT") {
            *line = Line::End;
        }
    }
}

fn expression(text: &str) -> Expression {
    Expression(text.split_whitespace().map(str::to_owned).collect())
}

fn statement(text: &str) -> Result<Line> {
    let (sql, into) = match text.split_once(" \\gset") {
        Some((sql, prefix)) => (sql, Some(prefix.trim().to_owned())),
        None => (text.strip_suffix(';').context("a statement in one line")?, None),
    };
    let (text, variables) = bound(&for_sqlite(sql));
    Ok(Line::Sql { text, variables, into })
}

/// SQLite locks the whole file instead of rows, and keeps ids as bytes and times as text.
fn for_sqlite(sql: &str) -> String {
    let mut sql = sql.replace(" FOR NO KEY UPDATE", "").replace("now()", ":now");
    if sql == "BEGIN" {
        "BEGIN IMMEDIATE".clone_into(&mut sql);
    }
    sql.replace("lpad(:", "unhex(printf('%032d', :").replace(", 32, '0')::uuid", "))")
}

/// `:name` as SQLite's numbered parameters, and the names in their order.
fn bound(sql: &str) -> (String, Vec<String>) {
    let mut parts = sql.split(':');
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut names = Vec::new();
    for part in parts {
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        names.push(name.to_owned());
        text.push_str(&format!("?{}{rest}", names.len()));
    }
    (text, names)
}
