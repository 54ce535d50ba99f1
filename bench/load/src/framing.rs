//! How a message looks on the wire.
//!
//! ```text
//! raw    | body |
//! be16   | n: u16 BE | body: n bytes |      n counts the body only
//! be32   | n: u32 BE | body: n bytes |
//! ```

use std::str::FromStr;

/// One of the three shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Bytes as they are.
    Raw,
    /// A 16-bit length in front.
    Be16,
    /// A 32-bit length in front.
    Be32,
}

impl Framing {
    /// The bytes in front of a body of `len` bytes.
    ///
    /// # Errors
    ///
    /// When the width cannot count `len`.
    pub fn header(self, len: usize) -> Result<Vec<u8>, String> {
        let too_large = |limit| format!("body of {len} bytes, {self} counts to {limit}");
        match self {
            Framing::Raw => Ok(Vec::new()),
            Framing::Be16 => u16::try_from(len)
                .map(|n| n.to_be_bytes().into())
                .or(Err(too_large(u16::MAX.into()))),
            Framing::Be32 => {
                u32::try_from(len).map(|n| n.to_be_bytes().into()).or(Err(too_large(u32::MAX)))
            }
        }
    }

    /// Bytes of the whole frames at the front of `input`; what follows is not yet one.
    #[inline]
    pub fn whole(self, input: &[u8]) -> usize {
        let mut used = 0;
        while let Some(frame) = self.first(&input[used..]) {
            used += frame;
        }
        used
    }

    /// Bytes of the first frame with its header, `None` when it is not whole.
    #[inline]
    fn first(self, input: &[u8]) -> Option<usize> {
        let frame = match self {
            Framing::Raw => input.len(),
            Framing::Be16 => 2 + u16::from_be_bytes(*input.first_chunk()?) as usize,
            Framing::Be32 => 4 + u32::from_be_bytes(*input.first_chunk()?) as usize,
        };
        (0 < frame && frame <= input.len()).then_some(frame)
    }
}

impl FromStr for Framing {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "raw" => Ok(Framing::Raw),
            "be16" => Ok(Framing::Be16),
            "be32" => Ok(Framing::Be32),
            _ => Err(format!("unknown framing {name:?}; raw, be16 or be32")),
        }
    }
}

impl std::fmt::Display for Framing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Framing::Raw => "raw",
            Framing::Be16 => "be16",
            Framing::Be32 => "be32",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_cut_anywhere_is_not_yet_a_frame() {
        let whole = b"\0\x05hello";
        for cut in 0..whole.len() {
            assert_eq!(Framing::Be16.whole(&whole[..cut]), 0, "cut at {cut}");
        }
        assert_eq!(Framing::Be16.whole(whole), whole.len());
    }

    #[test]
    fn two_frames_and_a_half_are_two() {
        assert_eq!(Framing::Be32.whole(b"\0\0\0\x01a\0\0\0\0\0\0\0\x02b"), 9);
    }

    #[test]
    fn a_body_too_long_for_its_header_is_refused() {
        assert!(Framing::Be16.header(65535).is_ok());
        assert!(Framing::Be16.header(65536).is_err());
    }
}
