//! Cookies: what a browser sends, what a server sets (RFC 6265, and 6265bis where it is stricter).

use std::fmt;

use super::{date, digits, is_token, split_at_first, trim};
use crate::base::limits;

/// The cookies that a browser sends (RFC 6265, 5.4), as many as the limit allows.
///
/// Pieces without a "=" or without a name are none, and quotes around a value are not part of it.
pub fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let of = |piece| {
        let (name, value) = split_at_first(piece, b'=');
        let (name, value) = (trim(name), unquoted(trim(value?)));
        let is_fine = !name.is_empty() && !has_control(name) && !has_control(value);
        is_fine.then_some((name, value))
    };
    header.split(|byte| *byte == b';').filter_map(of).take(limits::COOKIES)
}

/// With which requests from other sites a cookie goes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SameSite {
    /// With none.
    Strict,
    /// When the user goes there.
    Lax,
    /// With all.
    None,
}

/// What a server sets.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SetCookie<'a> {
    /// Never empty.
    pub name: &'a [u8],
    /// With its quotes, if it has some.
    pub value: &'a [u8],
    /// Seconds since 1970.
    pub expires: Option<i64>,
    /// Seconds from now; 0 or less: at once.
    pub max_age: Option<i64>,
    /// Without a dot in front, in the case it came in.
    pub domain: Option<&'a [u8]>,
    /// Begins with "/".
    pub path: Option<&'a [u8]>,
    /// Only over TLS.
    pub secure: bool,
    /// Not for scripts.
    pub http_only: bool,
    /// Unset when it says nothing that is known.
    pub same_site: Option<SameSite>,
}

/// Reads a Set-Cookie field (RFC 6265, 5.2). `None` for what browsers ignore: no name, controls,
/// name and value longer than the limit together.
pub fn parse(header: &[u8]) -> Option<SetCookie<'_>> {
    if has_control(header) {
        return None;
    }
    let mut pieces = header.split(|byte| *byte == b';');
    let (name, value) = split_at_first(pieces.next()?, b'=');
    let (name, value) = (trim(name), trim(value?));
    if name.is_empty() || name.len() + value.len() > limits::COOKIE {
        return None;
    }
    let mut cookie = SetCookie { name, value, ..SetCookie::default() };
    for piece in pieces {
        let (name, value) = split_at_first(piece, b'=');
        let value = trim(value.unwrap_or_default());
        if value.len() <= limits::COOKIE_ATTRIBUTE {
            cookie.attribute(trim(name), value);
        }
    }
    Some(cookie)
}

impl<'a> SetCookie<'a> {
    /// What stands last counts (RFC 6265, 5.3).
    fn attribute(&mut self, name: &[u8], value: &'a [u8]) {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"expires") {
            self.expires = date::parse_lenient(value).or(self.expires);
        } else if is(b"max-age") {
            self.max_age = seconds(value).or(self.max_age);
        } else if is(b"domain") {
            let domain = value.strip_prefix(b".").unwrap_or(value);
            self.domain = (!domain.is_empty()).then_some(domain);
        } else if is(b"path") {
            self.path = value.starts_with(b"/").then_some(value);
        } else if is(b"secure") {
            self.secure = true;
        } else if is(b"httponly") {
            self.http_only = true;
        } else if is(b"samesite") {
            self.same_site = SameSite::parse(value);
        }
    }

    /// The text of a Set-Cookie field, behind what `out` has.
    ///
    /// # Errors
    ///
    /// What is wrong with it: a browser would ignore it, or take it for something else.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), Wrong> {
        self.check()?;
        out.extend_from_slice(self.name);
        out.push(b'=');
        out.extend_from_slice(self.value);
        let mut put = |name: &[u8], value: &[u8]| {
            out.extend_from_slice(name);
            out.extend_from_slice(value);
        };
        if let Some(moment) = self.expires {
            put(b"; Expires=", &date::format(moment));
        }
        if let Some(seconds) = self.max_age {
            put(b"; Max-Age=", seconds.to_string().as_bytes());
        }
        if let Some(domain) = self.domain {
            put(b"; Domain=", domain);
        }
        if let Some(path) = self.path {
            put(b"; Path=", path);
        }
        if self.secure {
            put(b"; Secure", b"");
        }
        if self.http_only {
            put(b"; HttpOnly", b"");
        }
        if let Some(same_site) = self.same_site {
            put(b"; SameSite=", same_site.text());
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Wrong> {
        let value = self.value;
        let inner = unquoted(value);
        let is_host_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
        let is_path_byte = |byte: &u8| (0x20..0x7f).contains(byte) && *byte != b';';
        if !is_token(self.name) {
            return Err(Wrong::Name);
        }
        if let Some(at) = inner.iter().position(|byte| !is_value_byte(*byte)) {
            return Err(Wrong::Value(inner[at], at + 1));
        }
        if self.name.len() + value.len() > limits::COOKIE {
            return Err(Wrong::TooLong(self.name.len() + value.len()));
        }
        let is_domain =
            |domain: &[u8]| !matches!(domain, [] | [b'.', ..]) && domain.iter().all(is_host_byte);
        if self.domain.is_some_and(|domain| !is_domain(domain)) {
            return Err(Wrong::Domain);
        }
        if self.path.is_some_and(|path| !path.starts_with(b"/") || !path.iter().all(is_path_byte)) {
            return Err(Wrong::Path);
        }
        let is_named = |prefix: &[u8]| {
            self.name.get(..prefix.len()).is_some_and(|front| front.eq_ignore_ascii_case(prefix))
        };
        if !self.secure && (is_named(b"__Secure-") || is_named(b"__Host-")) {
            return Err(Wrong::NeedsSecure("a name with this prefix"));
        }
        if !self.secure && self.same_site == Some(SameSite::None) {
            return Err(Wrong::NeedsSecure("SameSite=None"));
        }
        if is_named(b"__Host-") && (self.domain.is_some() || self.path != Some(b"/")) {
            return Err(Wrong::HostPrefix);
        }
        Ok(())
    }
}

