//! The read side of a packet: a position in bytes that never change.

use crate::base::buf::Buf;
use crate::codec::frame::Width;
use crate::codec::packet::table::{self, Build};

/// Reads fields in the order they were written. A field that is not there, or not whole,
/// is `None` and leaves the position where it was.
#[derive(Clone, Debug)]
pub struct Reader {
    body: Buf,
    /// `pos <= body.len()`
    pos: usize,
    width: Width,
}

impl Reader {
    /// A reader at the start of `body`.
    pub fn new(body: Buf, width: Width) -> Self {
        Reader { body, pos: 0, width }
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.rest().first_chunk()?;
        self.pos += N;
        Some(bytes)
    }

    /// The next double.
    pub fn number(&mut self) -> Option<f64> {
        self.bytes().map(f64::from_le_bytes)
    }

    /// The next string; it may be empty.
    pub fn string(&mut self) -> Option<&[u8]> {
        let (len, rest) = self.width.take(self.body.get(self.pos..)?)?;
        if rest.len() < len {
            return None;
        }
        let start = self.pos + self.width.head();
        self.pos = start + len;
        self.body.get(start..self.pos)
    }

    /// Builds the next table; on `None`, `build` holds a part of it to be thrown away.
    pub fn table(&mut self, build: &mut impl Build) -> Option<()> {
        let mut rest = self.body.get(self.pos..)?;
        table::read(&mut rest, self.width, build)?;
        self.pos = self.body.len() - rest.len();
        Some(())
    }

    /// Bytes that are left to read.
    pub fn remaining(&self) -> usize {
        self.body.len() - self.pos
    }

    /// The whole payload, however far it was read.
    pub fn body(&self) -> &Buf {
        &self.body
    }

    /// Width of the string lengths.
    pub fn width(&self) -> Width {
        self.width
    }

    fn rest(&self) -> &[u8] {
        self.body.get(self.pos..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_field_is_none_and_the_position_stays() {
        let mut reader = Reader::new(Buf::copy(&[0, 5, b'x']), Width::Bits16);
        assert_eq!(reader.bytes::<4>(), None);
        assert_eq!(reader.string(), None);
        assert_eq!(reader.number(), None);
        assert_eq!(reader.remaining(), 3);
        assert_eq!(reader.bytes::<2>(), Some([0, 5]));
    }
}
