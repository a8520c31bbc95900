//! What a PDF of ours says, read from its own glyphs as a reader would.

use std::collections::HashMap;

/// Each piece of text in the order in which it was written.
pub fn texts(pdf: &[u8]) -> Vec<String> {
    let streams: Vec<&[u8]> = plain_streams(pdf);
    let meanings: HashMap<u16, String> =
        streams.iter().flat_map(|stream| meanings(stream)).collect();
    let pages = streams.iter().filter(|stream| !stream.starts_with(b"%!PS"));
    pages.flat_map(|page| on_page(page, &meanings)).collect()
}

/// Those that are not compressed: pages, and what their codes mean.
fn plain_streams(pdf: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = pdf;
    while let Some(at) = find(rest, b"stream\n") {
        let head = &rest[..at];
        let head = &head[rfind(head, b" obj").unwrap()..];
        let head = String::from_utf8_lossy(head);
        let (_, length) = head.split_once("/Length ").unwrap();
        let digits: String = length.chars().take_while(char::is_ascii_digit).collect();
        let (start, length) = (at + b"stream\n".len(), digits.parse::<usize>().unwrap());
        if !head.contains("/FlateDecode") {
            found.push(&rest[start..start + length]);
        }
        rest = &rest[start + length + b"\nendstream".len()..];
    }
    found
}

/// The lines `<code> <text>` of a character map.
fn meanings(stream: &[u8]) -> Vec<(u16, String)> {
    let text = String::from_utf8_lossy(stream);
    let lines = text.lines().filter_map(|line| {
        let (code, meaning) = line.strip_prefix('<')?.split_once("> <")?;
        let meaning = meaning.strip_suffix('>')?;
        Some((u16::from_str_radix(code, 16).ok()?, utf16(&unhex(meaning))))
    });
    match text.contains("beginbfchar") {
        true => lines.collect(),
        false => Vec::new(),
    }
}

fn on_page(page: &[u8], meanings: &HashMap<u16, String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut actual = false;
    let (mut at, mut word) = (0, String::new());
    while at < page.len() {
        let string = match page[at] {
            b'(' => Some(literal(page, at)),
            b'<' if page.get(at + 1) != Some(&b'<') => Some(hexadecimal(page, at)),
            b'<' => {
                at += 2;
                continue;
            }
            _ => None,
        };
        if let Some((bytes, end)) = string {
            at = end;
            let line = found.last_mut();
            if word.ends_with("ActualText") {
                actual = true;
                line.unwrap().push_str(&match bytes.strip_prefix(&[0xfe, 0xff]) {
                    Some(wide) => utf16(wide),
                    None => String::from_utf8(bytes).unwrap(),
                });
            } else if !actual {
                let codes = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                line.unwrap().extend(codes.map(|code| meanings[&code].as_str()));
            }
            word.clear();
            continue;
        }
        match page[at] {
            byte if byte.is_ascii_alphanumeric() => word.push(char::from(byte)),
            _ => word.clear(),
        }
        match word.as_str() {
            "BT" => found.push(String::new()),
            "EMC" => actual = false,
            _ => {}
        }
        at += 1;
    }
    found
}

fn literal(page: &[u8], start: usize) -> (Vec<u8>, usize) {
    let (mut bytes, mut at, mut depth) = (Vec::new(), start + 1, 1);
    loop {
        match page[at] {
            b'\\' => {
                let (byte, length) = escaped(&page[at + 1..]);
                bytes.push(byte);
                at += 1 + length;
                continue;
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (bytes, at + 1);
        }
        bytes.push(page[at]);
        at += 1;
    }
}

fn escaped(rest: &[u8]) -> (u8, usize) {
    let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit());
    let digits: String = digits.map(|byte| char::from(*byte)).collect();
    if let Ok(byte) = u8::from_str_radix(&digits, 8) {
        return (byte, digits.len());
    }
    let byte = match rest[0] {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        other => other,
    };
    (byte, 1)
}

fn hexadecimal(page: &[u8], start: usize) -> (Vec<u8>, usize) {
    let end = start + find(&page[start..], b">").unwrap();
    (unhex(std::str::from_utf8(&page[start + 1..end]).unwrap()), end + 1)
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> =
        bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).unwrap()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
