//! Frames: every cut of a stream is "not yet" or the same frame, and the limit holds early.
//!
//! ```text
//! | how: bit 0 width 32, bit 1 no limit | max: u16 | split: u16 | the stream |     big endian
//! ```
#![no_main]

use chuck_core::base::error::Code;
use chuck_core::codec::Decode;
use chuck_core::codec::frame::{Frames, Width};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&[how, max_high, max_low, split_high, split_low], stream)) =
        input.split_first_chunk()
    else {
        return;
    };
    let width = if how & 1 == 0 { Width::Bits16 } else { Width::Bits32 };
    let max = match how & 2 {
        0 => usize::from(u16::from_be_bytes([max_high, max_low])),
        _ => usize::MAX,
    };
    let split = usize::from(u16::from_be_bytes([split_high, split_low])) % (stream.len() + 1);
    let frames = Frames::new(max, width);
    for cut in 0..=stream.len() {
        check_against_the_shape(&frames, &stream[..cut], width, max);
    }
    check_every_cut(&frames, stream);
    let whole = all(&frames, &[stream]);
    assert_eq!(whole, all(&frames, &[&stream[..split], &stream[split..]]), "split at {split}");
});

/// What `decode` and `wanted` say, from the shape of a frame alone.
fn check_against_the_shape(frames: &Frames, input: &[u8], width: Width, max: usize) {
    let head = width.head();
    let result = frames.decode(input);
    let Some(announced) = input.get(..head) else {
        assert_eq!(result, Ok(None), "a header that is not whole");
        assert_eq!(frames.wanted(input), head);
        return;
    };
    let size = head + announced.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    if size > max {
        assert_eq!(result, Err(Code::PACKET_TOO_LARGE), "{size} bytes announced, limit {max}");
        return;
    }
    assert_eq!(frames.wanted(input), size);
    assert_eq!(result, Ok(input.get(head..size).map(|body| (body, size))));
}

/// A cut gives nothing yet, or exactly what the whole gives.
fn check_every_cut(frames: &Frames, stream: &[u8]) {
    let whole = frames.decode(stream);
    let mut is_known = false;
    for cut in 0..=stream.len() {
        let result = frames.decode(&stream[..cut]);
        if let Ok(Some((_, used))) = result {
            assert!(used <= cut, "used {used} of {cut} bytes");
        }
        is_known |= result != Ok(None);
        assert_eq!(result, if is_known { whole } else { Ok(None) }, "cut at {cut}");
    }
}

/// All frames of a stream that arrives in `pieces`, and what it ended with.
fn all(frames: &Frames, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<Vec<u8>, Code>) {
    let (mut found, mut pending) = (Vec::new(), Vec::new());
    for piece in pieces {
        pending.extend_from_slice(piece);
        let mut at = 0;
        loop {
            match frames.decode(&pending[at..]) {
                Ok(Some((body, used))) => {
                    assert!(used > 0, "a frame that takes no bytes never ends");
                    found.push(body.to_vec());
                    at += used;
                }
                Ok(None) => break,
                Err(code) => return (found, Err(code)),
            }
        }
        pending.drain(..at);
    }
    (found, Ok(pending))
}
