//! Ranges: all of them lie in the body, and are no more than it in all.
//!
//! ```text
//! | size of the body: u64 BE | a field |
//! ```
#![no_main]

use chuck_core::base::limits;
use chuck_core::codec::web::range::{self, Ranges};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((size, header)) = input.split_first_chunk() else {
        return;
    };
    let size = u64::from_be_bytes(*size) >> 1;
    if let Ranges::Bytes(list) = range::parse(header, size) {
        let ranges = list.as_slice();
        assert!((1..=limits::RANGES).contains(&ranges.len()));
        let mut total = 0;
        for (first, last) in ranges {
            assert!(first <= last && *last < size);
            total += last - first + 1;
        }
        assert!(total <= size);
    }
});
