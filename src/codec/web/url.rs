//! URLs and references to them (RFC 3986), taken apart strictly and put together again.
//!
//! ```text
//! scheme://userinfo@host:port/path?query#fragment        all but the path may be missing
//! ```
//!
//! A host is a name of letters, digits, "-", "." and "_", or an address; it has no escapes. What
//! cannot stand in a URL (blanks, controls, backslashes, bytes from 128 on) is refused with its
//! place, never mended: who mends differently than others is led astray.

use std::fmt;
use std::net::Ipv6Addr;
use std::str;

use super::percent::is_unreserved;
use super::target::remove_dots;
use super::{digits, split_at_first};
use crate::base::limits;

/// A reference, taken apart. Nothing in it is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Url<'a> {
    /// In the case it came in.
    pub scheme: Option<&'a [u8]>,
    /// Between "//" and the path.
    pub authority: Option<Authority<'a>>,
    /// May be empty.
    pub path: &'a [u8],
    /// Behind "?".
    pub query: Option<&'a [u8]>,
    /// Behind "#".
    pub fragment: Option<&'a [u8]>,
}

/// Who is meant.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Authority<'a> {
    /// All of it, as it came.
    pub text: &'a [u8],
    /// Before "@".
    pub userinfo: Option<&'a [u8]>,
    /// In the case it came in; an address of IPv6 without its brackets.
    pub host: &'a [u8],
    /// Behind ":".
    pub port: Option<u16>,
}

/// Why something is no URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// So many bytes.
    TooLong(usize),
    /// A byte that may not stand where it does, counted from 1.
    Byte(u8, usize),
    /// A "%" without two digits.
    Escape(usize),
    /// No letter first, or something else than letters, digits, "+", "-" and ".".
    Scheme,
    /// None where there must be one, or none that is.
    Host,
    /// No number up to 65535.
    Port,
    /// A base without a scheme.
    Base,
}

/// Takes a URL or a relative reference apart.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse(text: &[u8]) -> Result<Url<'_>, Wrong> {
    if text.len() > limits::URL {
        return Err(Wrong::TooLong(text.len()));
    }
    check_bytes(text)?;
    let (front, fragment) = split_at_first(text, b'#');
    let (front, query) = split_at_first(front, b'?');
    if let Some(at) = fragment.and_then(|part| part.iter().position(|byte| *byte == b'#')) {
        return Err(Wrong::Byte(b'#', text.len() - fragment.map_or(0, <[u8]>::len) + at + 1));
    }
    let (scheme, rest) = split_scheme(front)?;
    let (authority, path) = match rest.strip_prefix(b"//") {
        Some(behind) => {
            let end = memchr::memchr(b'/', behind).unwrap_or(behind.len());
            let (text, path) = behind.split_at(end);
            (Some(parse_authority(text)?), path)
        }
        None => (None, rest),
    };
    if let Some(at) = path.iter().position(|byte| matches!(byte, b'[' | b']')) {
        return Err(Wrong::Byte(path[at], front.len() - path.len() + at + 1));
    }
    let url = Url { scheme, authority, path, query, fragment };
    match url.needs_host() && authority.is_none_or(|authority| authority.host.is_empty()) {
        true => Err(Wrong::Host),
        false => Ok(url),
    }
}

impl Url<'_> {
    /// Whether the scheme is one that means a server.
    fn needs_host(&self) -> bool {
        let Some(scheme) = self.scheme else { return false };
        ["http", "https", "ws", "wss"]
            .iter()
            .any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// What `reference` means where it stands in `base` (RFC 3986, 5.2).
///
/// # Errors
///
/// One of both is no URL, or the base has no scheme.
pub fn resolve(base: &[u8], reference: &[u8]) -> Result<Vec<u8>, Wrong> {
    let base = parse(base)?;
    let base_scheme = base.scheme.ok_or(Wrong::Base)?;
    let reference = parse(reference)?;
    let mut path = Vec::new();
    let mut made = Url { fragment: reference.fragment, ..base };
    if reference.scheme.is_some() || reference.authority.is_some() {
        made = Url { scheme: reference.scheme.or(base.scheme), ..reference };
        remove_dots(reference.path, &mut path);
    } else if reference.path.is_empty() {
        path.extend_from_slice(base.path);
        made.query = reference.query.or(base.query);
    } else {
        made.query = reference.query;
        match reference.path.starts_with(b"/") {
            true => remove_dots(reference.path, &mut path),
            false => remove_dots(&merge(&base, reference.path), &mut path),
        }
    }
    made.scheme = made.scheme.or(Some(base_scheme));
    made.path = &path;
    let text = made.to_bytes();
    // A path that begins with two slashes would be taken for a host where there is none.
    parse(&text)
        .map(|again| (again.authority.is_some() == made.authority.is_some()).then_some(()))?
        .ok_or(Wrong::Host)?;
    Ok(text)
}

/// The path of a base without its last segment, and a path behind it (RFC 3986, 5.2.3).
fn merge(base: &Url<'_>, path: &[u8]) -> Vec<u8> {
    let mut merged = Vec::new();
    match memchr::memrchr(b'/', base.path) {
        Some(slash) => merged.extend_from_slice(&base.path[..=slash]),
        None if base.authority.is_some() => merged.push(b'/'),
        None => {}
    }
    merged.extend_from_slice(path);
    merged
}

impl Url<'_> {
    /// Its text (RFC 3986, 5.3).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(scheme) = self.scheme {
            out.extend_from_slice(scheme);
            out.push(b':');
        }
        if let Some(authority) = &self.authority {
            out.extend_from_slice(b"//");
            out.extend_from_slice(authority.text);
        }
        out.extend_from_slice(self.path);
        for (mark, part) in [(b'?', self.query), (b'#', self.fragment)] {
            if let Some(part) = part {
                out.push(mark);
                out.extend_from_slice(part);
            }
        }
        out
    }
}

