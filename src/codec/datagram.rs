//! Datagrams: each stands alone, and is one packet or none.
//!
//! ```text
//! frame  | n: u16 or u32, big endian | body: n bytes |    and not a byte more
//! raw    | any bytes, also none |
//! ```
//!
//! No state goes from one to the next: what a peer sends can spoil nothing but itself.

use crate::codec::Decode;
use crate::codec::frame::{Frames, Width};

/// What a datagram has to be to become a packet.
#[derive(Clone, Copy, Debug)]
pub enum Whole {
    /// Any bytes up to a largest number.
    Raw {
        /// Largest datagram, in bytes.
        max: usize,
    },
    /// Exactly one frame.
    Frame(Frames),
}

impl Whole {
    /// The bytes of the packet; `None` when the datagram is none.
    pub fn open<'a>(&self, datagram: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Whole::Raw { max } => (datagram.len() <= *max).then_some(datagram),
            Whole::Frame(frames) => {
                let (body, used) = frames.decode(datagram).ok()??;
                (used == datagram.len()).then_some(body)
            }
        }
    }

    /// Of frames, the width of their header.
    pub fn width(&self) -> Option<Width> {
        match self {
            Whole::Raw { .. } => None,
            Whole::Frame(frames) => Some(frames.width()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"\0\x05hello";

    fn frames(max: usize) -> Whole {
        Whole::Frame(Frames::new(max, Width::Bits16))
    }

    #[test]
    fn a_frame_that_is_not_the_whole_datagram_is_none() {
        assert_eq!(frames(64).open(FRAME), Some(&b"hello"[..]));
        for cut in 0..FRAME.len() {
            assert_eq!(frames(64).open(&FRAME[..cut]), None, "cut at {cut}");
        }
        assert_eq!(frames(64).open(&[FRAME, b"!"].concat()), None);
        assert_eq!(frames(64).open(&[FRAME, FRAME].concat()), None);
    }

    #[test]
    fn the_limit_counts_the_header_and_may_be_reached() {
        assert_eq!(frames(FRAME.len()).open(FRAME), Some(&b"hello"[..]));
        assert_eq!(frames(FRAME.len() - 1).open(FRAME), None);
    }

    #[test]
    fn an_empty_frame_and_an_empty_raw_datagram_are_packets() {
        assert_eq!(frames(64).open(b"\0\0"), Some(&b""[..]));
        assert_eq!(Whole::Raw { max: 0 }.open(b""), Some(&b""[..]));
    }

    #[test]
    fn a_raw_datagram_is_whole_or_none() {
        assert_eq!(Whole::Raw { max: 3 }.open(b"abc"), Some(&b"abc"[..]));
        assert_eq!(Whole::Raw { max: 3 }.open(b"abcd"), None);
    }
}
