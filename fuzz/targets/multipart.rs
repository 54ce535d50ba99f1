//! Bodies in parts: however a body is cut, the same parts, data and end; little is kept.
//!
//! ```text
//! | piece: u8 | split: u8 | the body; its boundary is "b" |
//! ```
#![no_main]

use chuck_core::base::error::Code;
use chuck_core::codec::web::multipart::{Event, Parser, Progress};
use libfuzzer_sys::fuzz_target;

const HEAD: usize = 40;

/// What is told, with data put together, and the code it ends with.
fn all<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Option<Code>) {
    let parser = Parser::new(b"b", 4, HEAD);
    let (mut progress, mut kept) = (Progress::default(), Vec::new());
    let (mut told, mut is_inside) = (Vec::<Vec<u8>>::new(), false);
    for piece in pieces {
        kept.extend_from_slice(piece);
        let mut used = 0;
        loop {
            let (event, size) = match parser.next(&mut progress, &kept[used..]) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(code) => return (told, Some(code)),
            };
            used += size;
            match event {
                Event::Part(head) => {
                    assert!(!is_inside && head.len() <= HEAD);
                    is_inside = true;
                    told.extend([head.to_vec(), Vec::new()]);
                }
                Event::Data(bytes) => {
                    assert!(is_inside && !bytes.is_empty());
                    told.last_mut().expect("a part is open").extend_from_slice(bytes);
                }
                Event::End => {
                    assert!(is_inside);
                    is_inside = false;
                }
                Event::Done => told.push(b"done".to_vec()),
                Event::Nothing => {}
            }
        }
        kept.drain(..used);
        assert!(kept.len() <= HEAD + 1, "{} bytes are kept", kept.len());
    }
    // Data that may be a delimiter is not told yet, which depends on nothing but the end.
    (told, None)
}

fuzz_target!(|input: &[u8]| {
    let Some((&[piece, split], body)) = input.split_first_chunk() else {
        return;
    };
    let whole = all([body]);
    assert_eq!(whole, all(body.chunks(1)), "byte by byte");
    assert_eq!(whole, all(body.chunks(usize::from(piece) + 1)), "in pieces");
    let (front, back) = body.split_at(usize::from(split) % (body.len() + 1));
    assert_eq!(whole, all([front, back]), "split at {split}");
});
