//! Codings: what was packed is unpacked; whatever is unpacked keeps the limit and does not depend on
//! how it is cut, but for what is made before it is found to be broken.
//!
//! ```text
//! | how: bits 0-1 coding, bit 2 pack first | piece: u8 | bytes |
//! ```
#![no_main]

use chuck_core::base::error::Code;
use chuck_core::codec::web::coding::{Coding, Compressor, Decompressor, Flush};
use libfuzzer_sys::fuzz_target;

const LIMIT: u64 = 1 << 16;

fn unpacked<'a>(
    coding: Coding,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Code> {
    let mut reader = Decompressor::new(coding, LIMIT);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(reader.feed(piece, false)?);
        assert!(out.len() as u64 <= LIMIT);
    }
    out.extend(reader.feed(b"", true)?);
    Ok(out)
}

fuzz_target!(|input: &[u8]| {
    let Some((&[how, piece], bytes)) = input.split_first_chunk() else {
        return;
    };
    let coding = match how & 3 {
        0 => Coding::Gzip,
        1 => Coding::Deflate,
        _ => Coding::Brotli,
    };
    if how & 4 == 0 {
        let whole = unpacked(coding, [bytes]);
        let cut = unpacked(coding, bytes.chunks(usize::from(piece) + 1));
        assert_eq!(whole.is_ok(), cut.is_ok());
        if let (Ok(whole), Ok(cut)) = (whole, cut) {
            assert_eq!(whole, cut);
        }
        return;
    }
    let mut packer = Compressor::new(coding, Some(u32::from(how >> 4) % 10));
    let mut reader = Decompressor::new(coding, bytes.len() as u64);
    for text in bytes.chunks(usize::from(piece) + 1) {
        let packed = packer.feed(text, Flush::All).expect("it was not finished");
        assert_eq!(reader.feed(&packed, false).as_deref(), Ok(text));
    }
    let packed = packer.feed(b"", Flush::Finish).expect("it was not finished");
    assert_eq!(reader.feed(&packed, true).as_deref(), Ok(&b""[..]));
});
