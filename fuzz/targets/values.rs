//! Lists of values: what is read is well formed, a cut is no list, and what is written is read back.
//!
//! ```text
//! | how: bit 0 width 32 | the list, and whatever follows |
//! ```
#![no_main]

mod model;

use chuck_core::base::limits::VALUES;
use chuck_core::codec::frame::Width;
use chuck_core::codec::packet::table;
use libfuzzer_sys::fuzz_target;
use model::Model;

/// Longest list that is cut everywhere: beyond, the time goes with the square.
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
    table::put_count(&mut written, model.values() as u16);
    model::write(&model.told, &mut written, width);
    let (again, size) = read(&written, width).expect("what was written can be read");
    assert_eq!(size, written.len());
    assert_eq!(again.told, model.told);
});

/// The list at the front of `bytes` and its size.
fn read(bytes: &[u8], width: Width) -> Option<(Model, usize)> {
    let (count, mut rest) = table::count(bytes)?;
    assert!(count <= VALUES && count <= rest.len());
    let mut model = Model::default();
    let before = rest;
    if table::values(&mut rest, width, count, &mut model).is_none() {
        assert_eq!(rest, before, "nothing was used");
        return None;
    }
    assert_eq!(model.values(), count);
    Some((model, bytes.len() - rest.len()))
}
