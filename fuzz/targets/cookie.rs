//! Cookies, dates and media types: what is read can be written and reads the same; limits are kept.
//!
//! ```text
//! | a field |
//! ```
#![no_main]

use chuck_core::base::limits;
use chuck_core::codec::web::media::{self, Backslash};
use chuck_core::codec::web::{cookie, date};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut count = 0;
    for (name, value) in cookie::pairs(input) {
        count += 1;
        assert!(!name.is_empty() && !name.contains(&b';') && !value.contains(&b';'));
        assert!(!name.contains(&b'\n') && !value.contains(&b'\n'));
    }
    assert!(count <= limits::COOKIES);
    if let Some(set) = cookie::parse(input) {
        let mut text = Vec::new();
        if set.write(&mut text).is_ok() {
            assert!(!text.contains(&b'\n') && !text.contains(&b'\r'));
            assert_eq!(cookie::parse(&text), Some(set));
        }
    }
    for now in [0, 1_790_000_000] {
        if let Some(moment) = date::parse(input, now) {
            assert_eq!(date::parse(&date::format(moment), now), Some(moment));
        }
    }
    for value in [media::media_type(input), media::disposition(input)].into_iter().flatten() {
        for given in value.parameters() {
            let mut room = vec![0; given.text.len()];
            let plain = given.unquote(Backslash::Quotes, &mut room).expect("it has room");
            let lenient = given.unquote(Backslash::IsMostlyItself, &mut room).expect("it has room");
            assert!(plain <= lenient);
            let _ = given.extended();
        }
    }
    assert!(media::boundary(input).is_none_or(media::is_boundary));
    assert!(media::type_weight(input, b"text/html") <= 1000);
    assert!(media::coding_weight(input, b"gzip") <= 1000);
});
