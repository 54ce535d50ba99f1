//! What HTTP says in fields and bodies: URLs, queries, cookies, dates, ranges, codings, forms.
//!
//! Each file is one noun. Text of a peer is borrowed, not copied; what cannot be borrowed is
//! written where the caller says. None of them waits, recurses or asks for the time.

pub mod coding;
pub mod cookie;
pub mod date;
pub mod digest;
pub mod media;
pub mod multipart;
pub mod percent;
pub mod query;
pub mod range;
pub mod suffix;
pub mod target;
pub mod url;

/// Without blanks and tabs at both ends (RFC 9110, 5.6.3).
pub fn trim(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let first = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let last = text.iter().rposition(|byte| !is_blank(byte)).map_or(first, |at| at + 1);
    text.get(first..last).unwrap_or_default()
}

/// Whether a byte may stand in a token (RFC 9110, 5.6.2).
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether all of it is a token.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

/// The text before and after the first `mark`; all of it and nothing where there is none.
pub fn split_at_first(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(mark, text) {
        Some(at) => (&text[..at], text.get(at + 1..)),
        None => (text, None),
    }
}

/// A whole number in decimal digits and nothing else. What is too large for 63 bits is as large as
/// can be: it is beyond every size anyway.
pub fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let append = |n: u64, byte: &u8| n.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    Some(text.iter().fold(0, append).min(i64::MAX as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_digits_only() {
        assert_eq!(digits(b"007"), Some(7));
        assert_eq!(digits(b"99999999999999999999"), Some(i64::MAX as u64));
        for wrong in [&b""[..], b"+1", b"-1", b" 1", b"1 ", b"1.0", b"0x1"] {
            assert_eq!(digits(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn blanks_are_taken_from_both_ends() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b" \t"), b"");
        assert_eq!(trim(b""), b"");
    }
}
