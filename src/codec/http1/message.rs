//! A message as a whole, and its fields.

use super::head::{Head, Length, Start, Traits};
use crate::base::buf::Buf;

/// A request or a response with its body.
#[derive(Clone, Debug)]
pub struct Message {
    head: Head,
    /// The head as it came, and the body behind it, without what chunks take beside it.
    bytes: Buf,
    trailers: Option<Box<[u8]>>,
}

impl Message {
    /// A message of its bytes.
    pub fn new(head: Head, bytes: Buf, trailers: &[u8]) -> Self {
        let trailers = (!trailers.is_empty()).then(|| trailers.into());
        Message { head, bytes, trailers }
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&[u8]> {
        match self.head.start {
            Start::Request { method, .. } => Some(method.of(&self.bytes)),
            Start::Response { .. } => None,
        }
    }

    /// The target of a request, as it came.
    pub fn target(&self) -> Option<&[u8]> {
        match self.head.start {
            Start::Request { target, .. } => Some(target.of(&self.bytes)),
            Start::Response { .. } => None,
        }
    }

    /// The status of a response, and the words behind it.
    pub fn status(&self) -> Option<(u16, &[u8])> {
        match self.head.start {
            Start::Request { .. } => None,
            Start::Response { status, reason } => Some((status, reason.of(&self.bytes))),
        }
    }

    /// `1.1` or `1.0`.
    pub fn version(&self) -> &'static str {
        if self.head.traits.has(Traits::OLD) { "1.0" } else { "1.1" }
    }

    /// Whether its connection stays for another.
    pub fn keeps_alive(&self) -> bool {
        self.head.traits.has(Traits::KEEP_ALIVE)
    }

    /// Whether its body is sent in chunks.
    pub fn is_chunked(&self) -> bool {
        self.head.length == Length::Chunked
    }

    /// The body.
    pub fn content(&self) -> &[u8] {
        self.bytes.get(self.head.len..).unwrap_or_default()
    }

    /// The head as it came.
    pub fn head(&self) -> &[u8] {
        self.bytes.get(..self.head.len).unwrap_or_default()
    }

    /// Head and body.
    pub fn bytes(&self) -> &Buf {
        &self.bytes
    }

    /// The lines of its fields.
    pub fn fields(&self) -> &[u8] {
        self.head.fields.of(&self.bytes)
    }

    /// The lines of its trailers.
    pub fn trailers(&self) -> &[u8] {
        self.trailers.as_deref().unwrap_or_default()
    }

    /// Whether nothing has to be freed when it is forgotten.
    pub fn is_plain(&self) -> bool {
        self.bytes.is_plain() && self.trailers.is_none()
    }

    /// Bytes that are held outside of the value itself.
    pub fn outside(&self) -> usize {
        self.bytes.outside() + self.trailers().len()
    }
}

/// The fields of lines that were found to be fine: name and value of each.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    lines: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of `lines`, each of which ends with CR LF.
    pub fn new(lines: &'a [u8]) -> Self {
        Fields { lines }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let end = memchr::memchr(b'\n', self.lines)?;
        let (line, rest) = self.lines.split_at(end + 1);
        self.lines = rest;
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = line.split_at(colon);
        Some((name, value.get(1..).unwrap_or_default().trim_ascii()))
    }
}

/// The values of the fields with this name, in order.
pub fn value_of<'a>(lines: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    Fields::new(lines)
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
