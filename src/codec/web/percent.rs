//! Percent-encoding (RFC 3986, 2.1), and its variant of forms (WHATWG URL, 5).

/// What a `%` without two digits behind it means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// Nothing: the text is refused.
    Refused,
    /// Itself, as browsers and the forms of WHATWG have it.
    Literal,
}

/// How text is decoded.
#[derive(Clone, Copy, Debug)]
pub struct Decoding {
    /// Whether `+` is a blank.
    pub plus: bool,
    /// What a broken escape is.
    pub broken: Broken,
}

impl Decoding {
    /// A part of a path: strict.
    pub const PATH: Decoding = Decoding { plus: false, broken: Broken::Refused };
    /// A name or value of a query: as forms are sent.
    pub const FORM: Decoding = Decoding { plus: true, broken: Broken::Literal };

    /// Whether anything in `text` is not itself.
    pub fn changes(self, text: &[u8]) -> bool {
        match self.plus {
            true => memchr::memchr2(b'%', b'+', text).is_some(),
            false => memchr::memchr(b'%', text).is_some(),
        }
    }

    /// Decodes `text` to the front of `room`, which is as long; how many bytes that were. `None` for
    /// a broken escape that is refused.
    pub fn decode(self, text: &[u8], room: &mut [u8]) -> Option<usize> {
        let mut used = 0;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let mut value = byte;
            at += 1;
            if byte == b'%' {
                match text.get(at..at + 2).and_then(pair) {
                    Some(escaped) => {
                        value = escaped;
                        at += 2;
                    }
                    None if self.broken == Broken::Refused => return None,
                    None => {}
                }
            } else if byte == b'+' && self.plus {
                value = b' ';
            }
            *room.get_mut(used)? = value;
            used += 1;
        }
        Some(used)
    }

    /// The same, in memory of its own.
    pub fn decoded(self, text: &[u8]) -> Option<Vec<u8>> {
        let mut room = vec![0; text.len()];
        let used = self.decode(text, &mut room)?;
        room.truncate(used);
        Some(room)
    }
}

/// Appends `text`, in which everything but unreserved characters (RFC 3986, 2.3) and those in
/// `keep` is escaped.
pub fn encode(text: &[u8], keep: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        if is_unreserved(byte) || keep.contains(&byte) {
            out.push(byte);
        } else {
            escape(byte, out);
        }
    }
}

/// Appends `text` as forms send it: a blank is `+`.
pub fn encode_form(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b' ' => out.push(b'+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte),
            byte if byte.is_ascii_alphanumeric() => out.push(byte),
            byte => escape(byte, out),
        }
    }
}

/// Whether a byte never needs an escape.
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The value of a hexadecimal digit.
pub fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|value| value as u8)
}

fn pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    Some(digit(*high)? << 4 | digit(*low)?)
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let of = |value: u8| DIGITS[usize::from(value & 15)];
    out.extend_from_slice(&[b'%', of(byte >> 4), of(byte)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_in_both_cases_of_digits() {
        // RFC 3986, 2.1: the digits are equal in both cases.
        assert_eq!(Decoding::PATH.decoded(b"a%2fb%2Fc").unwrap(), b"a/b/c");
        assert_eq!(Decoding::PATH.decoded(b"%00%ff").unwrap(), b"\0\xff");
        assert_eq!(Decoding::PATH.decoded(b"a+b").unwrap(), b"a+b");
        assert_eq!(Decoding::FORM.decoded(b"a+b%2B").unwrap(), b"a b+");
    }

    #[test]
    fn an_escape_is_decoded_once() {
        assert_eq!(Decoding::PATH.decoded(b"%252e").unwrap(), b"%2e");
    }

    #[test]
    fn a_broken_escape_is_refused_in_a_path_and_itself_in_a_form() {
        for broken in [&b"%"[..], b"%2", b"%zz", b"a%2", b"%+1", b"% 1", b"%%41"] {
            assert_eq!(Decoding::PATH.decoded(broken), None, "{broken:?}");
        }
        assert_eq!(Decoding::FORM.decoded(b"100%").unwrap(), b"100%");
        assert_eq!(Decoding::FORM.decoded(b"%zz%%41").unwrap(), b"%zz%A");
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let all: Vec<u8> = (0..=255).collect();
        let mut text = Vec::new();
        encode(&all, b"", &mut text);
        assert_eq!(Decoding::PATH.decoded(&text).unwrap(), all);
        let mut form = Vec::new();
        encode_form(&all, &mut form);
        assert_eq!(Decoding::FORM.decoded(&form).unwrap(), all);
    }

    #[test]
    fn unreserved_characters_stay() {
        let mut out = Vec::new();
        encode(b"A-Z_a.z~0 /\xc3", b"/", &mut out);
        assert_eq!(out, b"A-Z_a.z~0%20/%C3");
    }
}
