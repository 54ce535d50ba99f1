//! Where a reply ends, however it is cut: every byte is looked at once, and kept to the limits.

use super::head::{self, Blob, Head};
use super::{Bounds, Kind};
use crate::base::error::Code;
use crate::base::limits;

/// Bytes that the shortest value takes: `_`, CR, LF.
const SHORTEST: u64 = 3;

/// Finds the ends of the replies of one connection. It has a state: between two calls, the same
/// bytes stay in front, and more may follow.
#[derive(Debug)]
pub struct Scanner {
    bounds: Bounds,
    /// Where the value begins that is not whole yet, or the bytes that a line has announced.
    at: usize,
    /// No line ends before, from `at` on. `at <= seen`
    seen: usize,
    /// What the bytes at `at` are, and how many, when a line has announced them.
    body: Option<Body>,
    /// Values so far, announced ones included.
    values: u64,
    /// What is open, outermost first.
    levels: Vec<Level>,
    /// An attribute is whose value has not begun.
    is_decorated: bool,
    /// What the stream was refused for: it stays so.
    refused: Option<Code>,
}

#[derive(Clone, Copy, Debug)]
struct Body {
    /// `None`: a piece of a string.
    blob: Option<Blob>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    kind: Kind,
    /// Values that it has.
    seen: u64,
    /// Values that it will have, if that was said.
    count: Option<u64>,
}

