//! Media types and dispositions with their parameters, and what a client accepts.
//!
//! ```text
//! text/html; charset="utf-8"                                  RFC 9110, 8.3.1
//! form-data; name="a"; filename="b\"c"; filename*=UTF-8''d    RFC 6266, 7578, 8187
//! text/html;q=0.8, text/*;q=0.5, */*;q=0.1                    RFC 9110, 12.5
//! ```

use super::{is_token, is_token_byte, trim};
use crate::base::limits;

/// What a backslash in quotes is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backslash {
    /// It makes any byte behind it itself (RFC 9110, 5.6.4).
    Quotes,
    /// Only a quote or another one: browsers send paths of files as they are.
    IsMostlyItself,
}

/// A value with parameters, of which the text is well formed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Value<'a> {
    /// "text/html", "form-data"; in the case it came in.
    pub kind: &'a [u8],
    parameters: &'a [u8],
}

/// A parameter: its name in the case it came in, its value without quotes around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter<'a> {
    /// A token.
    pub name: &'a [u8],
    /// With its backslashes, if it was quoted.
    pub text: &'a [u8],
    /// Whether it stood in quotes.
    pub is_quoted: bool,
}

/// A media type. `None` for what is none, has a parameter twice, or too many.
pub fn media_type(text: &[u8]) -> Option<Value<'_>> {
    let value = parse(text)?;
    let slash = memchr::memchr(b'/', value.kind)?;
    let is_type = is_token(&value.kind[..slash]) && is_token(&value.kind[slash + 1..]);
    is_type.then_some(value)
}

/// A disposition: "form-data", "attachment". `None` as for [`media_type`].
pub fn disposition(text: &[u8]) -> Option<Value<'_>> {
    parse(text).filter(|value| is_token(value.kind))
}

/// The boundary of a type that has one: "multipart/…" with 1 to 70 bytes that may stand in it (RFC
/// 2046, 5.1.1).
pub fn boundary(text: &[u8]) -> Option<&[u8]> {
    let value = media_type(text)?;
    let is_multipart = value.kind.get(..10)?.eq_ignore_ascii_case(b"multipart/");
    let given = value.parameters().find(|given| given.name.eq_ignore_ascii_case(b"boundary"))?;
    (is_multipart && is_boundary(given.text)).then_some(given.text)
}

/// Whether it may be a boundary.
pub fn is_boundary(text: &[u8]) -> bool {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    (1..=70).contains(&text.len()) && text.iter().all(is_inside) && !text.ends_with(b" ")
}

fn parse(text: &[u8]) -> Option<Value<'_>> {
    let text = trim(text);
    let end = memchr::memchr(b';', text).unwrap_or(text.len());
    let (kind, parameters) = text.split_at(end);
    let value = Value { kind: trim(kind), parameters };
    let mut rest = value.parameters();
    let mut count = 0;
    for given in rest.by_ref() {
        count += 1;
        if count > limits::PARAMETERS || value.has_before(given.name, count - 1) {
            return None;
        }
    }
    rest.rest.is_empty().then_some(value)
}

impl<'a> Value<'a> {
    /// Its parameters in order.
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters { rest: self.parameters }
    }

    /// Whether one of the first `count` parameters has this name.
    fn has_before(&self, name: &[u8], count: usize) -> bool {
        self.parameters().take(count).any(|given| given.name.eq_ignore_ascii_case(name))
    }
}

/// Parameters, one after the other. What is no parameter stays in `rest`.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        loop {
            let inner = trim(trim(self.rest).strip_prefix(b";")?);
            if !inner.is_empty() && inner[0] != b';' {
                let (given, rest) = parameter(inner)?;
                self.rest = rest;
                return Some(given);
            }
            self.rest = inner;
        }
    }
}

