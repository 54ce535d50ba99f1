//! Length-prefixed frames, the wire shape of `wpacket` and `rpacket`.
//!
//! ```text
//! | n: u16 or u32, big endian | body: n bytes |      n counts the body only
//! ```

use crate::base::error::Code;
use crate::base::limits;
use crate::codec::Decode;

/// Width of a frame's header, and of every string length inside of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// Two bytes, the default.
    Bits16,
    /// Four bytes.
    Bits32,
}

impl Width {
    /// The width of `bits`, if there is one.
    pub fn from_bits(bits: i64) -> Option<Self> {
        match bits {
            16 => Some(Width::Bits16),
            32 => Some(Width::Bits32),
            _ => None,
        }
    }

    /// Bytes of the header.
    pub fn head(self) -> usize {
        match self {
            Width::Bits16 => 2,
            Width::Bits32 => 4,
        }
    }

    /// Largest body that may be built, in bytes.
    pub fn body_max(self) -> usize {
        match self {
            Width::Bits16 => limits::PACKET_16 - 2,
            Width::Bits32 => limits::PACKET_32 - 4,
        }
    }

    /// Writes `len` at this width; `len` fits, for no body is larger than [`Self::body_max`].
    pub fn put(self, len: usize, out: &mut Vec<u8>) {
        match self {
            Width::Bits16 => out.extend_from_slice(&(len as u16).to_be_bytes()),
            Width::Bits32 => out.extend_from_slice(&(len as u32).to_be_bytes()),
        }
    }

    /// Reads a length and what follows it; `None` while the length is not whole.
    pub fn take(self, input: &[u8]) -> Option<(usize, &[u8])> {
        match self {
            Width::Bits16 => {
                let (head, rest) = input.split_first_chunk()?;
                Some((usize::from(u16::from_be_bytes(*head)), rest))
            }
            Width::Bits32 => {
                let (head, rest) = input.split_first_chunk()?;
                Some((u32::from_be_bytes(*head) as usize, rest))
            }
        }
    }
}

/// Decoder of frames up to a largest size.
#[derive(Clone, Copy, Debug)]
pub struct Frames {
    /// Largest frame in bytes, header included.
    max: usize,
    width: Width,
}

impl Frames {
    /// Frames of at most `max` bytes, header included.
    pub fn new(max: usize, width: Width) -> Self {
        Frames { max, width }
    }

    /// Width of the header.
    pub fn width(&self) -> Width {
        self.width
    }
}

impl Decode for Frames {
    type Item<'a> = &'a [u8];

    /// # Errors
    ///
    /// [`Code::PACKET_TOO_LARGE`], as soon as the header is readable.
    fn decode<'a>(&self, input: &'a [u8]) -> Result<Option<(&'a [u8], usize)>, Code> {
        let Some((len, rest)) = self.width.take(input) else {
            return Ok(None);
        };
        let head = self.width.head();
        if self.max.saturating_sub(head) < len || self.max < head {
            return Err(Code::PACKET_TOO_LARGE);
        }
        Ok(rest.get(..len).map(|body| (body, head + len)))
    }

    fn wanted(&self, input: &[u8]) -> usize {
        self.width.head() + self.width.take(input).map_or(0, |(len, _)| len.min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Width; 2] = [Width::Bits16, Width::Bits32];

    fn frame(width: Width, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        width.put(body.len(), &mut out);
        out.extend_from_slice(body);
        out
    }

    #[test]
    fn a_frame_cut_anywhere_is_not_yet_a_frame() {
        for width in BOTH {
            let whole = frame(width, b"hello");
            let frames = Frames::new(64, width);
            for cut in 0..whole.len() {
                assert_eq!(frames.decode(&whole[..cut]), Ok(None), "cut at {cut}");
            }
            assert_eq!(frames.decode(&whole), Ok(Some((&b"hello"[..], whole.len()))));
        }
    }

    #[test]
    fn two_frames_come_out_one_by_one() {
        for width in BOTH {
            let two = [frame(width, b"a"), frame(width, b"bc")].concat();
            let frames = Frames::new(64, width);
            let (first, used) = frames.decode(&two).unwrap().unwrap();
            assert_eq!(first, b"a");
            assert_eq!(frames.decode(&two[used..]).unwrap().unwrap().0, b"bc");
        }
    }

    #[test]
    fn an_empty_frame_needs_no_further_byte() {
        for width in BOTH {
            let empty = frame(width, b"");
            assert_eq!(Frames::new(64, width).decode(&empty), Ok(Some((&b""[..], width.head()))));
        }
    }

    #[test]
    fn the_limit_counts_the_header_and_holds_when_announced() {
        for width in BOTH {
            let frames = Frames::new(width.head() + 4, width);
            assert!(frames.decode(&frame(width, b"1234")).unwrap().is_some());
            let announced = &frame(width, b"12345")[..width.head()];
            assert_eq!(frames.decode(announced), Err(Code::PACKET_TOO_LARGE));
        }
    }

    #[test]
    fn a_limit_below_the_header_refuses_every_frame() {
        assert_eq!(Frames::new(1, Width::Bits16).decode(&[0, 0]), Err(Code::PACKET_TOO_LARGE));
    }
}
