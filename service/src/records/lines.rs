//! A file of lines, plain or gzipped, read with bounded memory: what is wrong with a line is said of that line.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
    sync::Arc,
};

use flate2::bufread::MultiGzDecoder;

use super::{Flaw, RecordsError};

/// No line of any table is longer.
const LONGEST_LINE: usize = 64 * 1024;

/// Where a table is read from.
#[derive(Clone, Debug)]
pub enum Source {
    Path(PathBuf),
    /// Part of the program.
    Embedded {
        name: &'static str,
        bytes: &'static [u8],
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Embedded { name, .. } => f.write_str(name),
        }
    }
}

pub(super) struct Lines {
    pub file: Arc<str>,
    reader: Box<dyn BufRead>,
    number: u64,
    line: Vec<u8>,
    over: bool,
}

impl Lines {
    pub fn open(source: &Source) -> Result<Self, RecordsError> {
        let file: Arc<str> = source.to_string().into();
        let unreadable = |source| RecordsError::Unreadable { file: file.to_string(), source };
        let raw: Box<dyn Read> = match source {
            Source::Path(path) => Box::new(File::open(path).map_err(unreadable)?),
            Source::Embedded { bytes, .. } => Box::new(*bytes),
        };
        let mut raw = BufReader::with_capacity(64 * 1024, raw);
        let start = raw.fill_buf().map_err(unreadable)?;
        let not = |what| RecordsError::NotATable { file: file.to_string(), problem: what };
        let reader: Box<dyn BufRead> = match start {
            [0x1f, 0x8b, ..] => Box::new(BufReader::new(MultiGzDecoder::new(raw))),
            [b'P', b'K', 3, 4, ..] => return Err(not("is a zip archive: unpack it first".into())),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                return Err(not("is UTF-16: save it as UTF-8".into()));
            }
            [] => return Err(not("is empty".into())),
            _ => Box::new(raw),
        };
        Ok(Self { file, reader, number: 0, line: Vec::new(), over: false })
    }

    /// The next line that is not blank, with its number from 1. After a line that cannot be read to its end, nothing.
    pub fn next(&mut self) -> Option<(u64, Result<&str, Flaw>)> {
        let outcome = loop {
            if self.over {
                return None;
            }
            self.number += 1;
            match self.read() {
                Ok(0) => return None,
                Ok(length) if length > LONGEST_LINE => break Some(Flaw::TooLong),
                Ok(_) if self.line.trim_ascii().is_empty() => {}
                Ok(_) => break None,
                Err(error) => {
                    self.over = true;
                    break Some(Flaw::CutShort(error.to_string()));
                }
            }
        };
        if let Some(flaw) = outcome {
            return Some((self.number, Err(flaw)));
        }
        let line = self.line.trim_ascii_end();
        let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.number == 1).unwrap_or(line);
        Some((self.number, str::from_utf8(line).map_err(|_| Flaw::NotUtf8)))
    }

    /// One line into `line`, of which no more is kept than may be; gives how long it was with its end, 0 at the end.
    fn read(&mut self) -> io::Result<usize> {
        self.line.clear();
        let mut length = 0;
        loop {
            let chunk = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(chunk.len(), |at| at + 1);
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&chunk[..used.min(room)]);
            self.reader.consume(used);
            length += used;
            if end.is_some() || used == 0 {
                return Ok(length);
            }
        }
    }
}
