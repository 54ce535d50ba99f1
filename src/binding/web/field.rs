//! `web`: cookies, dates, ranges, media types, preferences.

use std::ffi::c_int;

use super::{each_text, push_lower, set_text};
use crate::base::error::Code;
use crate::binding::convert;
use crate::binding::held;
use crate::binding::raw::{Call, Fail, Outcome};
use crate::codec::web::cookie::{self, SameSite, SetCookie};
use crate::codec::web::date as dates;
use crate::codec::web::media::{self, Backslash, Parameter, Value};
use crate::codec::web::range::{self, Ranges};
use crate::os::clock;

/// `cookies(header)`: a list of `{ name, value }`.
pub fn cookies(call: &Call) -> Outcome {
    let header = call.bytes(1)?;
    call.reserve(5);
    call.push_table(0, 0);
    for (at, (name, value)) in (1..).zip(cookie::pairs(header)) {
        call.push_table(2, 0);
        call.push_bytes(name);
        call.raw_set(-2, 1);
        call.push_bytes(value);
        call.raw_set(-2, 2);
        call.raw_set(-2, at);
    }
    Ok(1)
}

/// `set_cookie(header)`: its parts, or nil.
pub fn set_cookie(call: &Call) -> Outcome {
    call.reserve(4);
    let Some(cookie) = cookie::parse(call.bytes(1)?) else {
        call.push_nil();
        return Ok(1);
    };
    call.push_table(0, 9);
    set_text(call, c"name", Some(cookie.name));
    set_text(call, c"value", Some(cookie.value));
    set_text(call, c"path", cookie.path);
    for (name, number) in [(c"expires", cookie.expires), (c"max_age", cookie.max_age)] {
        if let Some(number) = number {
            call.push_integer(number);
            call.set_field(-2, name);
        }
    }
    if let Some(domain) = cookie.domain {
        push_lower(call, domain);
        call.set_field(-2, c"domain");
    }
    for (name, is_set) in [(c"secure", cookie.secure), (c"http_only", cookie.http_only)] {
        call.push_boolean(is_set);
        call.set_field(-2, name);
    }
    if let Some(same_site) = cookie.same_site {
        push_lower(call, same_site.text());
        call.set_field(-2, c"same_site");
    }
    Ok(1)
}

/// `build_cookie(name, value[, attributes])`: the text of a field, or `nil, message, code`.
pub fn build_cookie(call: &Call) -> Outcome {
    let has_attributes = call.optional_table(3)?;
    let mut cookie =
        SetCookie { name: call.bytes(1)?, value: call.bytes(2)?, ..SetCookie::default() };
    call.set_top(3);
    call.reserve(10);
    if has_attributes {
        // They stand at 4 to 10 for as long as they are looked at.
        for name in
            [c"expires", c"max_age", c"domain", c"path", c"secure", c"http_only", c"same_site"]
        {
            call.raw_field(3, name);
        }
        let said = |name: &str, fail: Fail| match fail {
            Fail::Argument(_, why) => Fail::argument(3, format!("option {name}: {why}")),
            fail => fail,
        };
        cookie.expires = optional(call, 4, Call::integer).map_err(|fail| said("expires", fail))?;
        cookie.max_age = optional(call, 5, Call::integer).map_err(|fail| said("max_age", fail))?;
        let domain = text(call, 6).map_err(|fail| said("domain", fail))?;
        // A dot in front was needed once, and means nothing (RFC 6265, 4.1.2.3).
        cookie.domain = domain.map(|domain| domain.strip_prefix(b".").unwrap_or(domain));
        cookie.path = text(call, 7).map_err(|fail| said("path", fail))?;
        let secure = optional(call, 8, Call::switch).map_err(|fail| said("secure", fail))?;
        let http_only = optional(call, 9, Call::switch).map_err(|fail| said("http_only", fail))?;
        cookie.secure = secure.unwrap_or(false);
        cookie.http_only = http_only.unwrap_or(false);
        if let Some(given) = text(call, 10).map_err(|fail| said("same_site", fail))? {
            let known = SameSite::parse(given).ok_or_else(|| {
                Fail::argument(3, "option same_site: \"strict\", \"lax\" or \"none\" expected")
            })?;
            cookie.same_site = Some(known);
        }
    }
    let mut out = Vec::new();
    match cookie.write(&mut out) {
        Ok(()) => held::push(call, out),
        Err(wrong) => return convert::refusal(call, &wrong.to_string(), Code::INVALID),
    }
    Ok(1)
}

fn optional<T>(
    call: &Call,
    n: c_int,
    read: impl FnOnce(&Call, c_int) -> Result<T, Fail>,
) -> Result<Option<T>, Fail> {
    if call.is_absent(n) { Ok(None) } else { read(call, n).map(Some) }
}

