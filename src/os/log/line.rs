//! One line of a log, as text or as JSON.
//!
//! ```text
//! [   ERROR]2026-11-22-15:32:29.032[2352]:no such player id=7 name="a b"
//! {"time":"2026-11-22T15:32:29.032+08:00","level":"ERROR","thread":2352,
//!  "message":"no such player","fields":{"id":7,"name":"a b"}}
//! ```
//!
//! Nothing in a text begins another record: what follows a line break is indented by a tab,
//! and other control characters are written as `\x1b`.

use std::io::Write;

use super::stamp;
use crate::base::limits::{LOG_FIELDS, LOG_LINE};

/// How much a line matters. The order is the one of 2015, DEBUG above INFO.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    /// What happens anyway.
    Info,
    /// What helps to find a mistake.
    Debug,
    /// What should not be, and does no harm yet.
    Warn,
    /// What failed.
    Error,
    /// What ends the service.
    Critical,
}

impl Level {
    /// Every level with its name, in order.
    pub const ALL: [(Level, &'static str); 5] = [
        (Level::Info, "INFO"),
        (Level::Debug, "DEBUG"),
        (Level::Warn, "WARN"),
        (Level::Error, "ERROR"),
        (Level::Critical, "CRITICAL"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Level::ALL[self as usize].1
    }
}

/// How a file's lines look.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Format {
    /// The layout of 2015.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The value of a field.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// Bytes, of UTF-8 or not.
    Text(&'a [u8]),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

/// Names and values that go with a line, written down in the format of its file.
#[derive(Debug, Default)]
pub struct Fields {
    format: Format,
    bytes: Vec<u8>,
    /// How many did not fit.
    cut: usize,
}

impl Fields {
    /// None yet.
    pub fn new(format: Format) -> Self {
        Fields { format, ..Fields::default() }
    }

    /// Adds one. What does not fit [`LOG_FIELDS`] is counted instead.
    pub fn add(&mut self, name: &[u8], value: Value<'_>) {
        let before = self.bytes.len();
        let is_cut = match self.format {
            Format::Text => self.add_text(name, value),
            Format::Json => self.add_json(name, value),
        };
        if is_cut || self.bytes.len() > LOG_FIELDS {
            self.bytes.truncate(before);
            self.cut += 1;
        }
    }

    fn add_text(&mut self, name: &[u8], value: Value<'_>) -> bool {
        let out = &mut self.bytes;
        let is_plain = |byte: u8| byte > b' ' && byte != 0x7f && byte != b'=' && byte != b'"';
        out.push(b' ');
        out.extend(name.iter().take(LOG_FIELDS).map(|b| if is_plain(*b) { *b } else { b'_' }));
        out.push(b'=');
        match value {
            Value::Text(text) if !text.is_empty() && text.iter().all(|b| is_plain(*b)) => {
                out.extend_from_slice(&text[..text.len().min(LOG_FIELDS + 1)]);
            }
            Value::Text(text) => {
                out.push(b'"');
                let is_cut = put_quoted(out, text, LOG_FIELDS);
                out.push(b'"');
                return is_cut;
            }
            Value::Integer(n) => put(out, format_args!("{n}")),
            Value::Number(n) => put(out, format_args!("{n:?}")),
            Value::Boolean(b) => put(out, format_args!("{b}")),
        }
        false
    }

    fn add_json(&mut self, name: &[u8], value: Value<'_>) -> bool {
        let out = &mut self.bytes;
        if !out.is_empty() {
            out.push(b',');
        }
        out.push(b'"');
        let mut is_cut = put_json(out, name, LOG_FIELDS);
        out.extend_from_slice(b"\":");
        match value {
            Value::Text(text) => {
                out.push(b'"');
                is_cut |= put_json(out, text, LOG_FIELDS);
                out.push(b'"');
            }
            Value::Integer(n) => put(out, format_args!("{n}")),
            Value::Number(n) if n.is_finite() => put(out, format_args!("{n:?}")),
            // JSON has no word for it.
            Value::Number(_) => out.extend_from_slice(b"null"),
            Value::Boolean(b) => put(out, format_args!("{b}")),
        }
        is_cut
    }
}

/// What is known of a line beside its text.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// When, in milliseconds since 1970 (UTC).
    pub at: i64,
    /// How much it matters.
    pub level: Level,
    /// The caller's thread, as the kernel numbers it.
    pub thread: u64,
}

/// Room kept for what says that a text was cut.
const MARK: usize = 80;

/// Writes one line with its line feed, at most [`LOG_LINE`] bytes; returns its local day.
pub fn render(out: &mut Vec<u8>, head: Head, text: &[u8], fields: &Fields) -> i64 {
    let end = out.len() + LOG_LINE - fields.bytes.len() - MARK;
    let day = match fields.format {
        Format::Text => render_text(out, head, text, fields, end),
        Format::Json => render_json(out, head, text, fields, end),
    };
    out.push(b'\n');
    day
}

fn render_text(out: &mut Vec<u8>, head: Head, text: &[u8], fields: &Fields, end: usize) -> i64 {
    let (second, millis) = stamp::local(head.at);
    let name = head.level.name().as_bytes();
    out.push(b'[');
    out.extend_from_slice(&b"        "[name.len()..]);
    out.extend_from_slice(name);
    out.push(b']');
    out.extend_from_slice(&second.text);
    put_millis(out, millis);
    out.push(b'[');
    put_number(out, head.thread);
    out.extend_from_slice(b"]:");
    let body = &text[..text.iter().rposition(|byte| *byte != b'\n').map_or(0, |at| at + 1)];
    // Nothing has to be said of a text that is whole.
    let whole = if fields.cut == 0 { end + MARK - 1 } else { end };
    if put_text(out, body, end, whole) {
        put(out, format_args!(" [cut, {} bytes]", text.len()));
    }
    out.extend_from_slice(&fields.bytes);
    if fields.cut > 0 {
        put(out, format_args!(" [{} fields cut]", fields.cut));
    }
    second.day
}

fn render_json(out: &mut Vec<u8>, head: Head, text: &[u8], fields: &Fields, end: usize) -> i64 {
    let (second, millis) = stamp::local(head.at);
    out.extend_from_slice(b"{\"time\":\"");
    out.extend_from_slice(&second.text[..10]);
    out.push(b'T');
    out.extend_from_slice(&second.text[11..]);
    put_millis(out, millis);
    let (sign, ahead) = (if second.ahead < 0 { '-' } else { '+' }, second.ahead.abs());
    let (hours, minutes, name) = (ahead / 60, ahead % 60, head.level.name());
    put(out, format_args!("{sign}{hours:02}:{minutes:02}\",\"level\":\"{name}\",\"thread\":"));
    put_number(out, head.thread);
    out.extend_from_slice(b",\"message\":\"");
    let is_cut = put_json(out, text, end);
    out.push(b'"');
    if is_cut {
        put(out, format_args!(",\"cut\":{}", text.len()));
    }
    if !fields.bytes.is_empty() {
        out.extend_from_slice(b",\"fields\":{");
        out.extend_from_slice(&fields.bytes);
        out.push(b'}');
    }
    if fields.cut > 0 {
        put(out, format_args!(",\"fields_cut\":{}", fields.cut));
    }
    out.push(b'}');
    second.day
}

fn put(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(what);
}

fn put_millis(out: &mut Vec<u8>, millis: u32) {
    let digit = |n: u32| b'0' + (n % 10) as u8;
    out.extend_from_slice(&[b'.', digit(millis / 100), digit(millis / 10), digit(millis)]);
}

fn put_number(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// Writes `text` up to `whole` of `out`, or, when it is longer, up to `end`; true: it was cut.
fn put_text(out: &mut Vec<u8>, text: &[u8], end: usize, whole: usize) -> bool {
    // Without an early end the compiler looks at many bytes at once.
    let has_control = text.iter().fold(false, |any, byte| any | is_control(*byte));
    if !has_control && out.len() + text.len() <= whole {
        out.extend_from_slice(text);
        return false;
    }
    put_pieces(out, text, end, |out, byte| match byte {
        b'\n' => out.extend_from_slice(b"\n\t"),
        byte if is_control(byte) => put(out, format_args!("\\x{byte:02x}")),
        byte => out.push(byte),
    })
}

/// As `put_text`, for the inside of quotes.
fn put_quoted(out: &mut Vec<u8>, text: &[u8], end: usize) -> bool {
    put_pieces(out, text, end, |out, byte| match byte {
        b'\n' => out.extend_from_slice(b"\\n"),
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        byte if is_control(byte) => put(out, format_args!("\\x{byte:02x}")),
        byte => out.push(byte),
    })
}

/// Writes byte after byte while there is room, and never a part of a UTF-8 character.
fn put_pieces(
    out: &mut Vec<u8>,
    text: &[u8],
    end: usize,
    mut piece: impl FnMut(&mut Vec<u8>, u8),
) -> bool {
    let mut whole = out.len();
    for byte in text {
        if byte & 0xc0 != 0x80 {
            whole = out.len();
        }
        piece(out, *byte);
        if out.len() > end {
            out.truncate(whole);
            return true;
        }
    }
    false
}

/// Writes the inside of a JSON string up to `end` of `out`; true when it was cut. What is no
/// UTF-8 becomes U+FFFD.
fn put_json(out: &mut Vec<u8>, text: &[u8], end: usize) -> bool {
    let is_special = |byte: u8| !(b' '..0x7f).contains(&byte) || byte == b'"' || byte == b'\\';
    let has_special = text.iter().fold(false, |any, byte| any | is_special(*byte));
    if !has_special && out.len() + text.len() <= end {
        out.extend_from_slice(text);
        return false;
    }
    for chunk in text.utf8_chunks() {
        let broken = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        for char in chunk.valid().chars().chain(broken.chars()) {
            let before = out.len();
            match char {
                '"' | '\\' => out.extend_from_slice(&[b'\\', char as u8]),
                '\n' => out.extend_from_slice(b"\\n"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\0'..=' ' | '\x7f' if char != ' ' => {
                    put(out, format_args!("\\u{:04x}", char as u32));
                }
                char => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            if out.len() > end {
                out.truncate(before);
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
