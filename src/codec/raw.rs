//! No framing: whatever has arrived is a message, cut to a largest size.

use crate::base::error::Code;
use crate::codec::Decode;

/// Hands on what arrives in pieces of at most `max` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    /// `1 <= max`
    max: usize,
}

impl Raw {
    /// Pieces of at most `max` bytes, at least one.
    pub fn new(max: usize) -> Self {
        Raw { max: max.max(1) }
    }
}

impl Decode for Raw {
    type Item<'a> = &'a [u8];

    fn decode<'a>(&self, input: &'a [u8]) -> Result<Option<(&'a [u8], usize)>, Code> {
        let piece = input.get(..self.max).unwrap_or(input);
        Ok(if piece.is_empty() { None } else { Some((piece, piece.len())) })
    }

    fn wanted(&self, _input: &[u8]) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_at_the_maximum_and_nothing_is_lost() {
        let raw = Raw::new(3);
        assert_eq!(raw.decode(b""), Ok(None));
        assert_eq!(raw.decode(b"ab"), Ok(Some((&b"ab"[..], 2))));
        assert_eq!(raw.decode(b"abcd"), Ok(Some((&b"abc"[..], 3))));
    }
}