/// Whether each byte may stand in a URL at all, and each "%" has its digits.
fn check_bytes(text: &[u8]) -> Result<(), Wrong> {
    for (at, &byte) in text.iter().enumerate() {
        if byte == b'%' {
            let is_escape = text
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            if !is_escape {
                return Err(Wrong::Escape(at + 1));
            }
        } else if !is_unreserved(byte) && !b":/?#[]@!$&'()*+,;=".contains(&byte) {
            return Err(Wrong::Byte(byte, at + 1));
        }
    }
    Ok(())
}

/// The scheme, when there is one, and what is behind it. A first segment with a ":" in it is a
/// scheme, and wrong if it is none (RFC 3986, 4.2).
fn split_scheme(front: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Wrong> {
    let Some(at) = front.iter().position(|byte| matches!(byte, b':' | b'/')) else {
        return Ok((None, front));
    };
    if front[at] == b'/' {
        return Ok((None, front));
    }
    let scheme = &front[..at];
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    match scheme.first() {
        Some(first) if first.is_ascii_alphabetic() && scheme.iter().all(is_inside) => {
            Ok((Some(scheme), &front[at + 1..]))
        }
        _ => Err(Wrong::Scheme),
    }
}

fn parse_authority(text: &[u8]) -> Result<Authority<'_>, Wrong> {
    // The last one: in front of it nothing else than escapes may stand for an "@".
    let (userinfo, place) = match memchr::memrchr(b'@', text) {
        Some(at) => (Some(&text[..at]), &text[at + 1..]),
        None => (None, text),
    };
    if userinfo.is_some_and(|info| info.iter().any(|byte| b"@[]".contains(byte))) {
        return Err(Wrong::Host);
    }
    let (host, behind) = match place.strip_prefix(b"[") {
        Some(inner) => {
            let end = memchr::memchr(b']', inner).ok_or(Wrong::Host)?;
            (&inner[..end], &inner[end + 1..])
        }
        None => place.split_at(memchr::memchr(b':', place).unwrap_or(place.len())),
    };
    let is_host = match place.first() {
        Some(b'[') => str::from_utf8(host).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
        _ => host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte)),
    };
    if !is_host || host.len() > limits::HOST_NAME {
        return Err(Wrong::Host);
    }
    let port = match behind {
        b"" | b":" => None,
        [b':', number @ ..] => {
            let port = digits(number).and_then(|port| u16::try_from(port).ok());
            Some(port.ok_or(Wrong::Port)?)
        }
        _ => return Err(Wrong::Host),
    };
    Ok(Authority { text, userinfo, host, port })
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::TooLong(size) => write!(f, "URL of {size} bytes, limit is {}", limits::URL),
            Wrong::Byte(byte, at) if byte.is_ascii_graphic() => {
                write!(f, "\"{}\" at {at} cannot stand there in a URL", *byte as char)
            }
            Wrong::Byte(byte, at) => write!(f, "byte {byte} at {at} cannot stand in a URL"),
            Wrong::Escape(at) => write!(f, "\"%\" at {at} without two hexadecimal digits"),
            Wrong::Scheme => f.write_str("what is before the first \":\" is no scheme"),
            Wrong::Host => f.write_str("no host, or none that can be"),
            Wrong::Port => f.write_str("port is no number up to 65535"),
            Wrong::Base => f.write_str("base without a scheme"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Option<&[u8]>) -> Option<&str> {
        bytes.map(|bytes| str::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_url_has_five_parts() {
        // RFC 3986, 3
        let url = parse(b"foo://example.com:8042/over/there?name=ferret#nose").unwrap();
        assert_eq!(text(url.scheme), Some("foo"));
        let authority = url.authority.unwrap();
        assert_eq!((authority.host, authority.port), (&b"example.com"[..], Some(8042)));
        assert_eq!(url.path, b"/over/there");
        assert_eq!(text(url.query), Some("name=ferret"));
        assert_eq!(text(url.fragment), Some("nose"));
        let urn = parse(b"urn:example:animal:ferret:nose").unwrap();
        assert_eq!((urn.authority, urn.path), (None, &b"example:animal:ferret:nose"[..]));
    }

    #[test]
    fn examples_of_the_rfc_are_urls() {
        // RFC 3986, 1.1.2; a host of IPv6 and a path with "?" among them
        for text in [
            "ftp://ftp.is.co.za/rfc/rfc1808.txt",
            "http://www.ietf.org/rfc/rfc2396.txt",
            "ldap://[2001:db8::7]/c=GB?objectClass?one",
            "mailto:John.Doe@example.com",
            "news:comp.infosystems.www.servers.unix",
            "tel:+1-816-555-1212",
            "telnet://192.0.2.16:80/",
            "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
            "",
            "?",
            "#",
            "//host",
            "file:///etc/passwd",
        ] {
            let url = parse(text.as_bytes()).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
            assert_eq!(url.to_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn users_and_ports_are_told_from_hosts() {
        let of = |text: &'static str| parse(text.as_bytes()).unwrap().authority.unwrap();
        let authority = of("http://user:pa%40ss@[::1]:80/");
        assert_eq!(text(authority.userinfo), Some("user:pa%40ss"));
        assert_eq!((authority.host, authority.port), (&b"::1"[..], Some(80)));
        assert_eq!(of("http://a:/").port, None);
        assert_eq!(of("http://a:65535").port, Some(65535));
        assert_eq!(of("http://a.b_c-d").host, b"a.b_c-d");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        use Wrong::{Byte, Escape, Host, Port, Scheme};
        for (text, wrong) in [
            (&b"http://a/b c"[..], Byte(b' ', 11)),
            (b"http://a\\b", Byte(b'\\', 9)),
            (b"http://a/\r\nx", Byte(b'\r', 10)),
            (b"http://a/\0", Byte(0, 10)),
            (b"http://\xc3\xa4/", Byte(0xc3, 8)),
            (b"http://a/#b#c", Byte(b'#', 12)),
            (b"http://a/[", Byte(b'[', 10)),
            (b"http://a/%2", Escape(10)),
            (b"http://a/%zz", Escape(10)),
            (b"1http://a", Scheme),
            (b"://a", Scheme),
            (b"http:", Host),
            (b"http://", Host),
            (b"http:///x", Host),
            (b"http://:80", Host),
            (b"http:a", Host),
            (b"http://u@v@w/", Host),
            (b"http://a%2eb/", Host),
            (b"http://a,b/", Host),
            (b"http://[::1/", Host),
            (b"http://[::1]x/", Host),
            (b"http://[1.2.3.4]/", Host),
            (b"http://[fe80::1%25eth0]/", Host),
            (b"http://a:80:80/", Port),
            (b"http://a:65536/", Port),
            (b"http://a:+80/", Port),
            (b"http://a:99999999999999999999/", Port),
        ] {
            assert_eq!(parse(text), Err(wrong), "{}", String::from_utf8_lossy(text));
        }
        let long = vec![b'a'; limits::URL + 1];
        assert_eq!(parse(&long), Err(Wrong::TooLong(long.len())));
        assert!(parse(&long[1..]).is_ok());
    }

    fn resolved(reference: &str) -> String {
        let made = resolve(b"http://a/b/c/d;p?q", reference.as_bytes());
        String::from_utf8(made.unwrap_or_else(|wrong| panic!("{reference}: {wrong}"))).unwrap()
    }

    #[test]
    fn normal_references_mean_what_the_rfc_says() {
        // RFC 3986, 5.4.1
        for (reference, url) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g#s", "http://a/b/c/g#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("g;x", "http://a/b/c/g;x"),
            ("g;x?y#s", "http://a/b/c/g;x?y#s"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../", "http://a/"),
            ("../../g", "http://a/g"),
        ] {
            assert_eq!(resolved(reference), url, "{reference}");
        }
    }

    #[test]
    fn abnormal_references_mean_what_the_rfc_says() {
        // RFC 3986, 5.4.2
        for (reference, url) in [
            ("../../../g", "http://a/g"),
            ("../../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            (".g", "http://a/b/c/.g"),
            ("g..", "http://a/b/c/g.."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s/./x", "http://a/b/c/g#s/./x"),
            ("g#s/../x", "http://a/b/c/g#s/../x"),
        ] {
            assert_eq!(resolved(reference), url, "{reference}");
        }
        // "http:g" is what strict parsers make of it: a scheme, and here no host.
        assert_eq!(resolve(b"http://a/b", b"http:g"), Err(Wrong::Host));
    }

    #[test]
    fn a_path_never_becomes_a_host() {
        assert_eq!(resolve(b"x:/a", b".//b"), Err(Wrong::Host));
        assert_eq!(resolve(b"/a", b"b"), Err(Wrong::Base));
        assert_eq!(resolve(b"http://a", b"b").unwrap(), b"http://a/b");
    }
}
