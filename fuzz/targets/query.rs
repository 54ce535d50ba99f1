//! Queries: pairs put together again say the same; no more pairs than marks.
//!
//! ```text
//! | a query |
//! ```
#![no_main]

use chuck_core::codec::web::percent::Decoding;
use chuck_core::codec::web::query;
use libfuzzer_sys::fuzz_target;

type Pair = (Vec<u8>, Vec<u8>);

fn decoded(text: &[u8]) -> Vec<Pair> {
    let plain = |part| Decoding::FORM.decoded(part).expect("nothing is refused in a form");
    query::pairs(text).map(|(name, value)| (plain(name), plain(value))).collect()
}

fuzz_target!(|input: &[u8]| {
    let pairs = decoded(input);
    assert!(pairs.len() <= 1 + input.iter().filter(|byte| **byte == b'&').count());
    assert_eq!(query::count(input, usize::MAX), pairs.len());
    assert_eq!(query::count(input, 3), pairs.len().min(4));
    let mut text = Vec::new();
    for (name, value) in &pairs {
        query::append(name, value, &mut text);
    }
    assert_eq!(decoded(&text), pairs);
});
