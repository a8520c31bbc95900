//! The limits of a GraphQL document, counted before the parser or the validation can be hurt.

use std::collections::HashMap;
use std::fmt;

use async_graphql::Positioned;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};

pub const MAX_BYTES: usize = 64 * 1024;
pub const MAX_TOKENS: usize = 4_000;
pub const MAX_NESTING: usize = 48;
pub const MAX_SELECTIONS: usize = 5_000;
pub const MAX_ALIASES: usize = 30;
pub const MAX_DIRECTIVES: usize = 30;

/// Which limit a document exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    Bytes,
    Tokens,
    Nesting,
    OpenBlockString,
    Selections,
    Aliases,
    Directives,
    FragmentCycle,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes => write!(f, "document is longer than {MAX_BYTES} bytes"),
            Self::Tokens => write!(f, "document has more than {MAX_TOKENS} tokens"),
            Self::Nesting => write!(f, "document is nested deeper than {MAX_NESTING} levels"),
            Self::OpenBlockString => f.write_str("document has a block string without an end"),
            Self::Selections => write!(f, "document selects more than {MAX_SELECTIONS} fields"),
            Self::Aliases => write!(f, "document has more than {MAX_ALIASES} aliases"),
            Self::Directives => write!(f, "document has more than {MAX_DIRECTIVES} directives"),
            Self::FragmentCycle => f.write_str("document has a fragment that spreads itself"),
        }
    }
}

impl std::error::Error for Rejected {}

/// What the text alone can tell. The parser recurses once per bracket and overflows the stack
/// of its thread, so nothing may be parsed that has not passed here.
pub fn check(document: &str) -> Result<(), Rejected> {
    if document.len() > MAX_BYTES {
        return Err(Rejected::Bytes);
    }
    let text = document.as_bytes();
    let (mut at, mut tokens, mut depth) = (0, 0, 0_usize);
    while let Some(&byte) = text.get(at) {
        at = match byte {
            b'#' => run(text, at, |byte| !matches!(byte, b'\n' | b'\r')),
            b'"' => string_end(text, at)?,
            b'.' => run(text, at, |byte| byte == b'.'),
            byte if is_word(byte) => run(text, at, is_word),
            _ => at + 1,
        };
        tokens += usize::from(byte.is_ascii_graphic() && !matches!(byte, b',' | b'#'));
        depth = match byte {
            b'(' | b'[' | b'{' => depth + 1,
            b')' | b']' | b'}' => depth.saturating_sub(1),
            _ => depth,
        };
        if tokens > MAX_TOKENS {
            return Err(Rejected::Tokens);
        }
        if depth > MAX_NESTING {
            return Err(Rejected::Nesting);
        }
    }
    Ok(())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn run(text: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[from..].iter().position(|&byte| !belongs(byte)).map_or(text.len(), |length| from + length)
}

fn string_end(text: &[u8], start: usize) -> Result<usize, Rejected> {
    if text[start..].starts_with(br#"""""#) {
        return block_string_end(text, start + 3);
    }
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\n' | b'\r' => return Ok(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Ok(text.len())
}

/// A block string without an end is refused here, because the parser would read its three
/// quotes as an empty string and an opening quote, and so see brackets that this scan skips.
fn block_string_end(text: &[u8], mut at: usize) -> Result<usize, Rejected> {
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(br#"""""#) {
            return Ok(at + 3);
        }
        at += if rest.starts_with(br#"\""""#) { 4 } else { 1 };
    }
    Err(Rejected::OpenBlockString)
}

/// What a document asks for once its fragments are expanded. Each fragment is counted once,
/// so the work is linear where the validation's own walk doubles with every level.
pub fn count(document: &ExecutableDocument) -> Result<(), Rejected> {
    let mut counter = Counter { document, fragments: HashMap::new() };
    let mut total = Size::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        total.directives += operation.directives.len();
        for variable in &operation.variable_definitions {
            total.directives += variable.node.directives.len();
        }
        total.add(counter.set(&operation.selection_set.node, 1)?);
        total.within_limits()?;
    }
    for name in document.fragments.keys() {
        counter.fragment(name, 1)?;
    }
    Ok(())
}

/// The operation that a request means, as the executor will choose it.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).map(|operation| &operation.node)
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|operation| &operation.node)
        }
        _ => None,
    }
}

#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    aliases: usize,
    directives: usize,
    height: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.selections += other.selections;
        self.aliases += other.aliases;
        self.directives += other.directives;
        self.height = self.height.max(other.height);
    }

    /// Called after every addition of parts that are themselves within the limits, so that
    /// the sums stay small.
    fn within_limits(&self) -> Result<(), Rejected> {
        match self {
            size if size.selections > MAX_SELECTIONS => Err(Rejected::Selections),
            size if size.aliases > MAX_ALIASES => Err(Rejected::Aliases),
            size if size.directives > MAX_DIRECTIVES => Err(Rejected::Directives),
            size if size.height > MAX_NESTING => Err(Rejected::Nesting),
            _ => Ok(()),
        }
    }
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    /// `None` while a fragment is being counted: meeting it again is a cycle.
    fragments: HashMap<&'a str, Option<Size>>,
}

impl<'a> Counter<'a> {
    fn set(&mut self, set: &'a SelectionSet, depth: usize) -> Result<Size, Rejected> {
        if depth > MAX_NESTING {
            return Err(Rejected::Nesting);
        }
        let mut total = Size::default();
        for selection in &set.items {
            total.add(self.selection(&selection.node, depth)?);
            total.within_limits()?;
        }
        total.height += usize::from(!set.items.is_empty());
        total.within_limits()?;
        Ok(total)
    }

    fn selection(&mut self, selection: &'a Selection, depth: usize) -> Result<Size, Rejected> {
        let mut size = match selection {
            Selection::Field(field) => {
                let mut size = self.set(&field.node.selection_set.node, depth + 1)?;
                size.aliases += usize::from(field.node.alias.is_some());
                size
            }
            Selection::InlineFragment(inline) => {
                self.set(&inline.node.selection_set.node, depth + 1)?
            }
            Selection::FragmentSpread(spread) => {
                self.fragment(&spread.node.fragment_name.node, depth + 1)?
            }
        };
        size.selections += 1;
        size.directives += directives(selection).len();
        Ok(size)
    }

    /// A fragment that the document lacks counts nothing; the validation names it.
    fn fragment(&mut self, name: &'a str, depth: usize) -> Result<Size, Rejected> {
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Rejected::FragmentCycle),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.fragments.insert(name, None);
        let mut size = self.set(&fragment.node.selection_set.node, depth)?;
        size.directives += fragment.node.directives.len();
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

fn directives(selection: &Selection) -> &[Positioned<Directive>] {
    match selection {
        Selection::Field(field) => &field.node.directives,
        Selection::FragmentSpread(spread) => &spread.node.directives,
        Selection::InlineFragment(inline) => &inline.node.directives,
    }
}

#[cfg(test)]
mod tests;
