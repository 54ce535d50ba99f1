//! Replies of Redis: however a stream is cut, the same replies and the same end; what the crate
//! decodes too is the same; limits are kept.
//!
//! ```text
//! | how: bit 0 low limits | split: u8 | piece: u8 | the stream |
//! ```
#![no_main]

use chuck_core::base::error::Code;
use chuck_core::codec::redis::Bounds;
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/reply.rs"]
mod reply;

use reply::{Crate, all, of_crate};

fuzz_target!(|input: &[u8]| {
    let Some((&[how, split, piece], stream)) = input.split_first_chunk() else {
        return;
    };
    let bounds = match how & 1 {
        0 => Bounds::default(),
        _ => Bounds { message: 64, depth: 3, elements: 8 },
    };
    let whole = all(bounds, [stream]);
    assert_eq!(whole, all(bounds, stream.chunks(1)), "byte by byte");
    assert_eq!(whole, all(bounds, stream.chunks(usize::from(piece) + 1)), "in pieces");
    let (front, back) = stream.split_at(usize::from(split) % (stream.len() + 1));
    assert_eq!(whole, all(bounds, [front, back]), "split at {split}");
    if how & 1 == 0 {
        check_against_the_crate(stream);
    }
});

/// The crate recurses and believes what is announced: it gets what we have found to be whole.
fn check_against_the_crate(stream: &[u8]) {
    let mut rest = stream;
    while let Some(len) = first(rest) {
        let (reply, behind) = rest.split_at(len);
        let ours = all(Bounds::default(), [reply]).0;
        // What it refuses, in unknown ways of null, of sets and of streams, is ours alone.
        if let Crate::Takes(theirs, used) = of_crate(reply) {
            assert_eq!((ours.len(), len), (1, used));
            assert!(ours[0].agrees(&theirs), "{ours:?} and {theirs:?}");
        }
        rest = behind;
    }
}

/// Bytes of the first reply, if there is a whole one.
fn first(stream: &[u8]) -> Option<usize> {
    match chuck_core::codec::redis::Scanner::new(Bounds::default()).find(stream) {
        Ok(len) => len,
        Err(code) => {
            assert!([Code::REDIS_REPLY, Code::PACKET_TOO_LARGE].contains(&code));
            None
        }
    }
}