impl SameSite {
    /// "Strict", "Lax" or "None", in any case.
    pub fn parse(text: &[u8]) -> Option<SameSite> {
        let all = [SameSite::Strict, SameSite::Lax, SameSite::None];
        all.into_iter().find(|known| known.text().eq_ignore_ascii_case(text))
    }

    /// As it is written.
    pub fn text(self) -> &'static [u8] {
        match self {
            SameSite::Strict => b"Strict",
            SameSite::Lax => b"Lax",
            SameSite::None => b"None",
        }
    }
}

/// Why a cookie cannot be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// Its name is no token.
    Name,
    /// A byte of its value, and its place from 1.
    Value(u8, usize),
    /// Name and value have so many bytes.
    TooLong(usize),
    /// Something else than letters, digits, "-" and ".", or a dot first.
    Domain,
    /// It does not begin with "/", or has a ";" or something that cannot be printed.
    Path,
    /// What is only taken over TLS.
    NeedsSecure(&'static str),
    /// A domain, or another path than "/".
    HostPrefix,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Name => f.write_str("name of a cookie is no token"),
            Wrong::Value(byte, at) => {
                write!(f, "byte {byte} at {at} cannot stand in the value of a cookie")
            }
            Wrong::TooLong(size) => {
                write!(f, "name and value of {size} bytes, limit is {}", limits::COOKIE)
            }
            Wrong::Domain => f.write_str("domain of a cookie is no name of a host"),
            Wrong::Path => {
                f.write_str("path of a cookie does not begin with \"/\", or has a \";\"")
            }
            Wrong::NeedsSecure(what) => write!(f, "{what} needs secure"),
            Wrong::HostPrefix => f.write_str("\"__Host-\" needs the path \"/\" and no domain"),
        }
    }
}

