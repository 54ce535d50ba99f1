//! Values of JSON as text. Commas, colons and brackets are the caller's.

/// What JSON has no text for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// A number that is none, or infinite.
    Number,
    /// Text that is not UTF-8.
    Text,
}

/// Appends a whole number.
pub fn put_integer(value: i64, out: &mut Vec<u8>) {
    let mut room = [0; 20];
    let mut at = room.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        room[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&room[at..]);
}

/// Appends a number with so many digits that it is read back exactly: "0.1", "1.0", "1e300".
///
/// # Errors
///
/// It is not finite.
pub fn put_number(value: f64, out: &mut Vec<u8>) -> Result<(), Unfit> {
    if !value.is_finite() {
        return Err(Unfit::Number);
    }
    out.extend_from_slice(format!("{value:?}").as_bytes());
    Ok(())
}

/// Appends text in quotes, with escapes where there must be some.
///
/// # Errors
///
/// It is not UTF-8.
pub fn put_text(text: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
    if std::str::from_utf8(text).is_err() {
        return Err(Unfit::Text);
    }
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        out.extend_from_slice(&rest[..at]);
        escape(rest[at], out);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
    Ok(())
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        b'"' | b'\\' => byte,
        _ => {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are() {
        let text = |value| {
            let mut out = Vec::new();
            put_integer(value, &mut out);
            String::from_utf8(out).unwrap()
        };
        for value in [0, 7, -1, i64::MAX, i64::MIN] {
            assert_eq!(text(value), value.to_string());
        }
        let mut out = Vec::new();
        for value in [0.1, 1.0, 1e300, -0.0, 5e-324] {
            put_number(value, &mut out).unwrap();
            out.push(b' ');
        }
        assert_eq!(out, b"0.1 1.0 1e300 -0.0 5e-324 ");
        assert_eq!(put_number(f64::NAN, &mut out), Err(Unfit::Number));
        assert_eq!(put_number(f64::INFINITY, &mut out), Err(Unfit::Number));
    }

    #[test]
    fn text_is_escaped_where_it_must_be() {
        let mut out = Vec::new();
        put_text("a\"b\\c\n\r\t\u{1}\u{7f}/ä😀".as_bytes(), &mut out).unwrap();
        assert_eq!(out, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\u{7f}/ä😀\"".as_bytes());
        assert_eq!(put_text(b"\xff", &mut out), Err(Unfit::Text));
    }
}
