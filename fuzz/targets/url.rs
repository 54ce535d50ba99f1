//! URLs, targets and paths: what is taken apart is put together again; what is resolved is a URL and
//! stays where it points; no path leads above its root.
//!
//! ```text
//! | split: u8 | a base, cut there, and a reference |
//! ```
#![no_main]

use chuck_core::codec::web::percent::{self, Decoding};
use chuck_core::codec::web::{suffix, target, url};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&split, text)) = input.split_first() else {
        return;
    };
    let (base, reference) = text.split_at(usize::from(split) % (text.len() + 1));
    if let Ok(parts) = url::parse(text) {
        let again = parts.to_bytes();
        assert_eq!(again, text);
        assert!(!again.iter().any(|byte| *byte <= b' ' || *byte >= 0x7f));
    }
    if let Ok(made) = url::resolve(base, reference) {
        let parts = url::parse(&made).expect("what is resolved is a URL");
        assert!(parts.scheme.is_some());
        let own = url::parse(reference).expect("it was one");
        if own.scheme.is_none() && own.authority.is_none() {
            let from = url::parse(base).expect("it was one");
            assert_eq!(parts.authority, from.authority, "a path does not change the host");
        }
    }
    let parts = target::split(text);
    let mut path = Vec::new();
    target::remove_dots(parts.path, &mut path);
    assert!(path.len() <= parts.path.len());
    assert!(!path.split(|byte| *byte == b'/').any(|segment| segment == b".." || segment == b"."));
    let mut encoded = Vec::new();
    percent::encode(text, b"", &mut encoded);
    assert_eq!(Decoding::PATH.decoded(&encoded).as_deref(), Some(text));
    if let Some(size) = suffix::registrable(text) {
        assert!(size <= text.len() && !suffix::is_public(text));
    }
});