/// "-5", "3600"; as large as can be for more.
fn seconds(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(number) => digits(number).map(|value| -(value as i64)),
        None => digits(text).map(|value| value as i64),
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

/// Whether a byte may stand in a value (RFC 6265, 4.1.1).
fn is_value_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

fn has_control(text: &[u8]) -> bool {
    text.iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(header: &str) -> Vec<(&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        pairs(header.as_bytes()).map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn what_a_browser_sends_is_read() {
        // RFC 6265, 3.1 and 4.2.1
        assert_eq!(
            sent("SID=31d4d96e407aad42; lang=en-US"),
            [("SID", "31d4d96e407aad42"), ("lang", "en-US")]
        );
        assert_eq!(sent("a=1;b=2;  c = 3 ;"), [("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(sent("a=\"q\"; b==; a=2"), [("a", "q"), ("b", "="), ("a", "2")]);
        assert_eq!(sent("a; =b; ; c=\"; d=\r\n; e=x"), [("c", "\""), ("e", "x")]);
        assert_eq!(sent(""), []);
    }

    #[test]
    fn no_more_cookies_are_read_than_the_limit() {
        let many = "a=1;".repeat(limits::COOKIES + 1);
        assert_eq!(sent(&many).len(), limits::COOKIES);
    }

    #[test]
    fn what_a_server_sets_is_read() {
        // RFC 6265, 3.1 and 5.2
        let cookie = parse(
            b"SID=31d4; Path=/; Domain=.Example.com; Secure; HttpOnly; Max-Age=60; \
              Expires=Wed, 09 Jun 2021 10:18:14 GMT; SameSite=lax; Unknown=1; secure=x",
        )
        .unwrap();
        assert_eq!((cookie.name, cookie.value), (&b"SID"[..], &b"31d4"[..]));
        assert_eq!((cookie.path, cookie.domain), (Some(&b"/"[..]), Some(&b"Example.com"[..])));
        assert_eq!((cookie.max_age, cookie.expires), (Some(60), Some(1_623_233_894)));
        assert!(cookie.secure && cookie.http_only);
        assert_eq!(cookie.same_site, Some(SameSite::Lax));
    }

    #[test]
    fn attributes_that_say_nothing_are_ignored_and_the_last_one_counts() {
        let cookie = parse(b"a=b; max-age=x; expires=never; path=x; domain=; samesite=x").unwrap();
        assert_eq!(cookie, SetCookie { name: b"a", value: b"b", ..SetCookie::default() });
        let cookie = parse(b"a=b; path=/a; path=/b; max-age=5; max-age=-1").unwrap();
        assert_eq!((cookie.path, cookie.max_age), (Some(&b"/b"[..]), Some(-1)));
        let long = format!("a=b; path=/{}", "x".repeat(limits::COOKIE_ATTRIBUTE));
        assert_eq!(parse(long.as_bytes()).unwrap().path, None);
    }

    #[test]
    fn what_browsers_ignore_is_none() {
        for wrong in ["", "a", "=b", ";a=b", "a=\0", "a=b\r\nX: y", "a=b; path=/\x7f"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong:?}");
        }
        let fits = format!("a={}", "x".repeat(limits::COOKIE - 1));
        assert!(parse(fits.as_bytes()).is_some());
        assert!(parse(format!("{fits}x").as_bytes()).is_none());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let cookie = SetCookie {
            name: b"__Host-id",
            value: b"\"a/b\"",
            expires: Some(784_111_777),
            max_age: Some(0),
            path: Some(b"/"),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::None),
            domain: None,
        };
        let mut out = Vec::new();
        cookie.write(&mut out).unwrap();
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            "__Host-id=\"a/b\"; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=0; Path=/; Secure; \
             HttpOnly; SameSite=None"
        );
        assert_eq!(parse(&out), Some(cookie));
    }

    #[test]
    fn what_would_be_ignored_is_not_written() {
        let plain = SetCookie { name: b"a", value: b"b", ..SetCookie::default() };
        let wrong = |cookie: SetCookie<'_>| cookie.write(&mut Vec::new()).unwrap_err();
        assert_eq!(wrong(SetCookie { name: b"a b", ..plain }), Wrong::Name);
        assert_eq!(wrong(SetCookie { name: b"", ..plain }), Wrong::Name);
        assert_eq!(wrong(SetCookie { value: b"a;b", ..plain }), Wrong::Value(b';', 2));
        assert_eq!(wrong(SetCookie { value: b"a\r\n", ..plain }), Wrong::Value(b'\r', 2));
        assert_eq!(wrong(SetCookie { domain: Some(b"a;b"), ..plain }), Wrong::Domain);
        assert_eq!(wrong(SetCookie { domain: Some(b".a"), ..plain }), Wrong::Domain);
        assert_eq!(wrong(SetCookie { path: Some(b"x"), ..plain }), Wrong::Path);
        assert_eq!(wrong(SetCookie { path: Some(b"/;"), ..plain }), Wrong::Path);
        let same_site = Some(SameSite::None);
        assert!(matches!(wrong(SetCookie { same_site, ..plain }), Wrong::NeedsSecure(_)));
        assert!(matches!(wrong(SetCookie { name: b"__secure-a", ..plain }), Wrong::NeedsSecure(_)));
        let host = SetCookie { name: b"__Host-a", secure: true, ..plain };
        assert_eq!(wrong(host), Wrong::HostPrefix);
    }
}
