//! The read side of a packet: a position in bytes that never change.

use std::cell::Cell;

use crate::base::buf::Buf;
use crate::codec::frame::Width;
use crate::codec::packet::table::{self, Build};

/// Reads fields in the order they were written. A field that is not there, or not whole,
/// is `None` and leaves the position where it was.
#[derive(Clone, Debug)]
pub struct Reader {
    body: Buf,
    /// `pos <= body.len()`. Half a word, so that the whole is small.
    pos: Cell<u32>,
    width: Width,
}

impl Reader {
    /// A reader at the start of `body`.
    pub fn new(body: Buf, width: Width) -> Self {
        Reader { body, pos: Cell::new(0), width }
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&self) -> Option<[u8; N]> {
        let bytes = *self.rest().first_chunk()?;
        self.advance(N);
        Some(bytes)
    }

    /// The next double.
    pub fn number(&self) -> Option<f64> {
        self.bytes().map(f64::from_le_bytes)
    }

    /// The next string; it may be empty.
    pub fn string(&self) -> Option<&[u8]> {
        let (len, rest) = self.width.take(self.rest())?;
        let text = rest.get(..len)?;
        self.advance(self.width.head() + len);
        Some(text)
    }

    /// Builds the next table; on `None`, `build` holds a part of it to be thrown away.
    pub fn table(&self, build: &mut impl Build) -> Option<()> {
        let mut rest = self.rest();
        let before = rest.len();
        table::read(&mut rest, self.width, build)?;
        self.advance(before - rest.len());
        Some(())
    }

    /// How many values the next list has.
    pub fn count(&self) -> Option<usize> {
        table::count(self.rest()).map(|(count, _)| count)
    }

    /// Builds the values of the next list, of which there are [`Self::count`]; on `None`, `build`
    /// holds a part of them to be thrown away.
    pub fn values(&self, build: &mut impl Build) -> Option<()> {
        let before = self.rest().len();
        let (count, mut rest) = table::count(self.rest())?;
        table::values(&mut rest, self.width, count, build)?;
        self.advance(before - rest.len());
        Some(())
    }

    /// Bytes that are left to read.
    pub fn remaining(&self) -> usize {
        self.rest().len()
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
        self.body.get(self.pos.get() as usize..).unwrap_or_default()
    }

    fn advance(&self, used: usize) {
        self.pos.set(self.pos.get() + used as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_field_is_none_and_the_position_stays() {
        let reader = Reader::new(Buf::copy(&[0, 5, b'x']), Width::Bits16);
        assert_eq!(reader.bytes::<4>(), None);
        assert_eq!(reader.string(), None);
        assert_eq!(reader.number(), None);
        assert_eq!(reader.remaining(), 3);
        assert_eq!(reader.bytes::<2>(), Some([0, 5]));
    }
}