/// The parameter at the front, and what is behind it.
fn parameter(text: &[u8]) -> Option<(Parameter<'_>, &[u8])> {
    let end = text.iter().position(|byte| !is_token_byte(*byte))?;
    let (name, rest) = text.split_at(end);
    let rest = rest.strip_prefix(b"=")?;
    if name.is_empty() {
        return None;
    }
    let Some(inner) = rest.strip_prefix(b"\"") else {
        let end = rest.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(rest.len());
        let (text, rest) = rest.split_at(end);
        let is_whole = !text.is_empty() && at_end(rest);
        return is_whole.then_some((Parameter { name, text, is_quoted: false }, rest));
    };
    let end = closing_quote(inner)?;
    let rest = &inner[end + 1..];
    at_end(rest).then_some((Parameter { name, text: &inner[..end], is_quoted: true }, rest))
}

/// Whether the next parameter, or nothing, is next.
fn at_end(rest: &[u8]) -> bool {
    matches!(trim(rest).first(), None | Some(b';'))
}

/// Where the quoted text ends (RFC 9110, 5.6.4).
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 1,
            byte if *byte != b'\t' && (*byte < 0x20 || *byte == 0x7f) => return None,
            _ => {}
        }
        at += 1;
    }
}

impl Parameter<'_> {
    /// Whether its value is something else than its text.
    pub fn changes(&self) -> bool {
        self.is_quoted && self.text.contains(&b'\\')
    }

    /// Writes its value to the front of `room`, which is as long as its text; how long that is.
    pub fn unquote(&self, backslash: Backslash, room: &mut [u8]) -> Option<usize> {
        let mut used = 0;
        let mut bytes = self.text.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let is_next_quoted = match (self.is_quoted && byte == b'\\', bytes.peek()) {
                (false, _) | (true, None) => false,
                (true, Some(b'"' | b'\\')) => true,
                (true, Some(_)) => backslash == Backslash::Quotes,
            };
            *room.get_mut(used)? = match is_next_quoted {
                true => bytes.next()?,
                false => byte,
            };
            used += 1;
        }
        Some(used)
    }

    /// The value of a parameter like `filename*` (RFC 8187): "UTF-8''na%C3%AFve". `None` for another
    /// character set and for what is not well formed.
    pub fn extended(&self) -> Option<Vec<u8>> {
        let mut parts = self.text.splitn(3, |byte| *byte == b'\'');
        let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = super::percent::Decoding::PATH.decoded(text)?;
        if charset.eq_ignore_ascii_case(b"iso-8859-1") {
            return Some(bytes.iter().map(|byte| *byte as char).collect::<String>().into_bytes());
        }
        let is_utf8 = charset.eq_ignore_ascii_case(b"utf-8") && std::str::from_utf8(&bytes).is_ok();
        is_utf8.then_some(bytes)
    }
}

/// The elements of a list, without the commas (RFC 9110, 5.6.1): those in quotes do not count.
fn elements(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut at, mut is_quoted) = (0, false);
        while let Some(byte) = text.get(at) {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\\' if is_quoted => at += 1,
                b',' if !is_quoted => break,
                _ => {}
            }
            at += 1;
        }
        rest = text.get(at + 1..);
        Some(trim(&text[..at.min(text.len())]))
    })
    .filter(|element| !element.is_empty())
}

