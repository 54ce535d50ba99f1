//! Messages of HTTP: however a stream is cut, whole or in parts, the same messages and the same
//! end; limits are kept.
//!
//! ```text
//! | how: bits 0-1 role, 2 low limits, 3 the peer's end, 4 HEAD | split: u8 | piece: u8 | the stream |
//! ```
#![no_main]

use chuck_core::codec::http1::{Bounds, Role};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/message.rs"]
mod message;

use message::Reader;

fuzz_target!(|input: &[u8]| {
    let Some((&[how, split, piece], stream)) = input.split_first_chunk() else {
        return;
    };
    let role = [Role::Server, Role::Client, Role::Either, Role::Server][usize::from(how & 3)];
    let bounds = match how & 4 {
        0 => Bounds::default(),
        _ => Bounds { line: 40, head: 100, fields: 4, body: 20, message: 110 },
    };
    let methods: &[&str] = if how & 16 == 0 { &[] } else { &["HEAD"] };
    let read = |is_whole: bool, pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut reader = Reader::new(role, bounds, is_whole, methods);
        for piece in pieces {
            reader.receive(piece);
        }
        if how & 8 != 0 {
            reader.end();
        }
        reader.told
    };
    let whole = read(true, &mut [stream].into_iter());
    let (front, back) = stream.split_at(usize::from(split) % (stream.len() + 1));
    for is_whole in [true, false] {
        assert_eq!(whole, read(is_whole, &mut [stream].into_iter()), "in parts");
        assert_eq!(whole, read(is_whole, &mut stream.chunks(1)), "byte by byte");
        let size = usize::from(piece) + 1;
        assert_eq!(whole, read(is_whole, &mut stream.chunks(size)), "in pieces");
        assert_eq!(whole, read(is_whole, &mut [front, back].into_iter()), "split at {split}");
    }
});
