//! The ranges of a body that are asked for (RFC 9110, 14.1.2).
//!
//! ```text
//! bytes=0-499, 500-, -1        the first 500, from the 501st on, the last one
//! ```

use super::{digits, split_at_first, trim};
use crate::base::limits;

/// What a Range field means for a body of a size.
// In place, although it is large: while Lua's values are made of it, nothing must need to be freed.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ranges {
    /// Nothing: the whole body is sent. It is no list of ranges of bytes, asks for too many, or for
    /// more bytes in all than there are, as only an attack does (RFC 9110, 14.2).
    Ignored,
    /// None of them is in the body: 416.
    Unsatisfiable,
    /// First and last byte of each, in the order they were asked for; `first <= last < size`.
    Bytes(List),
}

/// Few enough to stand in place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List {
    items: [(u64, u64); limits::RANGES],
    used: usize,
}

impl List {
    /// First and last byte of each.
    pub fn as_slice(&self) -> &[(u64, u64)] {
        self.items.get(..self.used).unwrap_or_default()
    }
}

/// Reads a Range field.
pub fn parse(header: &[u8], size: u64) -> Ranges {
    let (unit, set) = split_at_first(trim(header), b'=');
    let Some(set) = set.filter(|_| unit.eq_ignore_ascii_case(b"bytes")) else {
        return Ranges::Ignored;
    };
    let mut list = List { items: [(0, 0); limits::RANGES], used: 0 };
    let (mut count, mut total) = (0, 0u64);
    for spec in set.split(|byte| *byte == b',').map(trim).filter(|spec| !spec.is_empty()) {
        count += 1;
        let Some(range) = parse_one(spec, size).filter(|_| count <= limits::RANGES) else {
            return Ranges::Ignored;
        };
        let Some((first, last)) = range else { continue };
        total = total.saturating_add(last - first + 1);
        list.items[list.used] = (first, last);
        list.used += 1;
    }
    match (count, list.used) {
        (0, _) => Ranges::Ignored,
        (_, 0) => Ranges::Unsatisfiable,
        _ if total > size => Ranges::Ignored,
        _ => Ranges::Bytes(list),
    }
}

/// One range: `None` when it is none, `Some(None)` when it is not in the body.
fn parse_one(spec: &[u8], size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = split_at_first(spec, b'-');
    let last = last?;
    if first.is_empty() {
        let length = digits(last)?.min(size);
        return Some((length > 0).then(|| (size - length, size - 1)));
    }
    let first = digits(first)?;
    let end = if last.is_empty() { u64::MAX } else { digits(last)? };
    if end < first {
        return None;
    }
    Some((first < size).then(|| (first, end.min(size - 1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(header: &str, expected: &[(u64, u64)]) {
        match parse(header.as_bytes(), 10_000) {
            Ranges::Bytes(list) => assert_eq!(list.as_slice(), expected, "{header}"),
            other => panic!("{header}: {other:?}"),
        }
    }

    #[test]
    fn examples_of_the_rfc() {
        // RFC 9110, 14.1.2, of a body of 10000 bytes
        is("bytes=0-499", &[(0, 499)]);
        is("bytes=500-999", &[(500, 999)]);
        is("bytes=-500", &[(9500, 9999)]);
        is("bytes=9500-", &[(9500, 9999)]);
        is("bytes=0-0,-1", &[(0, 0), (9999, 9999)]);
        is("bytes= 0-0, 4500-5499, -1000", &[(0, 0), (4500, 5499), (9000, 9999)]);
        is("bytes=500-600,601-999", &[(500, 600), (601, 999)]);
        is("bytes=500-700,601-999", &[(500, 700), (601, 999)]);
    }

    #[test]
    fn ends_are_cut_to_the_body() {
        is("bytes=0-99999", &[(0, 9999)]);
        is("bytes=-99999", &[(0, 9999)]);
        is("BYTES=9999-99999999999999999999999", &[(9999, 9999)]);
        is("bytes=10000-,0-1", &[(0, 1)]);
        is(" bytes=,1-1,, ", &[(1, 1)]);
    }

    #[test]
    fn ranges_outside_of_the_body_are_unsatisfiable() {
        for header in ["bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=10000-,-0"] {
            assert_eq!(parse(header.as_bytes(), 10_000), Ranges::Unsatisfiable, "{header}");
        }
        assert_eq!(parse(b"bytes=0-0", 0), Ranges::Unsatisfiable);
        assert_eq!(parse(b"bytes=-1", 0), Ranges::Unsatisfiable);
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "bytes=5-4",
            "bytes=0-1-2",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes=1 - 2",
            "bytes 0-1",
            "items=0-1",
            "bytes=0-1;2-3",
            "bytes=0-1,x",
        ] {
            assert_eq!(parse(header.as_bytes(), 10_000), Ranges::Ignored, "{header}");
        }
    }

    #[test]
    fn what_only_an_attack_asks_for_is_ignored() {
        let many = |n: usize| format!("bytes={}", vec!["0-0"; n].join(","));
        assert!(matches!(parse(many(limits::RANGES).as_bytes(), 10_000), Ranges::Bytes(_)));
        assert_eq!(parse(many(limits::RANGES + 1).as_bytes(), 10_000), Ranges::Ignored);
        assert_eq!(parse(b"bytes=0-,1-,2-", 10_000), Ranges::Ignored);
        assert_eq!(parse(b"bytes=0-,0-0", 10_000), Ranges::Ignored);
    }
}
