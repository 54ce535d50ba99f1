//! `web`: URLs, targets, queries.

use std::ffi::c_int;

use super::{push_lower, set_text};
use crate::base::error::Code;
use crate::base::limits;
use crate::binding::convert;
use crate::binding::held;
use crate::binding::raw::{Call, Fail, Kind, Outcome};
use crate::codec::web::percent::{self, Decoding};
use crate::codec::web::{query as pairs, suffix, target, url as urls};

/// `url(text)`: its parts, or `nil, message, code`.
pub fn url(call: &Call) -> Outcome {
    let url = match urls::parse(call.bytes(1)?) {
        Ok(url) => url,
        Err(wrong) => return convert::refusal(call, &wrong.to_string(), Code::INVALID),
    };
    call.reserve(4);
    call.push_table(0, 7);
    if let Some(scheme) = url.scheme {
        push_lower(call, scheme);
        call.set_field(-2, c"scheme");
    }
    if let Some(authority) = url.authority {
        set_text(call, c"userinfo", authority.userinfo);
        push_lower(call, authority.host);
        call.set_field(-2, c"host");
        if let Some(port) = authority.port {
            call.push_integer(port.into());
            call.set_field(-2, c"port");
        }
    }
    set_text(call, c"path", Some(url.path));
    set_text(call, c"query", url.query);
    set_text(call, c"fragment", url.fragment);
    Ok(1)
}

/// `resolve(base, reference)`: the URL that is meant, or `nil, message, code`.
pub fn resolve(call: &Call) -> Outcome {
    call.reserve(4);
    match urls::resolve(call.bytes(1)?, call.bytes(2)?) {
        Ok(text) => held::push(call, text),
        Err(wrong) => return convert::refusal(call, &wrong.to_string(), Code::INVALID),
    }
    Ok(1)
}

/// `normalize_path(path)`: without "." and "..".
pub fn normalize_path(call: &Call) -> Outcome {
    let path = call.bytes(1)?;
    let mut out = Vec::with_capacity(path.len());
    target::remove_dots(path, &mut out);
    call.reserve(4);
    held::push(call, out);
    Ok(1)
}

/// `split_target(target)`: path, path as it came, query. No path for what has none, for a broken
/// escape and for NUL.
pub fn split_target(call: &Call) -> Outcome {
    let parts = target::split(call.bytes(1)?);
    call.reserve(4);
    let is_pushed = !parts.path.is_empty() && push_path(call, parts.path);
    if !is_pushed {
        call.push_nil();
    }
    call.push_bytes(parts.path);
    match parts.query {
        Some(query) => call.push_bytes(query),
        None => call.push_nil(),
    }
    Ok(3)
}

fn push_path(call: &Call, path: &[u8]) -> bool {
    if !Decoding::PATH.changes(path) {
        let is_fine = !path.contains(&0);
        if is_fine {
            call.push_bytes(path);
        }
        return is_fine;
    }
    call.push_filled(path.len(), |room| {
        Decoding::PATH.decode(path, room).filter(|used| !room[..*used].contains(&0))
    })
}

/// `encode(text[, keep])`
pub fn encode(call: &Call) -> Outcome {
    let text = call.bytes(1)?;
    let keep = if call.is_absent(2) { &[] } else { call.bytes(2)? };
    let mut out = Vec::with_capacity(text.len());
    percent::encode(text, keep, &mut out);
    call.reserve(4);
    held::push(call, out);
    Ok(1)
}

/// `decode(text[, plus])`: nil for a broken escape.
pub fn decode(call: &Call) -> Outcome {
    let text = call.bytes(1)?;
    let plus = !call.is_absent(2) && call.switch(2)?;
    call.reserve(2);
    let decoding = Decoding { plus, ..Decoding::PATH };
    if !call.push_filled(text.len(), |room| decoding.decode(text, room)) {
        call.push_nil();
    }
    Ok(1)
}

/// `query(text[, max_pairs])`: a list of `{ name, value }`, or `nil, message, code`.
pub fn query(call: &Call) -> Outcome {
    let text = call.bytes(1)?;
    let limit = match call.is_absent(2) {
        true => limits::QUERY_PAIRS,
        false => call.integer_in(2, 0, i32::MAX.into())? as usize,
    };
    let count = pairs::count(text, limit);
    if count > limit {
        let words = format!("more than {limit} pairs in a query");
        return convert::refusal(call, &words, Code::HTTP_TOO_LARGE);
    }
    call.reserve(5);
    call.push_table(count, 0);
    for (at, (name, value)) in (1..).zip(pairs::pairs(text)) {
        call.push_table(2, 0);
        push_decoded(call, name);
        call.raw_set(-2, 1);
        push_decoded(call, value);
        call.raw_set(-2, 2);
        call.raw_set(-2, at);
    }
    Ok(1)
}

fn push_decoded(call: &Call, text: &[u8]) {
    if Decoding::FORM.changes(text) {
        call.push_filled(text.len(), |room| Decoding::FORM.decode(text, room));
    } else {
        call.push_bytes(text);
    }
}

/// `build_query(list)` of `{ name, value }`.
pub fn build_query(call: &Call) -> Outcome {
    if call.kind(1) != Kind::Table {
        return Err(call.expected(1, "table"));
    }
    call.set_top(1);
    call.reserve(4);
    let mut out = Vec::new();
    let (mut name, mut value) = (Vec::new(), Vec::new());
    for at in 1..=call.raw_len(1) {
        call.raw_get(1, at);
        if call.kind(2) != Kind::Table {
            return Err(Fail::argument(1, format!("item {at} is no pair of a name and a value")));
        }
        call.raw_get(2, 1);
        call.raw_get(2, 2);
        for (place, text) in [(3, &mut name), (4, &mut value)] {
            text.clear();
            write_scalar(call, place, text).ok_or_else(|| {
                Fail::argument(1, format!("item {at} has something else than text"))
            })?;
        }
        pairs::append(&name, &value, &mut out);
        call.set_top(1);
    }
    held::push(call, out);
    Ok(1)
}

/// Appends the string or number at `n`.
fn write_scalar(call: &Call, n: c_int, out: &mut Vec<u8>) -> Option<()> {
    if let Some(text) = call.to_bytes(n) {
        out.extend_from_slice(text);
        return Some(());
    }
    let text = match call.to_integer(n) {
        Some(integer) => integer.to_string(),
        None => call.to_number(n)?.to_string(),
    };
    out.extend_from_slice(text.as_bytes());
    Some(())
}

/// `is_public_suffix(domain)`: whether anybody can have a name below it.
pub fn is_public_suffix(call: &Call) -> Outcome {
    call.push_boolean(suffix::is_public(call.bytes(1)?));
    Ok(1)
}

/// `registrable(domain)`: the part that somebody owns, in lower case, or nil.
pub fn registrable(call: &Call) -> Outcome {
    let domain = call.bytes(1)?;
    call.reserve(2);
    match suffix::registrable(domain) {
        Some(size) => push_lower(call, &domain[domain.len() - size..]),
        None => call.push_nil(),
    }
    Ok(1)
}
