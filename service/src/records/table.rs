//! A table with a header: the columns that are asked for, by name, in any order.

use std::str::FromStr;

use super::{Flaw, RecordsError, Source, lines::Lines};

pub(crate) struct Table {
    lines: Lines,
    /// Where each column that was asked for stands; None: an optional one that is not there.
    columns: Vec<Option<usize>>,
    width: usize,
}

/// The fields of one line.
pub(crate) struct Row {
    fields: csv::StringRecord,
    columns: Vec<Option<usize>>,
}

impl Table {
    pub fn open(
        source: &Source,
        required: &[&str],
        optional: &[&str],
    ) -> Result<Self, RecordsError> {
        let mut lines = Lines::open(source)?;
        let file = lines.file.to_string();
        let not = |problem| RecordsError::NotATable { file: file.clone(), problem };
        let header = match lines.next() {
            None => return Err(not("is empty".into())),
            Some((line, Err(flaw))) => return Err(not(format!("line {line}: {flaw}"))),
            Some((_, Ok(text))) => fields(text).ok_or_else(|| not("has no header".into()))?,
        };
        let at = |name: &&str| header.iter().position(|field| field.trim() == *name);
        let missing: Vec<&str> =
            required.iter().copied().filter(|name| at(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(not(format!(
                "is not a CSV file with the column{} {}; its first line is: {}",
                if missing.len() == 1 { "" } else { "s" },
                missing.join(", "),
                shown(&header.iter().collect::<Vec<_>>().join(","))
            )));
        }
        let columns = required.iter().chain(optional).map(at).collect();
        Ok(Self { lines, columns, width: header.len() })
    }

    /// Its name, as people know it.
    pub fn file(&self) -> &str {
        &self.lines.file
    }

    /// The next line with its number.
    pub fn next(&mut self) -> Option<(u64, Result<Row, Flaw>)> {
        let (line, text) = self.lines.next()?;
        let row = text.and_then(|text| {
            let fields = fields(text).ok_or(Flaw::NotUtf8)?;
            match fields.len() {
                length if length == self.width => Ok(Row { fields, columns: self.columns.clone() }),
                found => Err(Flaw::Fields { expected: self.width, found }),
            }
        });
        Some((line, row))
    }
}

impl Row {
    /// By its place in what was asked for; empty where an optional column is not there.
    pub fn get(&self, column: usize) -> &str {
        let at = self.columns.get(column).copied().flatten();
        at.and_then(|at| self.fields.get(at)).unwrap_or_default().trim()
    }

    /// Anything that can be read from its text.
    pub fn read<T: FromStr>(
        &self,
        at: usize,
        column: &'static str,
        wanted: &'static str,
    ) -> Result<T, Flaw> {
        let value = self.get(at);
        value.parse().map_err(|_| Flaw::Unreadable { column, wanted, value: value.to_owned() })
    }
}

/// A quote that is not closed ends with its line, so that it cannot swallow the rest of the file.
fn fields(line: &str) -> Option<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader =
        reader.has_headers(false).flexible(true).buffer_capacity(512).from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    matches!(reader.read_record(&mut record), Ok(true)).then_some(record)
}

/// At most so much of what somebody's file says.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let clean: String =
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MOST).collect();
    if text.chars().nth(MOST).is_some() { format!("{clean}…") } else { clean }
}
