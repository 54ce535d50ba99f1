//! The line that a value begins with, and the values that are nothing but a line.

use redis_protocol::resp3::decode::complete::decode_range;
use redis_protocol::resp3::types::RangeFrame;

use super::{Kind, Value};

/// Longest line of a kind that has a short one, in bytes: a double takes 24.
const SHORT: usize = 64;

/// What a line announces.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Head<'a> {
    /// The whole value.
    Value(Value<'a>),
    /// So many bytes, then CR LF.
    Blob(Blob, usize),
    /// So many values; `None`: as many as come before [`Head::End`].
    Open(Kind, Option<u64>),
    /// So many bytes of a string, then CR LF; 0, and nothing behind it, at its end.
    Chunk(usize),
    /// The end of what has said no number.
    End,
}

/// What bytes of an announced number are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blob {
    /// `$`
    String,
    /// `!`
    Error,
    /// `=`: a kind of three letters and a colon, then the text.
    Verbatim,
}

/// How a line of this first byte may go on: `None` when no value begins so, else the bytes that
/// it may have.
pub fn longest(first: u8) -> Option<usize> {
    match first {
        b'+' | b'-' | b'(' => Some(usize::MAX),
        b':' | b'_' | b'#' | b',' | b'$' | b'!' | b'=' => Some(SHORT),
        b'*' | b'~' | b'>' | b'%' | b'|' | b';' | b'.' => Some(SHORT),
        _ => None,
    }
}

impl<'a> Head<'a> {
    /// What a line says, which is given with its end; `None` when it is none of Redis.
    #[inline]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (first, rest) = line.split_first()?;
        let text = rest.strip_suffix(b"\r\n")?;
        Some(match first {
            b'$' => match text {
                b"-1" => Head::Value(Value::Null),
                b"?" => Head::Open(Kind::String, None),
                _ => Head::Blob(Blob::String, size(text)?),
            },
            b':' => Head::Value(Value::Integer(integer(text)?)),
            b'+' => Head::Value(Value::Text(text)),
            b'-' => Head::Value(Value::Error(text)),
            b'_' if text.is_empty() => Head::Value(Value::Null),
            b'*' if text == b"-1" => Head::Value(Value::Null),
            b'*' => open(Kind::Array, text)?,
            b'%' => open(Kind::Map, text)?,
            b'~' => open(Kind::Set, text)?,
            b'>' => Head::Open(Kind::Push, Some(count(text)?)),
            b'|' => Head::Open(Kind::Attribute, Some(count(text)?.checked_mul(2)?)),
            b'!' => Head::Blob(Blob::Error, size(text)?),
            b'=' => Head::Blob(Blob::Verbatim, size(text)?),
            b';' => Head::Chunk(size(text)?),
            b'.' if text.is_empty() => Head::End,
            b'(' if !is_number(text) => return None,
            b'(' | b',' | b'#' => Head::Value(decoded(line)?),
            _ => return None,
        })
    }
}

impl Blob {
    /// What these bytes are; `None` when they cannot be.
    #[inline]
    pub fn value(self, bytes: &[u8]) -> Option<Value<'_>> {
        match self {
            Blob::String => Some(Value::Text(bytes)),
            Blob::Error => Some(Value::Error(bytes)),
            // The crate knows two kinds only; modules of a server may have others.
            Blob::Verbatim if bytes.get(3) == Some(&b':') => bytes.get(4..).map(Value::Text),
            Blob::Verbatim => None,
        }
    }
}

/// What the crate makes of the line of a value that is rare.
fn decoded(line: &[u8]) -> Option<Value<'_>> {
    let (frame, used) = decode_range(line).ok()??;
    if used != line.len() {
        return None;
    }
    match frame {
        RangeFrame::Double { data, .. } => Some(Value::Double(data)),
        RangeFrame::Boolean { data, .. } => Some(Value::Boolean(data)),
        RangeFrame::BigNumber { data: (start, end), .. } => line.get(start..end).map(Value::Text),
        _ => None,
    }
}

fn open(kind: Kind, text: &[u8]) -> Option<Head<'_>> {
    if text == b"?" {
        return Some(Head::Open(kind, None));
    }
    let each = if kind == Kind::Map { 2 } else { 1 };
    Some(Head::Open(kind, Some(count(text)?.checked_mul(each)?)))
}

fn size(text: &[u8]) -> Option<usize> {
    usize::try_from(count(text)?).ok()
}

/// A number without a sign.
#[inline]
fn count(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |count, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| count.checked_mul(10)?.checked_add(digit.into())).flatten()
    })
}

/// A number with or without a sign, as the crate takes it.
#[inline]
fn integer(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => 0i64.checked_sub_unsigned(count(digits)?),
        [b'+', digits @ ..] | digits => i64::try_from(count(digits)?).ok(),
    }
}

fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