/// The weight of an element, in thousandths (RFC 9110, 12.4.2); `None` when it says something else.
fn weight(value: &Value<'_>) -> Option<u16> {
    let Some(given) = value.parameters().find(|given| given.name.eq_ignore_ascii_case(b"q")) else {
        return Some(1000);
    };
    let (whole, fraction) = super::split_at_first(given.text, b'.');
    let fraction = fraction.unwrap_or_default();
    if fraction.len() > 3 || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |at: usize| fraction.get(at).map_or(0, |byte| u16::from(byte - b'0'));
    let thousandths = digit(0) * 100 + digit(1) * 10 + digit(2);
    match whole {
        b"0" => Some(thousandths),
        b"1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// The weights of a header's elements, as many as the limit allows; those that are none are left out.
fn weighted(header: &[u8]) -> impl Iterator<Item = (Value<'_>, u16)> {
    let of = |element| {
        let value = parse(element)?;
        Some((value, weight(&value)?))
    };
    elements(header).take(limits::PREFERENCES).filter_map(of)
}

/// How much a coding is wanted by an Accept-Encoding field, in thousandths; 0: not at all.
pub fn coding_weight(header: &[u8], name: &[u8]) -> u16 {
    let mut any = None;
    for (value, weight) in weighted(header) {
        let is_it = value.kind.eq_ignore_ascii_case(name)
            || (name == b"gzip" && value.kind.eq_ignore_ascii_case(b"x-gzip"));
        if is_it {
            return weight;
        }
        if value.kind == b"*" {
            any = any.or(Some(weight));
        }
    }
    // What is not mentioned: only "as it is" is fine then (RFC 9110, 12.5.3).
    any.unwrap_or(if name == b"identity" { 1 } else { 0 })
}

/// How much a media type is wanted by an Accept field, in thousandths: of what fits, the most precise
/// counts (RFC 9110, 12.5.1). Parameters other than the weight make a range that fits nothing.
pub fn type_weight(header: &[u8], name: &[u8]) -> u16 {
    let (mut best, mut found) = (0, 0);
    for (value, weight) in weighted(header) {
        if value.parameters().next().is_some_and(|given| !given.name.eq_ignore_ascii_case(b"q")) {
            continue;
        }
        let precision = precision(value.kind, name);
        if precision > best {
            (best, found) = (precision, weight);
        }
    }
    found
}

/// 3 for the type itself, 2 for "text/*", 1 for "*/*", 0 for another.
fn precision(range: &[u8], name: &[u8]) -> u8 {
    if range == b"*/*" {
        return 1;
    }
    match range.strip_suffix(b"/*") {
        Some(front) => {
            let is_inside =
                name.get(..front.len()).is_some_and(|of| of.eq_ignore_ascii_case(front));
            if is_inside && name.get(front.len()) == Some(&b'/') { 2 } else { 0 }
        }
        None if range.eq_ignore_ascii_case(name) => 3,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(value: Value<'_>, backslash: Backslash) -> Vec<(String, String)> {
        let of = |given: Parameter<'_>| {
            let mut room = vec![0; given.text.len()];
            let used = given.unquote(backslash, &mut room).unwrap();
            let text = String::from_utf8(room[..used].to_vec()).unwrap();
            (String::from_utf8(given.name.to_vec()).unwrap(), text)
        };
        value.parameters().map(of).collect()
    }

    fn of_type(text: &str) -> Vec<(String, String)> {
        parameters(media_type(text.as_bytes()).unwrap(), Backslash::Quotes)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_type_has_parameters() {
        // RFC 9110, 8.3.1: all four are one
        for text in [
            "text/html;charset=utf-8",
            "text/html; charset=\"utf-8\"",
            " text/html ;\tcharset=utf-8 ; ",
            "text/html;;charset=\"ut\\f-8\"",
        ] {
            assert_eq!(media_type(text.as_bytes()).unwrap().kind, b"text/html");
            assert_eq!(of_type(text), [pair("charset", "utf-8")], "{text}");
        }
        assert_eq!(of_type("a/b; c=\"x;y\\\"z\"; d=1"), [pair("c", "x;y\"z"), pair("d", "1")]);
        assert_eq!(of_type("a/b; c=\"\""), [pair("c", "")]);
        assert_eq!(of_type("a/b"), []);
    }

    #[test]
    fn what_is_no_type_is_none() {
        for wrong in [
            "",
            "text",
            "/",
            "text/",
            "/html",
            "text/html/x",
            "te xt/html",
            "text/html; charset",
            "text/html; charset=",
            "text/html; =x",
            "text/html; charset =x",
            "text/html; charset=\"x",
            "text/html; charset=\"x\\",
            "text/html; charset=\"x\"y",
            "text/html; charset=x y",
            "text/html; charset=\"\r\n\"",
            "text/html; a=1; A=2",
            "text/html, a/b",
        ] {
            assert_eq!(media_type(wrong.as_bytes()), None, "{wrong}");
        }
        let many: String = (0..=limits::PARAMETERS).map(|n| format!("; a{n}=1")).collect();
        assert_eq!(media_type(format!("a/b{many}").as_bytes()), None);
    }

    #[test]
    fn a_disposition_has_names_of_files() {
        // RFC 6266, 5; RFC 7578, 4.2
        let value =
            disposition(b"form-data; name=\"field\"; filename=\"C:\\dir\\a\\\"b.txt\"").unwrap();
        assert_eq!(value.kind, b"form-data");
        assert_eq!(
            parameters(value, Backslash::IsMostlyItself),
            [pair("name", "field"), pair("filename", "C:\\dir\\a\"b.txt")]
        );
        assert_eq!(disposition(b"in/line"), None);
    }

    #[test]
    fn names_beyond_ascii_are_decoded() {
        // RFC 8187, 3.2.3
        let extended = |text: &str| {
            let whole = format!("attachment; filename*={text}");
            let value = disposition(whole.as_bytes())?;
            value.parameters().next()?.extended().map(|name| String::from_utf8(name).unwrap())
        };
        assert_eq!(
            extended("UTF-8''%c2%a3%20and%20%e2%82%ac%20rates"),
            Some("£ and € rates".into())
        );
        assert_eq!(extended("iso-8859-1'en'%A3%20rates"), Some("£ rates".into()));
        for wrong in ["UTF-8''%ff", "UTF-8'x", "x", "koi8-r''a", "UTF-8''%2"] {
            assert_eq!(extended(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_boundary_is_1_to_70_bytes() {
        // RFC 2046, 5.1.1
        assert_eq!(boundary(b"multipart/form-data; boundary=aBc"), Some(&b"aBc"[..]));
        assert_eq!(
            boundary(b"Multipart/mixed; boundary=\"gc0p4Jq0M:2Yt\""),
            Some(&b"gc0p4Jq0M:2Yt"[..])
        );
        for wrong in ["text/plain; boundary=a", "multipart/x", "multipart/x; boundary=\"\""] {
            assert_eq!(boundary(wrong.as_bytes()), None, "{wrong}");
        }
        assert!(is_boundary(&[b'a'; 70]) && !is_boundary(&[b'a'; 71]));
        assert!(!is_boundary(b"a ") && !is_boundary(b"a\\b") && !is_boundary(b"a\"b"));
    }

    #[test]
    fn the_most_precise_range_counts() {
        // RFC 9110, 12.5.1, without the range that has a parameter
        let header = b"text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, */*;q=0.5";
        assert_eq!(type_weight(header, b"text/plain"), 700);
        assert_eq!(type_weight(header, b"text/html"), 300);
        assert_eq!(type_weight(header, b"image/jpeg"), 500);
        assert_eq!(type_weight(b"text/html", b"text/htmlx"), 0);
        assert_eq!(type_weight(b"tex/*", b"text/html"), 0);
        assert_eq!(type_weight(b"a/b;q=1.1, */*;q=0.0001, text/*;q=.5", b"a/b"), 0);
    }

    #[test]
    fn codings_have_weights() {
        // RFC 9110, 12.5.3
        assert_eq!(coding_weight(b"compress, gzip", b"gzip"), 1000);
        assert_eq!(coding_weight(b"compress;q=0.5, x-gzip;q=1.0", b"gzip"), 1000);
        assert_eq!(coding_weight(b"*", b"br"), 1000);
        assert_eq!(coding_weight(b"gzip;q=1.0, identity; q=0.5, *;q=0", b"br"), 0);
        assert_eq!(coding_weight(b"gzip;q=1.0, identity; q=0.5, *;q=0", b"identity"), 500);
        assert_eq!(coding_weight(b"gzip;q=0", b"gzip"), 0);
        assert_eq!(coding_weight(b"", b"identity"), 1);
        assert_eq!(coding_weight(b",,gzip;q=0.001,", b"gzip"), 1);
    }
}
