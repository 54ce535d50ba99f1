//! Bodies in chunks (RFC 9112, 7.1).
//!
//! ```text
//! chunk := size in hex [; extension]... CRLF  size bytes  CRLF
//! body  := chunk...  0 [; extension]... CRLF  [field CRLF]... CRLF
//! ```

use std::ops::Range;

use memchr::memchr;

use super::{Bounds, Violation, is_text, is_token};
use crate::base::limits;

/// How far the chunks of one body have come.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Place {
    /// At the line with a size.
    Size,
    /// In a chunk that lacks so many bytes.
    Data(u64),
    /// At the end of line behind a chunk.
    Behind,
    /// At the trailers, of which so many lines and bytes were seen.
    Trailers { lines: usize, bytes: usize },
}

/// Goes through a body in chunks.
#[derive(Debug)]
pub struct Chunks {
    place: Place,
    /// Bytes of data so far.
    data: u64,
    /// Bytes beside the data, less what is granted for each chunk.
    beside: u64,
    /// No line ends before, counted from what was consumed last.
    seen: usize,
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Bytes that were gone through.
    pub used: usize,
    /// The body has ended; of those bytes, so many at the end are its trailers and empty line.
    pub end: Option<usize>,
}

impl Chunks {
    /// At the beginning of a body.
    pub fn new() -> Self {
        Chunks { place: Place::Size, data: 0, beside: 0, seen: 0 }
    }

    /// Goes through `input` as far as it can; where data stands is added to `pieces`. Trailers
    /// are only gone through once they are whole.
    ///
    /// # Errors
    ///
    /// It breaks RFC 9112, or a bound.
    pub fn find(
        &mut self,
        input: &[u8],
        bounds: &Bounds,
        pieces: &mut Vec<Range<usize>>,
    ) -> Result<Found, Violation> {
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            match self.place {
                Place::Size => {
                    let Some(line) = self.line(rest, limits::HTTP_CHUNK_LINE)? else {
                        break;
                    };
                    at += line.len();
                    self.size(line, bounds)?;
                }
                Place::Data(left) => {
                    if rest.is_empty() {
                        break;
                    }
                    let len = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    pieces.push(at..at + len);
                    at += len;
                    let left = left - len as u64;
                    self.place = if left == 0 { Place::Behind } else { Place::Data(left) };
                }
                Place::Behind => match rest {
                    [b'\r', b'\n', ..] => {
                        at += 2;
                        self.place = Place::Size;
                    }
                    [] | [b'\r'] => break,
                    _ => return Err(Violation::SYNTAX),
                },
                Place::Trailers { lines, bytes } => {
                    let behind = rest.get(bytes..).unwrap_or_default();
                    let Some(line) = self.line(behind, bounds.head)? else {
                        break;
                    };
                    let bytes = bytes + line.len();
                    if bytes > bounds.head || lines > bounds.fields {
                        return Err(Violation::FIELDS);
                    }
                    if line.len() == 2 {
                        check_fields(rest.get(..bytes).unwrap_or_default())?;
                        *self = Chunks::new();
                        return Ok(Found { used: at + bytes, end: Some(bytes) });
                    }
                    self.place = Place::Trailers { lines: lines + 1, bytes };
                }
            }
        }
        Ok(Found { used: at, end: None })
    }

    /// The line at the front with its end, once it is whole.
    fn line<'a>(&mut self, input: &'a [u8], limit: usize) -> Result<Option<&'a [u8]>, Violation> {
        let unseen = input.get(self.seen..).unwrap_or_default();
        let Some(end) = memchr(b'\n', unseen) else {
            self.seen = input.len();
            return if self.seen > limit { Err(Violation::FIELDS) } else { Ok(None) };
        };
        let line = input.get(..self.seen + end + 1).unwrap_or_default();
        self.seen = 0;
        // In this order: of a line that comes in pieces its size is known before its end.
        if line.len() > limit {
            return Err(Violation::FIELDS);
        }
        if line.ends_with(b"\r\n") { Ok(Some(line)) } else { Err(Violation::SYNTAX) }
    }

    fn size(&mut self, line: &[u8], bounds: &Bounds) -> Result<(), Violation> {
        let line_size = line.len() as u64;
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (number, extensions) = line.split_at(digits);
        if digits == 0 || !are_extensions(extensions) {
            return Err(Violation::SYNTAX);
        }
        // Sixteen digits are 64 bits; who needs more lies, or hides something.
        if digits > 16 {
            return Err(Violation::BODY);
        }
        let digit = |byte: &u8| u64::from((*byte as char).to_digit(16).unwrap_or(0));
        let size = number.iter().fold(0u64, |size, byte| size << 4 | digit(byte));
        self.data = self.data.checked_add(size).ok_or(Violation::BODY)?;
        if self.data > bounds.body {
            return Err(Violation::BODY);
        }
        self.beside = (self.beside + line_size + 2).saturating_sub(16 + 2 * size.min(1 << 20));
        if self.beside > limits::HTTP_CHUNK_WASTE {
            return Err(Violation::SYNTAX);
        }
        self.place = match size {
            0 => Place::Trailers { lines: 0, bytes: 0 },
            size => Place::Data(size),
        };
        Ok(())
    }
}

/// Whether these are extensions of a chunk (RFC 9112, 7.1.1): `;name`, `;name=word`,
/// `;name="text"`, with blanks between.
fn are_extensions(mut text: &[u8]) -> bool {
    let blank = |text: &mut &[u8]| {
        while let [b' ' | b'\t', rest @ ..] = *text {
            *text = rest;
        }
    };
    let token = |text: &mut &[u8]| {
        let len = text.iter().take_while(|byte| is_token(**byte)).count();
        *text = text.get(len..).unwrap_or_default();
        len > 0
    };
    while !text.is_empty() {
        blank(&mut text);
        let [b';', rest @ ..] = text else { return false };
        text = rest;
        blank(&mut text);
        if !token(&mut text) {
            return false;
        }
        let behind = text;
        blank(&mut text);
        let [b'=', rest @ ..] = text else {
            text = behind;
            continue;
        };
        text = rest;
        blank(&mut text);
        if !(quoted(&mut text) || token(&mut text)) {
            return false;
        }
    }
    true
}

/// Takes a quoted string off the front (RFC 9110, 5.6.4).
fn quoted(text: &mut &[u8]) -> bool {
    let [b'"', rest @ ..] = *text else { return false };
    let mut rest = rest;
    loop {
        match rest {
            [b'"', behind @ ..] => {
                *text = behind;
                return true;
            }
            [b'\\', byte, behind @ ..] | [byte, behind @ ..] if is_text(*byte) => rest = behind,
            _ => return false,
        }
    }
}

fn check_fields(lines: &[u8]) -> Result<(), Violation> {
    let mut room = [httparse::EMPTY_HEADER; limits::HTTP_FIELDS_MAX];
    match httparse::parse_headers(lines, &mut room) {
        Ok(httparse::Status::Complete(_)) => Ok(()),
        Err(httparse::Error::TooManyHeaders) => Err(Violation::FIELDS),
        _ => Err(Violation::SYNTAX),
    }
}
