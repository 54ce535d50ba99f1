//! Content codings (RFC 9110, 8.4.1): gzip, deflate and br, piece by piece.
//!
//! What a peer has compressed may become a thousand times as much: its limit holds while it is
//! inflated, not afterwards.

mod brotli;
mod deflate;
mod gzip;
mod pack;

pub use pack::{Compressor, Flush};

use self::brotli::Brotli;
use self::deflate::Deflate;
use self::gzip::Gzip;
use crate::base::error::Code;

/// A content coding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950; what some servers send for it, RFC 1951, is taken too.
    Deflate,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// "gzip", "x-gzip", "deflate", "br", in any case.
    pub fn parse(name: &[u8]) -> Option<Coding> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"gzip") || is(b"x-gzip") {
            return Some(Coding::Gzip);
        }
        if is(b"deflate") {
            return Some(Coding::Deflate);
        }
        is(b"br").then_some(Coding::Brotli)
    }
}

/// What one step of a decoder says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// All of the input is used.
    More,
    /// There is room for no more.
    Full,
    /// The compressed text has ended.
    End,
}

/// Decodes compressed bytes as they come.
pub struct Decompressor {
    decoder: Decoder,
    /// Bytes that may still come out.
    left: u64,
    /// Whether anything has come in.
    is_begun: bool,
    /// What it said last, and says ever after.
    broken: Option<Code>,
}

enum Decoder {
    Gzip(Box<Gzip>),
    Deflate(Deflate),
    Brotli(Box<Brotli>),
}

impl Decompressor {
    /// A decoder that makes at most `limit` bytes in all.
    pub fn new(coding: Coding, limit: u64) -> Self {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(Box::default()),
            Coding::Deflate => Decoder::Deflate(Deflate::default()),
            Coding::Brotli => Decoder::Brotli(Box::default()),
        };
        Decompressor { decoder, left: limit, is_begun: false, broken: None }
    }

    /// Decodes the next bytes. `is_last`: no more follow. No bytes at all are an empty text.
    ///
    /// # Errors
    ///
    /// [`Code::HTTP_TOO_LARGE`] beyond the limit; [`Code::HTTP_PARSE`] for what is no such text, is
    /// cut short, or has something behind it. From then on every call says the same.
    pub fn feed(&mut self, input: &[u8], is_last: bool) -> Result<Vec<u8>, Code> {
        if let Some(code) = self.broken {
            return Err(code);
        }
        self.is_begun |= !input.is_empty();
        let result = self.decode(input, is_last && self.is_begun);
        self.broken = result.as_ref().err().copied();
        result
    }

    fn decode(&mut self, input: &[u8], is_last: bool) -> Result<Vec<u8>, Code> {
        let mut out = Out { bytes: Vec::new(), left: self.left };
        let mut rest = input;
        while !rest.is_empty() {
            out.grow(rest.len())?;
            let step = match &mut self.decoder {
                Decoder::Gzip(gzip) => gzip.step(&mut rest, &mut out.bytes)?,
                Decoder::Deflate(deflate) => deflate.step(&mut rest, &mut out.bytes)?,
                Decoder::Brotli(brotli) => brotli.step(&mut rest, &mut out.bytes)?,
            };
            if step == Step::End && !rest.is_empty() {
                return Err(Code::HTTP_PARSE);
            }
        }
        self.drain(&mut out)?;
        self.left = out.check()?;
        let is_whole = match &self.decoder {
            Decoder::Gzip(gzip) => gzip.is_whole(),
            Decoder::Deflate(deflate) => deflate.is_whole(),
            Decoder::Brotli(brotli) => brotli.is_whole(),
        };
        if is_last && !is_whole { Err(Code::HTTP_PARSE) } else { Ok(out.bytes) }
    }

    /// Takes what the decoder has kept for lack of room.
    fn drain(&mut self, out: &mut Out) -> Result<(), Code> {
        loop {
            let step = match &mut self.decoder {
                Decoder::Gzip(gzip) => gzip.step(&mut &[][..], &mut out.bytes)?,
                Decoder::Deflate(deflate) => deflate.step(&mut &[][..], &mut out.bytes)?,
                Decoder::Brotli(brotli) => brotli.step(&mut &[][..], &mut out.bytes)?,
            };
            if step != Step::Full {
                return Ok(());
            }
            out.grow(0)?;
        }
    }
}

/// What comes out of one call. Decoders fill `bytes` up to its capacity.
struct Out {
    bytes: Vec<u8>,
    /// How many bytes it may have.
    left: u64,
}

impl Out {
    /// Least and most room that is made at a time.
    const LEAST: usize = 1 << 10;
    const MOST: usize = 1 << 20;

    /// Makes room, where there is none, for about what `input` bytes become.
    fn grow(&mut self, input: usize) -> Result<(), Code> {
        self.check()?;
        if self.bytes.len() < self.bytes.capacity() {
            return Ok(());
        }
        let wanted = input.saturating_mul(4).max(self.bytes.len()).clamp(Self::LEAST, Self::MOST);
        // One more than may come: then it is known that it would be too much.
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).saturating_add(1);
        self.bytes.reserve_exact(wanted.min(most - self.bytes.len()));
        Ok(())
    }

    /// What is left of the limit.
    fn check(&self) -> Result<u64, Code> {
        self.left.checked_sub(self.bytes.len() as u64).ok_or(Code::HTTP_TOO_LARGE)
    }
}

#[cfg(test)]
mod tests;