impl Scanner {
    /// For replies of these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Scanner {
            bounds,
            at: 0,
            seen: 0,
            body: None,
            values: 0,
            levels: Vec::new(),
            is_decorated: false,
            refused: None,
        }
    }

    /// Bytes of the reply at the front of `input`, once it is whole; the next call is about the
    /// reply behind it.
    ///
    /// # Errors
    ///
    /// [`Code::PACKET_TOO_LARGE`] beyond a limit, as soon as that is announced;
    /// [`Code::REDIS_REPLY`] for what is no reply. Both for good.
    #[inline]
    pub fn find(&mut self, input: &[u8]) -> Result<Option<usize>, Code> {
        if let Some(code) = self.refused {
            return Err(code);
        }
        loop {
            match self.step(input) {
                Ok(Some(true)) => {
                    let end = self.at;
                    (self.at, self.seen, self.values) = (0, 0, 0);
                    return Ok(Some(end));
                }
                Ok(Some(false)) => {}
                Ok(None) => return Ok(None),
                Err(code) => {
                    self.refused = Some(code);
                    return Err(code);
                }
            }
        }
    }

    /// Bytes worth having room for. A string is known to the byte; of what else there is, about
    /// as much more may come as has come, so that what is there is not moved for every piece.
    pub fn wanted(&self) -> usize {
        let known = self.body.map_or(0, |body| self.at + body.len + 2);
        if self.levels.is_empty() && known > 0 {
            return known;
        }
        known.max(2 * self.seen + limits::READ_BUFFER).min(self.bounds.message)
    }

    /// Takes one line, or what it has announced; whether the reply is whole, or nothing while
    /// bytes are missing.
    #[inline]
    fn step(&mut self, input: &[u8]) -> Result<Option<bool>, Code> {
        if let Some(body) = self.body {
            return self.step_body(input, body);
        }
        let Some(line) = self.line(input)? else {
            return Ok(None);
        };
        let head = Head::parse(line).ok_or(Code::REDIS_REPLY)?;
        self.at += line.len();
        self.seen = self.at;
        self.step_head(head).map(Some)
    }

    /// The line at hand, with its end, once it is whole.
    #[inline]
    fn line<'a>(&mut self, input: &'a [u8]) -> Result<Option<&'a [u8]>, Code> {
        let unseen = input.get(self.seen..).unwrap_or_default();
        let room = self.bounds.message - self.at;
        let found = unseen.iter().position(|byte| *byte == b'\n');
        let end = found.map_or(input.len().max(self.seen), |at| self.seen + at + 1);
        if let Some(first) = input.get(self.at) {
            let longest = head::longest(*first).ok_or(Code::REDIS_REPLY)?;
            // Whichever a line passes first, so that it is the same however the line is cut.
            if end - self.at > longest.min(room) {
                return Err(if longest <= room {
                    Code::REDIS_REPLY
                } else {
                    Code::PACKET_TOO_LARGE
                });
            }
        }
        if found.is_none() {
            self.seen = end;
            return Ok(None);
        }
        Ok(input.get(self.at..end))
    }

    #[inline]
    fn step_body(&mut self, input: &[u8], body: Body) -> Result<Option<bool>, Code> {
        let rest = input.get(self.at..).unwrap_or_default();
        let Some((bytes, [b'\r', b'\n', ..])) = rest.split_at_checked(body.len) else {
            // A wrong end is refused as soon as it is there.
            let is_fine = match rest.get(body.len..) {
                None | Some([] | [b'\r']) => true,
                Some(_) => false,
            };
            return if is_fine { Ok(None) } else { Err(Code::REDIS_REPLY) };
        };
        self.at += body.len + 2;
        self.seen = self.at;
        self.body = None;
        match body.blob {
            None => Ok(Some(false)),
            Some(blob) => {
                blob.value(bytes).ok_or(Code::REDIS_REPLY)?;
                Ok(Some(self.close_value()))
            }
        }
    }

    /// Takes what a line has announced; whether the reply is whole.
    #[inline]
    fn step_head(&mut self, head: Head<'_>) -> Result<bool, Code> {
        let in_string = self.levels.last().is_some_and(|level| level.kind == Kind::String);
        match head {
            Head::Chunk(len) if in_string => self.chunk(len),
            Head::End if !in_string && !self.is_decorated => self.end(),
            Head::Chunk(_) | Head::End => Err(Code::REDIS_REPLY),
            _ if in_string => Err(Code::REDIS_REPLY),
            Head::Value(_) => {
                self.begin_value(0)?;
                Ok(self.close_value())
            }
            Head::Blob(blob, len) => {
                self.begin_value(0)?;
                self.expect(Some(blob), len)
            }
            Head::Open(kind, count) => self.open(kind, count),
        }
    }

    /// A value begins, which announces so many more.
    #[inline]
    fn begin_value(&mut self, more: u64) -> Result<(), Code> {
        self.is_decorated = false;
        // Those of an open list were counted when it was announced.
        let is_counted = self.levels.last().is_some_and(|level| level.count.is_some());
        self.values = self.values.saturating_add(more).saturating_add(u64::from(!is_counted));
        let room = (self.bounds.message - self.at) as u64;
        if self.values > self.bounds.elements || more.saturating_mul(SHORTEST) > room {
            return Err(Code::PACKET_TOO_LARGE);
        }
        Ok(())
    }

    /// Bytes follow, and CR LF.
    #[inline]
    fn expect(&mut self, blob: Option<Blob>, len: usize) -> Result<bool, Code> {
        let room = self.bounds.message - self.at;
        if room < 2 || room - 2 < len {
            return Err(Code::PACKET_TOO_LARGE);
        }
        self.body = Some(Body { blob, len });
        Ok(false)
    }

    fn open(&mut self, kind: Kind, count: Option<u64>) -> Result<bool, Code> {
        if kind == Kind::Push && !self.levels.is_empty() {
            return Err(Code::REDIS_REPLY);
        }
        if self.levels.len() >= self.bounds.depth {
            return Err(Code::PACKET_TOO_LARGE);
        }
        self.begin_value(count.unwrap_or(0))?;
        if count == Some(0) {
            return Ok(self.close(kind));
        }
        self.levels.push(Level { kind, seen: 0, count });
        Ok(false)
    }

    fn chunk(&mut self, len: usize) -> Result<bool, Code> {
        if len > 0 {
            return self.expect(None, len);
        }
        self.levels.pop();
        Ok(self.close_value())
    }

    /// What has said no number ends.
    fn end(&mut self) -> Result<bool, Code> {
        match self.levels.pop() {
            Some(Level { kind, seen, count: None }) if kind != Kind::Map || seen % 2 == 0 => {
                Ok(self.close(kind))
            }
            _ => Err(Code::REDIS_REPLY),
        }
    }

    /// Something that held values is whole; whether the reply is.
    fn close(&mut self, kind: Kind) -> bool {
        if kind == Kind::Attribute {
            self.is_decorated = true;
            return false;
        }
        self.close_value()
    }

    /// A value is whole, and with it what it was the last of; whether the reply is.
    #[inline]
    fn close_value(&mut self) -> bool {
        while let Some(level) = self.levels.last_mut() {
            level.seen += 1;
            if level.count != Some(level.seen) {
                return false;
            }
            let kind = level.kind;
            self.levels.pop();
            if kind == Kind::Attribute {
                self.is_decorated = true;
                return false;
            }
        }
        true
    }
}
