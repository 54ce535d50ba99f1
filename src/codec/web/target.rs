//! The target of a request (RFC 9112, 3.2), and dots in paths (RFC 3986, 5.2.4).

use super::split_at_first;

/// The path and the query of a target, as they came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target<'a> {
    /// "/" at the least, or "*". Empty for what has no path, as `example.org:443`.
    pub path: &'a [u8],
    /// What is behind the first "?".
    pub query: Option<&'a [u8]>,
}

/// Takes a target apart: origin-form, absolute-form, asterisk-form, authority-form.
pub fn split(target: &[u8]) -> Target<'_> {
    let (target, _) = split_at_first(target, b'#');
    let (front, query) = split_at_first(target, b'?');
    let path = match front {
        [b'/', ..] | b"*" => front,
        _ => path_of_absolute(front),
    };
    Target { path, query }
}

fn path_of_absolute(front: &[u8]) -> &[u8] {
    let Some(at) = memchr::memmem::find(front, b"://") else { return b"" };
    let behind = &front[at + 3..];
    match memchr::memchr(b'/', behind) {
        Some(slash) => &behind[slash..],
        None => b"/",
    }
}

/// Appends a path without its "." and ".." (RFC 3986, 5.2.4). None leads above the root.
pub fn remove_dots(path: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = path;
    while let Some(behind) = rest.strip_prefix(b"../").or_else(|| rest.strip_prefix(b"./")) {
        rest = behind;
    }
    if rest == b"." || rest == b".." {
        return;
    }
    while !rest.is_empty() {
        // A segment with the slash in front of it, if there is one.
        let skip = usize::from(rest[0] == b'/');
        let end = memchr::memchr(b'/', &rest[skip..]).map_or(rest.len(), |at| at + skip);
        let (segment, behind) = rest.split_at(end);
        rest = behind;
        match &segment[skip..] {
            b"." => {}
            b".." => {
                let parent = memchr::memrchr(b'/', &out[start..]).unwrap_or(0);
                out.truncate(start + parent);
            }
            _ => {
                out.extend_from_slice(segment);
                continue;
            }
        }
        if rest.is_empty() {
            out.push(b'/');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(target: &str, path: &str, query: Option<&str>) {
        let expected = Target { path: path.as_bytes(), query: query.map(str::as_bytes) };
        assert_eq!(split(target.as_bytes()), expected, "{target}");
    }

    #[test]
    fn each_form_has_its_path() {
        // RFC 9112, 3.2.1 to 3.2.4
        is("/where?q=now", "/where", Some("q=now"));
        is("http://www.example.org/pub/WWW/TheProject.html", "/pub/WWW/TheProject.html", None);
        is("http://www.example.org?x", "/", Some("x"));
        is("http://www.example.org", "/", None);
        is("www.example.com:80", "", None);
        is("*", "*", None);
        is("/?", "/", Some(""));
        is("/a?b?c", "/a", Some("b?c"));
        is("//double//", "//double//", None);
        is("", "", None);
    }

    #[test]
    fn dots_are_removed() {
        let plain = |path: &str| {
            let mut out = b"kept".to_vec();
            remove_dots(path.as_bytes(), &mut out);
            String::from_utf8(out[4..].to_vec()).unwrap()
        };
        // RFC 3986, 5.2.4
        assert_eq!(plain("/a/b/c/./../../g"), "/a/g");
        assert_eq!(plain("mid/content=5/../6"), "mid/6");
        assert_eq!(plain("/../../../etc"), "/etc");
        assert_eq!(plain("/a/.."), "/");
        assert_eq!(plain("/a/."), "/a/");
        assert_eq!(plain("/."), "/");
        assert_eq!(plain("/.."), "/");
        assert_eq!(plain("../a"), "a");
        assert_eq!(plain("./../a"), "a");
        assert_eq!(plain(".."), "");
        assert_eq!(plain("/..a/...b/.c"), "/..a/...b/.c");
        assert_eq!(plain("/a//../b"), "/a/b");
        assert_eq!(plain(""), "");
    }
}
