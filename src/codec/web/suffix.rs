//! Which domains belong to one owner, by the list of public suffixes (publicsuffix.org).
//!
//! ```text
//! co.uk              nobody owns it; example.co.uk is somebody's
//! *.ck               nor any name right below ck
//! !www.ck            but this one
//! ```
//!
//! The list is compiled in as text, sorted, and searched by halves: it takes no memory of its own and no
//! time to begin with. `scripts/public_suffixes` makes it from the list's own file.

use std::net::IpAddr;
use std::str;

use super::split_at_first;
use crate::base::limits;

/// A notice, an empty line, and a rule on each line.
const LIST: &str = include_str!("suffixes.txt");

/// Whether anybody can have a name below this one: "com", "co.uk", "github.io". No address is such.
pub fn is_public(domain: &[u8]) -> bool {
    with_lower(domain, |name| suffix(name) == name.len()).unwrap_or(false)
}

/// Bytes at the end of `domain` that are its registrable domain, the part that somebody owns:
/// "example.co.uk" of "www.example.co.uk". `None` for public suffixes, for addresses, and for what is
/// no name.
pub fn registrable(domain: &[u8]) -> Option<usize> {
    let owned = |name: &[u8]| {
        let above = name.len().checked_sub(suffix(name) + 1)?;
        let start = memchr::memrchr(b'.', &name[..above]).map_or(0, |dot| dot + 1);
        Some(name.len() - start)
    };
    with_lower(domain, owned).flatten()
}

/// The name in lower case, if it is one.
fn with_lower<R>(domain: &[u8], work: impl FnOnce(&[u8]) -> R) -> Option<R> {
    let mut room = [0; limits::HOST_NAME];
    let name = room.get_mut(..domain.len())?;
    name.copy_from_slice(domain);
    name.make_ascii_lowercase();
    let is_name = name.is_ascii() && !name.split(|byte| *byte == b'.').any(<[u8]>::is_empty);
    let is_address = str::from_utf8(name).is_ok_and(|text| text.parse::<IpAddr>().is_ok());
    (is_name && !is_address).then(|| work(name))
}

/// Bytes at the end of a name that are its public suffix: of the rules that fit, the longest counts,
/// but for exceptions; without one it is the last label.
fn suffix(name: &[u8]) -> usize {
    let mut rest = name;
    loop {
        let (_, above) = split_at_first(rest, b'.');
        let Some(above) = above else { return rest.len() };
        if is_listed(&[b"!", rest]) {
            return above.len();
        }
        if is_listed(&[rest]) || is_listed(&[b"*.", above]) {
            return rest.len();
        }
        rest = above;
    }
}

/// Whether the list has a rule, whose text is in pieces.
fn is_listed(rule: &[&[u8]]) -> bool {
    let list = LIST.as_bytes();
    let notice = memchr::memmem::find(list, b"\n\n").map_or(0, |at| at + 2);
    let mut rest = &list[notice..];
    while !rest.is_empty() {
        // The line around the middle.
        let middle = rest.len() / 2;
        let start = memchr::memrchr(b'\n', &rest[..middle]).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &rest[start..]).map_or(rest.len(), |at| start + at);
        match rest[start..end].iter().cmp(rule.iter().copied().flatten()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = rest.get(end + 1..).unwrap_or_default(),
            std::cmp::Ordering::Greater => rest = &rest[..start],
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(domain: &str) -> Option<&str> {
        registrable(domain.as_bytes()).map(|size| &domain[domain.len() - size..])
    }

    #[test]
    fn domains_belong_to_owners() {
        // From the list's own test_psl.txt
        for (domain, owner) in [
            ("COM", None),
            ("example.COM", Some("example.COM")),
            ("WwW.example.COM", Some("example.COM")),
            (".com", None),
            ("example.example", Some("example.example")),
            ("b.example.example", Some("example.example")),
            ("biz", None),
            ("a.b.domain.biz", Some("domain.biz")),
            ("uk.com", None),
            ("example.uk.com", Some("example.uk.com")),
            ("test.ac", Some("test.ac")),
            ("c.mm", None),
            ("b.c.mm", Some("b.c.mm")),
            ("a.b.c.mm", Some("b.c.mm")),
            ("jp", None),
            ("test.jp", Some("test.jp")),
            ("ac.jp", None),
            ("test.ac.jp", Some("test.ac.jp")),
            ("c.kobe.jp", None),
            ("b.c.kobe.jp", Some("b.c.kobe.jp")),
            ("city.kobe.jp", Some("city.kobe.jp")),
            ("ck", None),
            ("test.ck", None),
            ("b.test.ck", Some("b.test.ck")),
            ("www.ck", Some("www.ck")),
            ("us", None),
            ("ak.us", None),
            ("test.k12.ak.us", Some("test.k12.ak.us")),
            ("xn--55qx5d.cn", None),
            ("shishi.xn--55qx5d.cn", Some("shishi.xn--55qx5d.cn")),
        ] {
            assert_eq!(owned(domain), owner, "{domain}");
        }
    }

    #[test]
    fn every_rule_is_found_and_the_list_is_sorted() {
        let (_, rules) = LIST.split_once("\n\n").unwrap();
        let rules: Vec<&str> = rules.lines().collect();
        assert!(rules.len() > 9000 && rules.is_sorted());
        assert!(rules.iter().all(|rule| is_listed(&[rule.as_bytes()])));
        assert!(!is_listed(&[b"example.com"]) && !is_listed(&[b""]) && !is_listed(&[b"~"]));
        assert!(
            rules.iter().all(|rule| rule.starts_with(['!', '*']) || is_public(rule.as_bytes()))
        );
    }

    #[test]
    fn suffixes_are_public() {
        for public in ["com", "co.uk", "CO.UK", "github.io", "localhost", "test.ck"] {
            assert!(is_public(public.as_bytes()), "{public}");
        }
        for own in ["example.com", "www.ck", "127.0.0.1", "::1", "", ".", "com.", ".com", "a..b"] {
            assert!(!is_public(own.as_bytes()), "{own}");
        }
        assert!(!is_public(&[b'a'; 300]) && registrable(b"\xff.com").is_none());
        assert_eq!(owned("1.2.3.4"), None);
    }
}