fn text(call: &Call, n: c_int) -> Result<Option<&[u8]>, Fail> {
    if call.is_absent(n) { Ok(None) } else { call.bytes(n).map(Some) }
}

/// `date(text)`: seconds since 1970, or nil.
pub fn date(call: &Call) -> Outcome {
    let now = clock::unix_millis().div_euclid(1000);
    match dates::parse(call.bytes(1)?, now) {
        Some(seconds) => call.push_integer(seconds),
        None => call.push_nil(),
    }
    Ok(1)
}

/// `format_date(seconds)`
pub fn format_date(call: &Call) -> Outcome {
    call.push_bytes(&dates::format(call.integer(1)?));
    Ok(1)
}

/// `ranges(header, size)`: a list of `{ first, last }`; nil to ignore the header; false for 416.
pub fn ranges(call: &Call) -> Outcome {
    let (header, size) = (call.bytes(1)?, call.integer_in(2, 0, i64::MAX)?);
    match range::parse(header, size as u64) {
        Ranges::Ignored => call.push_nil(),
        Ranges::Unsatisfiable => call.push_boolean(false),
        Ranges::Bytes(list) => {
            call.reserve(4);
            call.push_table(list.as_slice().len(), 0);
            for (at, (first, last)) in (1..).zip(list.as_slice()) {
                call.push_table(2, 0);
                call.push_integer(*first as i64);
                call.raw_set(-2, 1);
                call.push_integer(*last as i64);
                call.raw_set(-2, 2);
                call.raw_set(-2, at);
            }
        }
    }
    Ok(1)
}

/// `media_type(text)`: the type in lower case and its parameters by name in lower case, or nil.
pub fn media_type(call: &Call) -> Outcome {
    push_value(call, media::media_type(call.bytes(1)?), Backslash::Quotes)
}

/// `disposition(text)`: as `media_type`. `filename` is what `filename*` says, where both are there.
pub fn disposition(call: &Call) -> Outcome {
    push_value(call, media::disposition(call.bytes(1)?), Backslash::IsMostlyItself)
}

fn push_value(call: &Call, value: Option<Value<'_>>, backslash: Backslash) -> Outcome {
    let Some(value) = value else {
        call.push_nil();
        return Ok(1);
    };
    call.reserve(8);
    push_lower(call, value.kind);
    call.push_table(0, 2);
    for given in value.parameters() {
        push_lower(call, given.name);
        push_parameter(call, &given, backslash);
        call.raw_set_pair(-3);
    }
    // After all others: what is extended is preferred (RFC 6266, 4.3).
    let extended = |given: &Parameter<'_>| given.name.eq_ignore_ascii_case(b"filename*");
    if let Some(name) = value.parameters().find(extended).and_then(|given| given.extended()) {
        held::push(call, name);
        call.set_field(-2, c"filename");
    }
    Ok(2)
}

fn push_parameter(call: &Call, given: &Parameter<'_>, backslash: Backslash) {
    if given.changes() {
        call.push_filled(given.text.len(), |room| given.unquote(backslash, room));
    } else {
        call.push_bytes(given.text);
    }
}

/// `boundary(content_type)`: nil where there is none that may be.
pub fn boundary(call: &Call) -> Outcome {
    match media::boundary(call.bytes(1)?) {
        Some(boundary) => call.push_bytes(boundary),
        None => call.push_nil(),
    }
    Ok(1)
}

/// `choose(accept_encoding, codings)`: the one of the list that is wanted most, or nil when the body
/// had better be sent as it is.
pub fn choose(call: &Call) -> Outcome {
    let header = text(call, 1)?;
    let header = header.unwrap_or_default();
    push_best(call, media::coding_weight(header, b"identity"), media::coding_weight, header)
}

/// `accepts(accept, types)`: the one of the list that is wanted most, or nil when none is.
pub fn accepts(call: &Call) -> Outcome {
    let header = text(call, 1)?;
    push_best(call, 1, media::type_weight, header.unwrap_or(b"*/*"))
}

/// Pushes the first item of the list at 2 with the largest weight of at least `least`, or nil.
fn push_best(call: &Call, least: u16, weigh: fn(&[u8], &[u8]) -> u16, header: &[u8]) -> Outcome {
    let (mut best, mut found) = (least.max(1) - 1, 0);
    each_text(call, 2, |at, name| {
        let weight = weigh(header, name);
        if weight > best {
            (best, found) = (weight, at);
        }
    })?;
    match found {
        0 => call.push_nil(),
        at => call.raw_get(2, at),
    }
    Ok(1)
}
