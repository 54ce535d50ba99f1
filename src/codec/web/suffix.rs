//! Which domains belong to one owner, by the list of public suffixes (publicsuffix.org).

use std::net::IpAddr;
use std::str;

use crate::base::limits;

/// Whether anybody can have a name below this one: "com", "co.uk", "github.io". No address is such.
pub fn is_public(domain: &[u8]) -> bool {
    with_lower(domain, |name| psl::suffix_str(name).is_some_and(|suffix| suffix == name))
        .unwrap_or(false)
}

/// Bytes at the end of `domain` that are its registrable domain, the part that somebody owns:
/// "example.co.uk" of "www.example.co.uk". `None` for public suffixes, for addresses, and for what is
/// no name.
pub fn registrable(domain: &[u8]) -> Option<usize> {
    with_lower(domain, |name| psl::domain_str(name).map(str::len)).flatten()
}

/// The name in lower case, if it is one.
fn with_lower<R>(domain: &[u8], work: impl FnOnce(&str) -> R) -> Option<R> {
    let mut room = [0; limits::HOST_NAME];
    let room = room.get_mut(..domain.len()).filter(|room| !room.is_empty())?;
    room.copy_from_slice(domain);
    room.make_ascii_lowercase();
    let name = str::from_utf8(room).ok()?;
    let is_name = !name.starts_with('.') && !name.ends_with('.') && !name.contains("..");
    (is_name && name.parse::<IpAddr>().is_err()).then(|| work(name))
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
