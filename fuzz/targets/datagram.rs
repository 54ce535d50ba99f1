//! Datagrams: one is exactly the frame that a stream of the same bytes begins with, or nothing.
//!
//! ```text
//! | how: bit 0 width 32, bit 1 raw | max: u16, big endian | the datagram |
//! ```
#![no_main]

use chuck_core::codec::Decode;
use chuck_core::codec::datagram::Whole;
use chuck_core::codec::frame::{Frames, Width};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&[how, high, low], datagram)) = input.split_first_chunk() else {
        return;
    };
    let max = usize::from(u16::from_be_bytes([high, low]));
    if how & 2 != 0 {
        let raw = Whole::Raw { max }.open(datagram);
        assert_eq!(raw, (datagram.len() <= max).then_some(datagram));
        return;
    }
    let width = if how & 1 == 0 { Width::Bits16 } else { Width::Bits32 };
    let frames = Frames::new(max, width);
    let expected = match frames.decode(datagram) {
        Ok(Some((body, used))) if used == datagram.len() => Some(body),
        _ => None,
    };
    let opened = Whole::Frame(frames).open(datagram);
    assert_eq!(opened, expected);
    if let Some(body) = opened {
        assert_eq!(body.len() + width.head(), datagram.len());
        assert!(datagram.len() <= max);
    }
});
