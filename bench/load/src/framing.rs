//! How a message looks on the wire.
//!
//! ```text
//! raw    | body |
//! be16   | n: u16 BE | body: n bytes |      n counts the body only
//! be32   | n: u32 BE | body: n bytes |
//! http   | head | blank line | body: as many bytes as "Content-Length:" says, if it does |
//! ```

use std::str::FromStr;

/// One of the four shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Bytes as they are.
    Raw,
    /// A 16-bit length in front.
    Be16,
    /// A 32-bit length in front.
    Be32,
    /// A request of HTTP/1.1. What load sends has no such shape, it is for servers.
    Http,
}

/// What ends the head of a request.
const BLANK_LINE: &[u8] = b"\r\n\r\n";
/// The field that announces a body, as wrk is told to write it.
const LENGTH: &[u8] = b"\r\nContent-Length: ";

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
            Framing::Http => Err("requests are sent by wrk and web".into()),
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

    /// How many frames there are in `frames`, all of them whole.
    #[inline]
    pub fn count(self, frames: &[u8]) -> usize {
        let (mut used, mut count) = (0, 0);
        while let Some(frame) = self.first(&frames[used..]) {
            used += frame;
            count += 1;
        }
        count
    }

    /// Bytes of the first frame with its header, `None` when it is not whole.
    #[inline]
    fn first(self, input: &[u8]) -> Option<usize> {
        let frame = match self {
            Framing::Raw => input.len(),
            Framing::Be16 => 2 + u16::from_be_bytes(*input.first_chunk()?) as usize,
            Framing::Be32 => 4 + u32::from_be_bytes(*input.first_chunk()?) as usize,
            Framing::Http => request(input)?,
        };
        (0 < frame && frame <= input.len()).then_some(frame)
    }
}

/// Bytes of a request whose head is there, with the body that it announces.
#[inline]
fn request(input: &[u8]) -> Option<usize> {
    let head = find(input, BLANK_LINE)? + BLANK_LINE.len();
    if input.starts_with(b"GET ") {
        return Some(head);
    }
    let digits = find(&input[..head], LENGTH).map_or(head, |at| at + LENGTH.len());
    let length = input[digits..head].iter().take_while(|byte| byte.is_ascii_digit());
    Some(head + length.fold(0, |number, byte| number * 10 + usize::from(byte - b'0')))
}

/// Where `wanted` begins.
#[inline]
pub fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
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
            Framing::Http => "http",
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
    fn a_request_ends_with_its_blank_line_or_its_body() {
        let plain = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let posted = b"POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\nhello, limit";
        let both = [&plain[..], &posted[..]].concat();
        for cut in plain.len()..both.len() {
            assert_eq!(Framing::Http.whole(&both[..cut]), plain.len(), "cut at {cut}");
        }
        assert_eq!(Framing::Http.whole(&both), both.len());
        assert_eq!(Framing::Http.count(&both), 2);
    }

    #[test]
    fn a_body_too_long_for_its_header_is_refused() {
        assert!(Framing::Be16.header(65535).is_ok());
        assert!(Framing::Be16.header(65536).is_err());
    }
}
