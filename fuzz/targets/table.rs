//! Tables: what is read is well formed, a cut is no table, and what is written is read back.
//!
//! ```text
//! | how: bit 0 width 32 | the table, and whatever follows |
//! ```
#![no_main]

mod model;

use chuck_core::codec::frame::Width;
use chuck_core::codec::packet::table;
use libfuzzer_sys::fuzz_target;
use model::Model;

/// Longest table that is cut everywhere: beyond, the time goes with the square.
const CUT: usize = 256;

fuzz_target!(|input: &[u8]| {
    let Some((how, bytes)) = input.split_first() else {
        return;
    };
    let width = if how & 1 == 0 { Width::Bits16 } else { Width::Bits32 };
    let Some((model, used)) = read(bytes, width) else {
        return;
    };
    if used <= CUT {
        for cut in 0..used {
            assert!(read(&bytes[..cut], width).is_none(), "cut at {cut}");
        }
    }
    let mut written = Vec::new();
    model::write(&model.told, &mut written, width);
    let (again, size) = read(&written, width).expect("what was written can be read");
    assert_eq!(size, written.len());
    assert_eq!(again.told, model.told);
    let mut once_more = Vec::new();
    model::write(&again.told, &mut once_more, width);
    assert_eq!(once_more, written, "there is one way to write a table");
});

/// The table at the front of `bytes` and its size.
fn read(bytes: &[u8], width: Width) -> Option<(Model, usize)> {
    let mut rest = bytes;
    let mut model = Model::default();
    let result = table::read(&mut rest, width, &mut model);
    assert!(model.room <= bytes.len() / 4, "{} pairs in {} bytes", model.room, bytes.len());
    if result.is_none() {
        assert_eq!(rest, bytes, "nothing was used");
        return None;
    }
    assert!(model.is_whole());
    let used = bytes.len() - rest.len();
    assert_eq!(&bytes[used..], rest);
    Some((model, used))
}
