//! The pairs of a query or of a form (application/x-www-form-urlencoded).
//!
//! ```text
//! name=value&name&=value&&name=va=lue        empty pieces are no pairs
//! ```

use super::{percent, split_at_first};

/// The pairs of a query, as they came: names and values are not decoded.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    rest: Option<&'a [u8]>,
}

/// Takes a query apart.
pub fn pairs(query: &[u8]) -> Pairs<'_> {
    Pairs { rest: Some(query) }
}

/// Number of pairs, looked for no further than `limit` and one.
pub fn count(query: &[u8], limit: usize) -> usize {
    pairs(query).take(limit.saturating_add(1)).count()
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest {
            let (piece, after) = split_at_first(rest, b'&');
            self.rest = after;
            if !piece.is_empty() {
                let (name, value) = split_at_first(piece, b'=');
                return Some((name, value.unwrap_or_default()));
            }
        }
        None
    }
}

/// Appends a pair, encoded as forms send it.
pub fn append(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b'&');
    }
    percent::encode_form(name, out);
    out.push(b'=');
    percent::encode_form(value, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Vec<(&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        pairs(query.as_bytes()).map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn a_query_is_its_pairs_in_order() {
        assert_eq!(of("a=1&b=2&a=3"), [("a", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(of("a&=b&c=d=e&&"), [("a", ""), ("", "b"), ("c", "d=e")]);
        assert_eq!(of("="), [("", "")]);
        assert_eq!(of(""), []);
        assert_eq!(of("&&&"), []);
    }

    #[test]
    fn pairs_are_counted_no_further_than_needed() {
        assert_eq!(count(b"a&b&c", 9), 3);
        assert_eq!(count(b"a&b&c", 3), 3);
        assert_eq!(count(b"a&b&c&d&e", 3), 4);
    }

    #[test]
    fn what_is_put_together_comes_apart() {
        let mut out = Vec::new();
        append(b"a b", b"&=", &mut out);
        append(b"", b"", &mut out);
        assert_eq!(out, b"a+b=%26%3D&=");
    }
}
