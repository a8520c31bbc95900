//! What the text alone can tell. The parser recurses once per bracket and overflows the stack
//! of its thread, so nothing may be parsed that has not passed here. Linear, without recursion.

use std::collections::HashSet;

use service::config::QueryLimits;

use super::Rejected;

/// Of a document.
pub fn document(limits: &QueryLimits, document: &str) -> Result<(), Rejected> {
    if document.len() > limits.bytes {
        return Err(Rejected::Bytes(limits.bytes));
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
        depth = nested(depth, byte);
        if tokens > limits.tokens {
            return Err(Rejected::Tokens(limits.tokens));
        }
        if depth > limits.nesting {
            return Err(Rejected::Nesting(limits.nesting));
        }
    }
    Ok(())
}

/// Of a request as JSON. What is no JSON passes: its parser says so.
pub fn json(limits: &QueryLimits, json: &[u8]) -> Result<(), Rejected> {
    let (mut at, mut values, mut depth) = (0, 0, 0_usize);
    while let Some(&byte) = json.get(at) {
        at = if byte == b'"' { quote_end(json, at + 1) } else { at + 1 };
        // Each value but the first of a list or an object follows a comma.
        values += usize::from(matches!(byte, b',' | b'[' | b'{'));
        depth = nested(depth, byte);
        if values > limits.values {
            return Err(Rejected::Values(limits.values));
        }
        if depth > limits.values_nesting {
            return Err(Rejected::ValuesNesting(limits.values_nesting));
        }
    }
    Ok(())
}

/// Of a document that parses: a field that one input object has twice, which the parser forgets.
pub fn input_fields(document: &str) -> Result<(), Rejected> {
    let text = document.as_bytes();
    // Names of the objects that are open, outermost first; parentheses around them.
    let (mut at, mut arguments, mut objects) = (0, 0_usize, Vec::<HashSet<&str>>::new());
    while let Some(&byte) = text.get(at) {
        let next = match byte {
            b'#' => run(text, at, |byte| !matches!(byte, b'\n' | b'\r')),
            b'"' => string_end(text, at).unwrap_or(text.len()),
            byte if is_word(byte) => run(text, at, is_word),
            _ => at + 1,
        };
        match byte {
            b'(' => arguments += 1,
            b')' => arguments = arguments.saturating_sub(1),
            b'{' if arguments > 0 => objects.push(HashSet::new()),
            b'}' if arguments > 0 => drop(objects.pop()),
            byte if is_word(byte) && text.get(at.wrapping_sub(1)) != Some(&b'$') => {
                let name = document.get(at..next).unwrap_or_default();
                let is_field = is_followed_by_colon(text, next);
                if is_field && objects.last_mut().is_some_and(|names| !names.insert(name)) {
                    return Err(Rejected::InputFieldTwice(name.to_owned()));
                }
            }
            _ => {}
        }
        at = next;
    }
    Ok(())
}

fn is_followed_by_colon(text: &[u8], mut at: usize) -> bool {
    while let Some(byte) = text.get(at) {
        at = match byte {
            b':' => return true,
            b'#' => run(text, at, |byte| !matches!(byte, b'\n' | b'\r')),
            byte if byte.is_ascii_whitespace() || *byte == b',' => at + 1,
            _ => return false,
        };
    }
    false
}

fn nested(depth: usize, byte: u8) -> usize {
    match byte {
        b'(' | b'[' | b'{' => depth + 1,
        b')' | b']' | b'}' => depth.saturating_sub(1),
        _ => depth,
    }
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

fn quote_end(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}
